/**
 * Whether a plan is to be applied, and if not, why: read off the plan. PURE.
 */
import { movesHead, planTransaction } from '../apply/transaction.js';
import { describeExcess } from '../datastore/transaction-limits.js';
import { isRefused, isWritten } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { Layout } from '../layout/layout.js';
import type { PlanVerdict } from './reconciler-state.js';

export interface Circumstances {
  readonly layout: Layout;
  /** Somebody has suspended reconciliation; what they wrote there. */
  readonly suspension: string | undefined;
}

export function judgePlan(plan: Plan, { layout, suspension }: Circumstances): PlanVerdict {
  if (isRefused(plan)) return { type: 'refused', message: describeRefusal(plan) };
  const planned = planTransaction(plan, { layout, now: '' });
  if (!planned) return { type: 'nothing' };
  const excess = describeExcess(planned.transaction);
  if (excess !== undefined) return { type: 'too-large', message: `${excess}; split the commit` };
  if (suspension !== undefined) return { type: 'suspended', message: suspension };
  return { type: 'apply', message: describePending(plan) };
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
  return movesHead(plan) ? `commit ${plan.commit} is not in the store: ${changes}` : `drift: ${changes}`;
}
