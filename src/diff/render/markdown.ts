/**
 * The plan as a comment on a pull request.
 *
 * The first line is a marker by which a bot finds its earlier comment and replaces it. Forges cut comments off at
 * 65,536 characters; so that nothing is lost in silence, details give way first, then the table, and the text
 * says so. What manifests and the store supplied stands in code fences that it cannot close, or is escaped.
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

type Section = (plan: Plan, comparedWith: ComparedWith) => readonly string[];

/** From the most to the least that is said. */
const LEVELS: readonly (readonly Section[])[] = [
  [title, guards, table, details],
  [title, guards, table, omission],
  [title, guards, omission],
];

export function renderPlanMarkdown(
  plan: Plan,
  comparedWith: ComparedWith = 'store',
  maxLength = MAX_MARKDOWN,
): string {
  const texts = LEVELS.map((sections) => {
    const lines = sections.flatMap((section) => section(plan, comparedWith));
    return [`<!-- heddle-plan:${marker(plan.source)} -->`, ...lines, ''].join('\n');
  });
  return texts.find((text) => text.length <= maxLength) ?? (texts.at(-1) ?? '').slice(0, maxLength);
}

function title(plan: Plan, comparedWith: ComparedWith): string[] {
  const { head } = plan.base;
  const seq = comparedWith === 'store' && head ? ` (seq ${head.seq})` : '';
  const over = head ? ` over ${code(shortCommit(head.commit))}${seq}` : '';
  return [
    `### heddle: ${escapeMarkdown(plan.source)}, commit ${code(shortCommit(plan.commit))}${over}`,
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
  const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n')) + 1));
  return [
    '',
    `<details><summary>${escapeHtml(`${LABELS[change.action]} ${nameOf(change)}`)}</summary>`,
    '',
    ...(change.reason === undefined ? [] : [escapeMarkdown(change.reason), '']),
    ...(lines.length === 0 ? [] : [`${fence}diff`, ...lines, fence, '']),
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
