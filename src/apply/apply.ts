/**
 * Sends a plan to the store.
 *
 * Nothing is decided here: the plan says what is written and under which conditions. A compare that does not hold
 * means that the store is not as the plan saw it; nothing was written, and the caller plans again.
 */
import type { Datastore } from '../datastore/datastore.js';
import { describeExcess } from '../datastore/transaction-limits.js';
import { isRefused } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { Revision } from '../model/store.js';
import { planTransaction, type TransactionOptions } from './transaction.js';

export type ApplyResult =
  | { readonly status: 'applied'; readonly seq: number; readonly revision: Revision }
  /** The store holds it all. */
  | { readonly status: 'unchanged' }
  /** Somebody wrote meanwhile, leads in our place, or has suspended. */
  | { readonly status: 'conflict' }
  /** The plan has blocked objects or guards, or does not fit one transaction. */
  | { readonly status: 'refused'; readonly message: string };

/** @throws {DatastoreError} when the store cannot be reached; whether it was written is then unknown. */
export async function applyPlan(
  store: Datastore,
  plan: Plan,
  options: TransactionOptions,
): Promise<ApplyResult> {
  if (isRefused(plan)) return { status: 'refused', message: 'the plan has blocked objects or guards' };
  const planned = planTransaction(plan, options);
  if (!planned) return { status: 'unchanged' };
  const excess = describeExcess(planned.transaction);
  if (excess !== undefined) {
    return {
      status: 'refused',
      message: `the ${plan.changes.length} changes of commit ${plan.commit} do not fit one transaction: ${excess}; split the commit`,
    };
  }
  const result = await store.transact(planned.transaction);
  return result.ok
    ? { status: 'applied', seq: planned.head.seq, revision: result.revision }
    : { status: 'conflict' };
}
