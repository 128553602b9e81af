/** What a plan comes to, shared by every renderer so that they cannot disagree. */
import { isRefused, isWritten } from './exit-code.js';
import { CHANGE_ACTIONS, type Change, type ChangeAction, type Plan } from './plan-types.js';

export type PlanSummary = Readonly<Record<ChangeAction, number>>;

export function summarizePlan({ changes }: Plan): PlanSummary {
  return countActions(changes);
}

export function countActions(changes: readonly Change[]): PlanSummary {
  const counts = Object.fromEntries(CHANGE_ACTIONS.map((action) => [action, 0])) as Record<
    ChangeAction,
    number
  >;
  for (const { action } of changes) counts[action] += 1;
  return counts;
}

/** `a1b2c3d` of a commit id, `folder-a1b2c3d` of a folder's digest. */
export function shortCommit(commit: string): string {
  return commit.replace(/[0-9a-f]{12,}$/, (digest) => digest.slice(0, 7));
}

/** How each action is counted in a sentence, in this order. */
const COUNTED: readonly (readonly [ChangeAction, string])[] = [
  ['create', 'to create'],
  ['update', 'to update'],
  ['adopt', 'to adopt'],
  ['release', 'to release'],
  ['delete', 'to delete'],
  ['drift', 'drifted'],
  ['blocked', 'blocked'],
];

/** What a plan was made against; only of a store can be said that it matches. */
export type ComparedWith = 'store' | 'commit' | 'nothing';

/** The plan in one line. */
export function planVerdict(plan: Plan, comparedWith: ComparedWith = 'store'): string {
  const commit = shortCommit(plan.commit);
  if (isRefused(plan)) return `${counts(plan)} Nothing of commit ${commit} will be applied.`;
  if (plan.changes.some(isWritten)) return counts(plan);
  const live = plan.base.head?.commit;
  if (comparedWith !== 'store')
    return live === undefined
      ? `No changes. Commit ${commit} asks for nothing.`
      : `No changes. Commit ${commit} asks for the same as ${shortCommit(live)}.`;
  return live === undefined || live === plan.commit
    ? `No changes. The store matches commit ${commit}.`
    : `No changes. The store matches commit ${commit}, which follows ${shortCommit(live)}.`;
}

function counts(plan: Plan): string {
  const summary = summarizePlan(plan);
  const parts = COUNTED.filter(([action]) => summary[action] > 0).map(
    ([action, text]) => `${summary[action]} ${text}`,
  );
  return `Plan: ${parts.length > 0 ? parts.join(', ') : 'no changes'}.`;
}
