/**
 * A difference in connectivity for people: what opens, what closes, and for each a packet with the rule that decides.
 */
import { printable } from '../../model/printable.js';
import { type ConnectivityChange, type ConnectivityDiff, isExposure } from '../semantic-diff.js';
import { PLAIN_STYLE, type VerifyStyle } from './style.js';
import { conversationOf, placeOf } from './trace.js';

/** Changes shown of each kind; the rest is counted. */
const SHOWN = 20;

/** Empty when nobody may say anything else than before. */
export function formatConnectivity(diff: ConnectivityDiff, style: VerifyStyle = PLAIN_STYLE): string {
  if (diff.gained.length + diff.lost.length === 0) return '';
  const families = new Set([...diff.gained, ...diff.lost].flatMap((change) => change.families));
  const isDual = families.size > 1;
  return [
    `${style.heading('Connectivity')}\n`,
    ...linesOf(diff.gained, { mark: style.allow('+'), isDual, style }),
    ...linesOf(diff.lost, { mark: style.deny('-'), isDual, style }),
    `${summarizeConnectivity(diff)}\n`,
  ].join('');
}

/** One line: `connectivity: 3 opened (214 pairs, 2 of them with outside), 1 closed (12 pairs)`. */
export function summarizeConnectivity({ gained, lost }: ConnectivityDiff): string {
  const parts = [countOf(gained, 'opened'), countOf(lost, 'closed')].filter((part) => part !== undefined);
  return `connectivity: ${parts.length === 0 ? 'unchanged' : parts.join(', ')}`;
}

function countOf(changes: readonly ConnectivityChange[], verb: string): string | undefined {
  if (changes.length === 0) return undefined;
  const sum = (some: readonly ConnectivityChange[]) => some.reduce((total, { pairs }) => total + pairs, 0);
  const exposed = sum(changes.filter(isExposure));
  const outside = exposed === 0 ? '' : `, ${exposed} of them with outside`;
  return `${changes.length} ${verb} (${pairsOf(sum(changes))}${outside})`;
}

function pairsOf(count: number): string {
  return count === 1 ? '1 pair' : `${count} pairs`;
}

interface ChangeStyle {
  readonly mark: string;
  /** Both IP versions are spoken here, so one alone is worth a word. */
  readonly isDual: boolean;
  readonly style: VerifyStyle;
}

function linesOf(changes: readonly ConnectivityChange[], options: ChangeStyle): readonly string[] {
  const lines = changes.slice(0, SHOWN).map((change) => formatChange(change, options));
  const more = changes.length - lines.length;
  return more > 0 ? [...lines, `  ${options.mark} and ${more} more\n`] : lines;
}

function formatChange(change: ConnectivityChange, { mark, isDual, style }: ChangeStyle): string {
  const { from, to, connections, families, pairs } = change;
  const who = `${printable(from.text)} -> ${printable(to.text)}`;
  const family = isDual && families.length === 1 ? `IPv${families[0]}, ` : '';
  const count = style.dim(`(${family}${pairsOf(pairs)})`);
  const head = `  ${mark} ${style.heading(who)}  ${connections.join(', ')}  ${count}\n`;
  return `${head}      ${style.dim(formatSample(change))}\n`;
}

/** The rule that decides now: of what closed the first that says no, of what opened the last that says yes. */
function formatSample({ sample }: ConnectivityChange): string {
  const sides = [sample.egress, sample.ingress].filter((side) => side !== null);
  const decisive = sides.find(({ verdict }) => verdict === 'deny') ?? sides.at(-1);
  const place = decisive?.origin ? `  ${placeOf(decisive.origin)}` : '';
  const why = decisive ? `: ${decisive.reason}${place}` : '';
  return printable(`${sample.src} -> ${sample.dst} ${conversationOf(sample)} ${sample.verdict}${why}`);
}
