/**
 * What the log says of a plan that was applied: of a commit how much it changed, of drift what it was, by name. A commit
 * can be read in git; what somebody did to the store stands nowhere else.
 */
import { movesHead } from '../apply/transaction.js';
import type { Plan } from '../diff/plan-types.js';
import { summarizePlan } from '../diff/summary.js';
import type { Log } from '../model/log.js';
import { summarizeConnectivity } from '../verify/render/connectivity.js';
import type { Consequences } from './consequences.js';

const MOST_NAMED = 20;

export function logApplied(
  log: Log,
  plan: Plan,
  { seq, revision }: { readonly seq: number; readonly revision: number },
  consequences: Consequences | undefined,
): void {
  const drifted = plan.changes.filter(({ action }) => action === 'drift');
  const named = drifted
    .slice(0, MOST_NAMED)
    .map(({ kind, name, reason }) => `${kind}/${name}: ${reason ?? 'it differed'}`);
  const more = drifted.length - named.length;
  log.info(movesHead(plan) ? 'commit applied' : 'drift repaired', {
    ...{ commit: plan.commit, seq, revision },
    ...summarizePlan(plan),
    ...(consequences && { connectivity: summarizeConnectivity(consequences.connectivity) }),
    ...(named.length > 0 && { drifted: more > 0 ? [...named, `and ${more} more`] : named }),
  });
}
