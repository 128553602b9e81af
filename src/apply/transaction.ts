/**
 * Plan -> transaction. PURE.
 *
 * One commit is one revision: every change, the head that says which commit the store holds, and its line of
 * history go together or not at all. The guards are what makes many reconcilers safe: who writes must still lead,
 * nobody may have suspended, and the head must still be the one that the plan was made against.
 *
 * A commit that changes no object moves the head all the same, so that "which commit is live" is true. The same
 * commit again writes nothing, and repairing drift leaves the head alone: no new commit came to the store.
 */
import type { Plan } from '../diff/plan-types.js';
import { summarizePlan } from '../diff/summary.js';
import type { Layout } from '../layout/layout.js';
import { type Head, type HistoryRecord, headCodec, historyCodec } from '../layout/records.js';
import type { Compare, GuardedWrite, Revision, StoreKey, Transaction } from '../model/store.js';

/** Commits of a source that can be looked up, and returned to, after they were replaced. */
const HISTORY_LENGTH = 50;

export interface TransactionOptions {
  readonly layout: Layout;
  /** ISO 8601. */
  readonly now: string;
  /** Create revision of our leader key; undefined: leadership is not a condition. */
  readonly leadership?: Revision;
}

export interface PlannedTransaction {
  readonly transaction: Transaction;
  /** What the store holds afterwards, new or as before. */
  readonly head: Head;
}

/** Undefined when there is nothing to write. */
export function planTransaction(plan: Plan, options: TransactionOptions): PlannedTransaction | undefined {
  const changes = plan.changes.flatMap(({ writes }) => writes);
  const { head } = plan.base;
  const guards = guardsOf(plan, options);
  if (!head || movesHead(plan)) {
    const next = nextHead(plan, options.now);
    return {
      transaction: { guards, writes: [...changes, ...headWrites(plan, next, options.layout)] },
      head: next,
    };
  }
  return changes.length > 0 ? { transaction: { guards, writes: changes }, head } : undefined;
}

/** True when the store holds another version than the plan's, or none. */
export function movesHead(plan: Plan): boolean {
  const { head } = plan.base;
  return head?.commit !== plan.commit || head.tree !== plan.tree;
}

function nextHead(plan: Plan, now: string): Head {
  const { commit, tree, author, message, base } = plan;
  return { seq: (base.head?.seq ?? 0) + 1, commit, tree, author, message, time: now };
}

function headWrites(plan: Plan, head: Head, { keys }: Layout): GuardedWrite[] {
  const history: HistoryRecord = { ...head, summary: summarizePlan(plan) };
  const oldest = head.seq - HISTORY_LENGTH;
  return [
    put(keys.head(plan.source), headCodec.encode(head)),
    put(keys.history(plan.source, head.seq), historyCodec.encode(history)),
    ...(oldest > 0 ? [remove(keys.history(plan.source, oldest))] : []),
    ...(plan.base.readyEntry?.value === 'true' ? [] : [put(keys.ready, 'true')]),
  ];
}

function guardsOf(plan: Plan, { layout, leadership }: TransactionOptions): Compare[] {
  const key = layout.keys.head(plan.source);
  const { headEntry } = plan.base;
  const guards: Compare[] = [
    { key: layout.keys.suspend, check: 'absent' },
    headEntry ? { key, check: 'mod-revision', revision: headEntry.modRevision } : { key, check: 'absent' },
  ];
  if (leadership === undefined) return guards;
  return [
    { key: layout.keys.leader(plan.source), check: 'create-revision', revision: leadership },
    ...guards,
  ];
}

/** The guard on the head stands for these keys too: whoever moves them moves it. */
function put(key: StoreKey, value: string): GuardedWrite {
  return { write: { op: 'put', key, value } };
}

function remove(key: StoreKey): GuardedWrite {
  return { write: { op: 'delete', key } };
}
