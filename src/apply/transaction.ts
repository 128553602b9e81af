/**
 * Plan -> transaction. PURE.
 *
 * One commit is one revision: every change, the head that says which commit the store holds, and its line of
 * history go together or not at all. The guards are what makes many reconcilers safe: who writes must still lead,
 * nobody may have suspended, and the head must still be the one that the plan was made against. A commit that is
 * too large for that is written as a series (series.ts), and what a series left unfinished ends here as well.
 *
 * A commit that changes no object moves the head all the same, so that "which commit is live" is true. The same
 * commit again writes nothing, and repairing drift leaves the head alone: no new commit came to the store.
 */
import type { Plan } from '../diff/plan-types.js';
import { summarizePlan } from '../diff/summary.js';
import type { Layout } from '../layout/layout.js';
import { type Head, type HistoryRecord, headCodec, historyCodec, type Rollback } from '../layout/records.js';
import type { Compare, GuardedWrite, Revision, StoreKey, Transaction } from '../model/store.js';

/** Commits of a source that can be looked up, and returned to, after they were replaced. */
const HISTORY_LENGTH = 50;

export interface TransactionOptions {
  readonly layout: Layout;
  /** ISO 8601. */
  readonly now: string;
  /** Create revision of our leader key; undefined: leadership is not a condition. */
  readonly leadership?: Revision;
  /** Somebody goes back to the commit: the head says so. */
  readonly rollback?: Rollback | undefined;
}

/** The whole plan as one transaction, however large. Undefined when there is nothing to write. */
export function planTransaction(plan: Plan, options: TransactionOptions): Transaction | undefined {
  const { series } = plan.base;
  const changes = plan.changes.flatMap(({ writes }) => writes);
  if (changes.length === 0 && !movesHead(plan) && !series) return undefined;
  return {
    guards: transactionGuards(plan, series?.modRevision, options),
    writes: [...changes, ...closingWrites(plan, series !== undefined, options)],
  };
}

/** True when the store holds another version than the plan's, or none. */
export function movesHead(plan: Plan): boolean {
  const { head } = plan.base;
  return head?.commit !== plan.commit || head.tree !== plan.tree;
}

/** The sequence number of the head once the plan is applied. */
export function seqAfter(plan: Plan): number {
  return (plan.base.head?.seq ?? 0) + (movesHead(plan) ? 1 : 0);
}

/** What makes the changes a commit: the head moves, unless drift was repaired, and the series is over. */
export function closingWrites(plan: Plan, inSeries: boolean, options: TransactionOptions): GuardedWrite[] {
  const { keys } = options.layout;
  return [
    ...(movesHead(plan) ? headWrites(plan, options) : []),
    ...(inSeries ? [remove(keys.txn(plan.source))] : []),
  ];
}

function headWrites(plan: Plan, { layout, now, rollback }: TransactionOptions): GuardedWrite[] {
  const { keys } = layout;
  const { commit, tree, author, message, source, base } = plan;
  const gone = rollback && { rollback };
  const head: Head = { seq: seqAfter(plan), commit, tree, author, message, time: now, ...gone };
  const history: HistoryRecord = { ...head, summary: summaryOfCommit(plan) };
  const oldest = head.seq - HISTORY_LENGTH;
  return [
    put(keys.head(source), headCodec.encode(head)),
    put(keys.history(source, head.seq), historyCodec.encode(history)),
    ...(oldest > 0 ? [remove(keys.history(source, oldest))] : []),
    ...(base.readyEntry?.value === 'true' ? [] : [put(keys.ready, 'true')]),
  ];
}

/** With what was written before an interruption: the plan only knows the rest. */
export function summaryOfCommit(plan: Plan): Readonly<Record<string, number>> {
  return addSummaries(plan.base.series?.record.summary ?? {}, summarizePlan(plan));
}

export function addSummaries(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** `txn`: the revision at which the record of the series was last seen; undefined: there is none. */
export function transactionGuards(
  plan: Plan,
  txn: Revision | undefined,
  { layout, leadership }: TransactionOptions,
): Compare[] {
  const { keys } = layout;
  const leader: Compare[] =
    leadership === undefined
      ? []
      : [{ key: keys.leader(plan.source), check: 'create-revision', revision: leadership }];
  return [
    ...leader,
    { key: keys.suspend, check: 'absent' },
    asSeen(keys.head(plan.source), plan.base.headEntry?.modRevision),
    asSeen(keys.txn(plan.source), txn),
  ];
}

function asSeen(key: StoreKey, revision: Revision | undefined): Compare {
  return revision === undefined ? { key, check: 'absent' } : { key, check: 'mod-revision', revision };
}

/** The guards on head and txn stand for these keys too: whoever moves them moves those. */
function put(key: StoreKey, value: string): GuardedWrite {
  return { write: { op: 'put', key, value } };
}

function remove(key: StoreKey): GuardedWrite {
  return { write: { op: 'delete', key } };
}
