/**
 * The plan for a person at a terminal: one line for each object, its fields below, one summary at the end.
 *
 * Colours come in as functions, so that this text is the same in a pipe. Everything that a manifest or the store
 * supplied passes `printable`: a value in etcd must not be able to move the reader's cursor.
 */
import { printable } from '../../model/printable.js';
import { isRefused, isWritten } from '../exit-code.js';
import type { Change, ChangeAction, FieldDiff, Plan } from '../plan-types.js';
import { type ComparedWith, planVerdict, shortCommit } from '../summary.js';
import { formatValue } from './value.js';

export type Paint = (text: string) => string;

export interface Palette {
  readonly green: Paint;
  readonly yellow: Paint;
  readonly red: Paint;
  readonly magenta: Paint;
  readonly bold: Paint;
  readonly dim: Paint;
}

const plain: Paint = (text) => text;
export const NO_COLOURS: Palette = {
  green: plain,
  yellow: plain,
  red: plain,
  magenta: plain,
  bold: plain,
  dim: plain,
};

/** Fields shown of one object; the rest is counted. */
const MAX_FIELDS = 12;
/** Objects named in the line of those that are left alone. */
const MAX_UNMANAGED = 8;
/** Origins are aligned behind names up to this long. */
const MAX_NAME_WIDTH = 48;

const SYMBOLS: Record<ChangeAction, { readonly mark: string; readonly paint: keyof Palette }> = {
  create: { mark: '+', paint: 'green' },
  update: { mark: '~', paint: 'yellow' },
  drift: { mark: '!', paint: 'magenta' },
  adopt: { mark: '@', paint: 'yellow' },
  release: { mark: '<', paint: 'yellow' },
  delete: { mark: '-', paint: 'red' },
  blocked: { mark: 'x', paint: 'red' },
  unmanaged: { mark: '?', paint: 'dim' },
};

/** Ends with a newline. */
export function renderPlan(
  plan: Plan,
  colours: Palette = NO_COLOURS,
  comparedWith: ComparedWith = 'store',
): string {
  // Foreign keys beside those of a manifest change what it means, and are worth a line of their own.
  const isForeign = ({ action, origin }: Change) => action === 'unmanaged' && !origin;
  const listed = plan.changes.filter((change) => !isForeign(change));
  const unmanaged = plan.changes.filter(isForeign);
  const longest = listed.reduce((length, change) => Math.max(length, nameOf(change).length), 0);
  const verdict = planVerdict(plan, comparedWith);
  const width = Math.min(MAX_NAME_WIDTH, longest);
  const blocks = [
    listed.length > 0 ? [heading(plan, colours, comparedWith), ''] : [],
    listed.flatMap((change) => changeLines(change, width, colours)),
    unmanagedLines(unmanaged, colours),
    plan.guards.flatMap((guard) => [
      colours.red(`Refused (${guard.code}): ${printable(guard.message)}`),
      `  To go on: ${printable(guard.approve)}`,
    ]),
    [isRefused(plan) || plan.changes.some(isWritten) ? colours.bold(verdict) : verdict],
  ];
  return `${separate(blocks).join('\n')}\n`;
}

function heading(plan: Plan, colours: Palette, comparedWith: ComparedWith): string {
  const beside = comparedWith === 'store' ? besideStore(plan) : `, compared with ${baseOf(plan)}`;
  return `${colours.bold(`${plan.source}: commit ${shortCommit(plan.commit)}`)}${colours.dim(printable(beside))}`;
}

function besideStore({ base: { head, revision } }: Plan): string {
  return head
    ? `, replaces ${shortCommit(head.commit)} (seq ${head.seq}, etcd at revision ${revision})`
    : `, the first of this source (etcd at revision ${revision})`;
}

function baseOf({ base: { head } }: Plan): string {
  return head ? `commit ${shortCommit(head.commit)}` : 'nothing';
}

function changeLines(change: Change, width: number, colours: Palette): string[] {
  const { mark, paint } = SYMBOLS[change.action];
  const name = printable(nameOf(change));
  const place = change.origin ? printable(`${change.origin.file}:${change.origin.line}`) : '';
  const origin = change.action === 'delete' && place ? `was ${place}` : place;
  const head = `  ${colours[paint](`${mark} ${name}`)}${' '.repeat(Math.max(0, width - name.length))}  ${colours.dim(origin)}`;
  const reason = change.reason === undefined ? [] : [`      ${colours[paint](printable(change.reason))}`];
  return [head.trimEnd(), ...reason, ...fieldLines(change, colours)];
}

/** A new or vanishing object is told by its name; the fields of what changes are the point. */
function fieldLines(change: Change, colours: Palette): string[] {
  if (change.action === 'create' || change.action === 'delete') return [];
  const shown = change.diff.slice(0, MAX_FIELDS).map((field) => `      ${fieldLine(field, colours)}`);
  const rest = change.diff.length - shown.length;
  return rest > 0 ? [...shown, `      ${colours.dim(`... and ${rest} more`)}`] : shown;
}

function fieldLine(field: FieldDiff, colours: Palette): string {
  const path = printable(field.path);
  if (field.before === undefined) return colours.green(`+ ${path}: ${formatValue(field.after)}`);
  if (field.after === undefined) return colours.red(`- ${path}: ${formatValue(field.before)}`);
  return `${colours.yellow('~')} ${path}: ${formatValue(field.before)} -> ${formatValue(field.after)}`;
}

function unmanagedLines(unmanaged: readonly Change[], colours: Palette): string[] {
  if (unmanaged.length === 0) return [];
  const names = unmanaged.slice(0, MAX_UNMANAGED).map((change) => printable(nameOf(change)));
  const rest = unmanaged.length - names.length;
  const list = rest > 0 ? `${names.join(', ')} and ${rest} more` : names.join(', ');
  return [colours.dim(`  ? left alone, written by somebody else: ${list}`)];
}

function nameOf(change: Change): string {
  return `${change.kind}/${change.name}`;
}

/** Joins blocks with one empty line between them. */
function separate(blocks: readonly (readonly string[])[]): string[] {
  const lines: string[] = [];
  for (const block of blocks.filter((lines) => lines.length > 0)) {
    if (lines.length > 0 && lines.at(-1) !== '') lines.push('');
    lines.push(...block);
  }
  return lines;
}
