/**
 * The plan as a comment on a pull request.
 *
 * The first line is a marker by which a bot finds its earlier comment and replaces it. Forges cut comments off at
 * 65,536 characters; so that nothing is lost in silence, details give way first, then the table, then all but the
 * beginning of each section, and the text says so. What manifests and the store supplied stands in code fences that
 * it cannot close, or is escaped.
 */
import { printable } from '../../model/printable.js';
import type { Change, ChangeAction, FieldDiff, Plan } from '../plan-types.js';
import { type ComparedWith, planVerdict, shortCommit } from '../summary.js';
import { formatValue } from './value.js';

const MAX_MARKDOWN = 60_000;

const LABELS: Record<ChangeAction, string> = {
  create: '+ create',
  update: '~ update',
  drift: '! drift',
  adopt: '@ adopt',
  release: '< release',
  delete: '- delete',
  blocked: 'x blocked',
  unmanaged: '? left alone',
};

/** What stands beside the plan, before its objects: what it means, and which tests fail. */
export interface MarkdownSection {
  readonly title: string;
  /** Worth a box that nobody overlooks. */
  readonly alarm?: string | undefined;
  /** Put into a fence, where lines that begin with + and - are green and red; the foremost first. */
  readonly lines: readonly string[];
}

export interface MarkdownOptions {
  readonly comparedWith?: ComparedWith;
  readonly beside?: readonly MarkdownSection[];
  readonly maxLength?: number;
}

type Part = (plan: Plan, context: Required<MarkdownOptions>) => readonly string[];

/** From the most to the least that is said. */
const LEVELS: readonly (readonly Part[])[] = [
  [title, guards, sections, table, details],
  [title, guards, sections, table, omission],
  [title, guards, sections, omission],
  [title, guards, beginnings, omission],
];

export function renderPlanMarkdown(
  plan: Plan,
  { comparedWith = 'store', beside = [], maxLength = MAX_MARKDOWN }: MarkdownOptions = {},
): string {
  const context = { comparedWith, beside, maxLength };
  const texts = LEVELS.map((parts) => {
    const lines = parts.flatMap((part) => part(plan, context));
    return [`<!-- heddle-plan:${marker(plan.source)} -->`, ...lines, ''].join('\n');
  });
  return texts.find((text) => text.length <= maxLength) ?? (texts.at(-1) ?? '').slice(0, maxLength);
}

function title(plan: Plan, { comparedWith }: Required<MarkdownOptions>): string[] {
  const { head } = plan.base;
  const base = head ? code(shortCommit(head.commit)) : '';
  const replaced =
    comparedWith === 'store' ? ` replaces ${base} (seq ${head?.seq})` : `, compared with ${base}`;
  return [
    `### heddle: ${escapeMarkdown(plan.source)}, commit ${code(shortCommit(plan.commit))}${head ? replaced : ''}`,
    '',
    `**${escapeMarkdown(planVerdict(plan, comparedWith))}**`,
  ];
}

function guards(plan: Plan): string[] {
  return plan.guards.flatMap(({ code: name, message, approve }) => [
    '',
    '> [!CAUTION]',
    `> ${name}: ${escapeMarkdown(message)}`,
    `> To go on: ${escapeMarkdown(approve)}`,
  ]);
}

function sections(_: Plan, { beside }: Required<MarkdownOptions>): string[] {
  return beside.flatMap(({ title: heading, alarm, lines }) => [
    ...['', `**${escapeMarkdown(heading)}**`],
    ...(alarm === undefined ? [] : ['', '> [!WARNING]', `> ${escapeMarkdown(alarm)}`]),
    ...(lines.length === 0 ? [] : ['', ...fenced(lines)]),
  ]);
}

const LINES_OF_BEGINNING = 12;
const MAX_LINE = 300;

function beginnings(plan: Plan, context: Required<MarkdownOptions>): string[] {
  const beside = context.beside.map((section) => {
    const shown = section.lines.slice(0, LINES_OF_BEGINNING).map((line) => line.slice(0, MAX_LINE));
    const more = section.lines.length - shown.length;
    return { ...section, lines: more > 0 ? [...shown, `... and ${more} more lines`] : shown };
  });
  return sections(plan, { ...context, beside });
}

function fenced(lines: readonly string[]): string[] {
  const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n')) + 1));
  return [`${fence}diff`, ...lines, fence];
}

function table(plan: Plan): string[] {
  if (plan.changes.length === 0) return [];
  const rows = plan.changes.map((change) => {
    const place = change.origin ? code(`${change.origin.file}:${change.origin.line}`) : '';
    return `| ${code(LABELS[change.action])} | ${code(nameOf(change))} | ${place} |`;
  });
  return ['', '| | object | written in |', '|---|---|---|', ...rows];
}

function details(plan: Plan): string[] {
  return plan.changes
    .filter((change) => change.reason !== undefined || change.diff.length > 0)
    .flatMap(detail);
}

/** The line of the summary is HTML, where a backslash is a backslash. */
function detail(change: Change): string[] {
  const lines = change.diff.flatMap(diffLines);
  return [
    '',
    `<details><summary>${escapeHtml(`${LABELS[change.action]} ${nameOf(change)}`)}</summary>`,
    '',
    ...(change.reason === undefined ? [] : [escapeMarkdown(change.reason), '']),
    ...(lines.length === 0 ? [] : [...fenced(lines), '']),
    '</details>',
  ];
}

function diffLines({ path, before, after }: FieldDiff): string[] {
  return [
    ...(before === undefined ? [] : [`- ${printable(path)}: ${formatValue(before)}`]),
    ...(after === undefined ? [] : [`+ ${printable(path)}: ${formatValue(after)}`]),
  ];
}

function omission(): string[] {
  return [
    '',
    '_Too much for one comment: details are left out. `heddle reconcile --dry-run` shows all of it._',
  ];
}

function nameOf(change: Change): string {
  return `${change.kind}/${change.name}`;
}

/** In a comment of HTML, two dashes would end it. */
function marker(source: string): string {
  return source.replaceAll(/[^\w.]+/g, '-');
}

function escapeMarkdown(text: string): string {
  return escapeHtml(text).replaceAll(/([\\`*_[\]|~#@])/g, '\\$1');
}

function escapeHtml(text: string): string {
  return printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** As code, in a cell of a table: there even code must not hold a pipe. */
function code(text: string): string {
  const safe = printable(text).replaceAll('|', '\\|');
  const ticks = '`'.repeat(longestRun(safe) + 1);
  const space = safe.startsWith('`') || safe.endsWith('`') ? ' ' : '';
  return `${ticks}${space}${safe}${space}${ticks}`;
}

/** Length of the longest run of backticks. */
function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}
