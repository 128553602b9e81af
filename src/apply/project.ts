/**
 * The store as it would be after a transaction. PURE.
 *
 * What a plan would lead to can be looked at before anything is written: who could talk to whom, what the next
 * plan would say, and what the store of another commit would hold.
 */
import type { Plan } from '../diff/plan-types.js';
import type { Layout } from '../layout/layout.js';
import type { Revision, Snapshot, StoreEntry, StoreKey, Transaction } from '../model/store.js';
import { planTransaction } from './transaction.js';

/** A store in which nothing has ever been written. */
export const EMPTY_SNAPSHOT: Snapshot = { revision: 0 as Revision, entries: new Map() };

/** The store after the plan, as if nothing stood in its way: guards and blocked objects hold nothing back here. */
export function projectPlan(snapshot: Snapshot, plan: Plan, layout: Layout): Snapshot {
  const transaction = planTransaction(plan, { layout, now: '' });
  return transaction ? projectTransaction(snapshot, transaction, layout.prefix) : snapshot;
}

/** Compares are taken to hold. Keys outside the prefix of the snapshot are left out. */
export function projectTransaction(snapshot: Snapshot, transaction: Transaction, prefix: string): Snapshot {
  const revision = (snapshot.revision + 1) as Revision;
  const entries = new Map<StoreKey, StoreEntry>(snapshot.entries);
  for (const { write } of transaction.writes) {
    if (!write.key.startsWith(prefix)) continue;
    if (write.op === 'delete') entries.delete(write.key);
    else
      entries.set(write.key, {
        value: write.value,
        modRevision: revision,
        createRevision: entries.get(write.key)?.createRevision ?? revision,
      });
  }
  return { revision, entries };
}
