/** Counts of a plan, shared by every renderer so that they cannot disagree. */
import { CHANGE_ACTIONS, type ChangeAction, type Plan } from './plan-types.js';

export type PlanSummary = Readonly<Record<ChangeAction, number>>;

export function summarizePlan(plan: Plan): PlanSummary {
  const count = (action: ChangeAction) => plan.changes.filter((change) => change.action === action).length;
  return Object.fromEntries(CHANGE_ACTIONS.map((action) => [action, count(action)])) as PlanSummary;
}

/** `a1b2c3d` of a commit id, `folder-a1b2c3d` of a folder's digest. */
export function shortCommit(commit: string): string {
  return commit.replace(/[0-9a-f]{12,}$/, (digest) => digest.slice(0, 7));
}
