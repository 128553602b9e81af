/**
 * Whether a plan is to be applied, and if not, why: read off the plan. PURE.
 */
import { describeOversizedPlan } from '../apply/apply.js';
import { movesHead, planTransaction } from '../apply/transaction.js';
import { isRefused, isWritten } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { Layout } from '../layout/layout.js';
import type { PlanVerdict } from './reconciler-state.js';

export interface Circumstances {
  readonly layout: Layout;
  /** Somebody has suspended reconciliation; what they wrote there. */
  readonly suspension: string | undefined;
  /** Tests of the commit that it does not pass itself; undefined: it does. */
  readonly broken?: string | undefined;
}

export function judgePlan(plan: Plan, { layout, suspension, broken }: Circumstances): PlanVerdict {
  if (isRefused(plan)) return { type: 'refused', message: describeRefusal(plan) };
  if (broken !== undefined) return { type: 'refused', message: broken };
  if (!planTransaction(plan, { layout, now: '' })) return { type: 'nothing' };
  const oversize = describeOversizedPlan(plan, { layout, now: '' });
  if (oversize !== undefined) return { type: 'too-large', message: oversize };
  if (suspension !== undefined) return { type: 'suspended', message: suspension };
  return { type: 'apply', message: describePending(plan), over: commitInStore(plan) };
}

/** The commit that the plan was made against: one that is begun, or else the one that is live. */
export function commitInStore({ base }: Plan): string | undefined {
  return base.series?.record.commit ?? base.head?.commit;
}

/** All reasons, guards first. */
function describeRefusal(plan: Plan): string {
  const guards = plan.guards.map(({ message, approve }) => `${message}; to go on: ${approve}`);
  const blocked = plan.changes
    .filter(({ action }) => action === 'blocked')
    .map(({ kind, name, reason }) => `${kind}/${name}: ${reason}`);
  return [...guards, ...blocked].join('\n');
}

function describePending(plan: Plan): string {
  const count = plan.changes.filter(isWritten).length;
  const changes = `${count} ${count === 1 ? 'change' : 'changes'} pending`;
  if (movesHead(plan)) return `commit ${plan.commit} is not in the store: ${changes}`;
  const { series } = plan.base;
  return series ? `commit ${series.record.commit} is written in part: ${changes}` : `drift: ${changes}`;
}
