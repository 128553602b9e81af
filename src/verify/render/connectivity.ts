/**
 * A difference in connectivity for people: what opens, what closes, and for each a packet with the rule that decides.
 *
 * What concerns addresses outside stands on top, whether it opens or closes: it is what a reviewer must not miss.
 */
import { printable } from '../../model/printable.js';
import { type ConnectivityChange, type ConnectivityDiff, isExposure } from '../semantic-diff.js';
import { PLAIN_STYLE, type VerifyStyle } from './style.js';
import { describeTrace } from './trace.js';

/** Changes shown of each kind; the rest is counted. */
const SHOWN = 20;

/** Empty when nobody may say anything else than before. */
export function formatConnectivity(diff: ConnectivityDiff, style: VerifyStyle = PLAIN_STYLE): string {
  if (isUnchanged(diff)) return '';
  const paint = { '+': style.allow, '-': style.deny, ' ': (text: string) => text };
  const blocks = blocksOf(diff, style).flatMap(({ heading, lines }) => [
    `  ${style.dim(heading)}`,
    ...lines.map(({ mark, text }) => `  ${mark === ' ' ? ' ' : paint[mark](mark)} ${text}`),
  ]);
  return [style.heading('Connectivity'), ...blocks, summarizeConnectivity(diff), ''].join('\n');
}

/** The same for a text in which lines that begin with + and - stand out. */
export function connectivityLines(diff: ConnectivityDiff): readonly string[] {
  return blocksOf(diff, PLAIN_STYLE).flatMap(({ heading, lines }) => [
    `# ${heading}`,
    ...lines.map(({ mark, text }) => `${mark} ${text}`),
  ]);
}

export function isUnchanged({ gained, lost }: ConnectivityDiff): boolean {
  return gained.length + lost.length === 0;
}

/** One line: `connectivity: 3 opened (214 pairs, 2 of them with outside), 1 closed (12 pairs)`. */
export function summarizeConnectivity({ gained, lost }: ConnectivityDiff): string {
  const parts = [countOf(gained, 'opened'), countOf(lost, 'closed')].filter((part) => part !== undefined);
  return `connectivity: ${parts.length === 0 ? 'unchanged' : parts.join(', ')}`;
}

/** What opens to addresses outside, in one line; undefined when nothing does. */
export function describeExposure({ gained }: ConnectivityDiff): string | undefined {
  const exposed = gained.filter(isExposure);
  if (exposed.length === 0) return undefined;
  return `Opens to addresses outside: ${countOf(exposed, 'opened')?.replace(/,[^)]*/, '')}.`;
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

interface Line {
  readonly mark: '+' | '-' | ' ';
  readonly text: string;
}

interface Block {
  readonly heading: string;
  readonly lines: readonly Line[];
}

interface ChangeStyle {
  /** Both IP versions are spoken here, so one alone is worth a word. */
  readonly isDual: boolean;
  readonly style: VerifyStyle;
}

function blocksOf({ gained, lost }: ConnectivityDiff, style: VerifyStyle): readonly Block[] {
  const isDual = new Set([...gained, ...lost].flatMap((change) => change.families)).size > 1;
  const block = (heading: string, wanted: (change: ConnectivityChange) => boolean): Block => ({
    heading,
    lines: [
      ...linesOf('+', gained.filter(wanted), { isDual, style }),
      ...linesOf('-', lost.filter(wanted), { isDual, style }),
    ],
  });
  return [
    block('with addresses outside', isExposure),
    block('between endpoints and hosts', (change) => !isExposure(change)),
  ].filter(({ lines }) => lines.length > 0);
}

function linesOf(
  mark: '+' | '-',
  changes: readonly ConnectivityChange[],
  options: ChangeStyle,
): readonly Line[] {
  const lines = changes.slice(0, SHOWN).flatMap((change) => changeLines(mark, change, options));
  const hidden = changes.slice(SHOWN);
  if (hidden.length === 0) return lines;
  const pairs = hidden.reduce((sum, change) => sum + change.pairs, 0);
  return [...lines, { mark, text: `and ${hidden.length} more (${pairsOf(pairs)})` }];
}

function changeLines(mark: '+' | '-', change: ConnectivityChange, { isDual, style }: ChangeStyle): Line[] {
  const { from, to, connections, families, pairs } = change;
  const who = `${printable(from.text)} -> ${printable(to.text)}`;
  const family = isDual && families.length === 1 ? `IPv${families[0]}, ` : '';
  const count = style.dim(`(${family}${pairsOf(pairs)})`);
  return [
    { mark, text: `${style.heading(who)}  ${listOf(connections)}  ${count}` },
    { mark: ' ', text: `    ${style.dim(formatSample(mark, change))}` },
  ];
}

const CONNECTIONS_SHOWN = 12;

function listOf(connections: readonly string[]): string {
  const shown = connections.slice(0, CONNECTIONS_SHOWN).join(', ');
  const hidden = connections.length - CONNECTIONS_SHOWN;
  return hidden > 0 ? `${shown} and ${hidden} more` : shown;
}

function formatSample(mark: '+' | '-', { sample }: ConnectivityChange): string {
  // Where an end is gone, only the network before can be asked.
  const when = mark === '-' && sample.verdict === 'allow' ? 'before, ' : '';
  return printable(`${when}${describeTrace(sample)}`);
}
