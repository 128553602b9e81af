/**
 * A plan, cut into what may be written at different revisions. PURE.
 *
 * A unit is what must never be torn: the keys of one object together with its inventory record. Units stay in the
 * order of the plan: what is referred to first, deletions last and reversed. So after every step the inventory
 * lists exactly the keys that are there, and a plan that is made from that store goes on where this one stopped.
 *
 * The surprising case is a key that goes over from one object to another (two endpoints swap addresses). Neither
 * order of the two is right, and with thousands of them there is no end to the ring; hence the object that gives
 * keeps the key in its record for the time being, and a last unit writes that record as the plan has it.
 */
import { guardedWriteBytes } from '../datastore/transaction-limits.js';
import type { Change, Plan } from '../diff/plan-types.js';
import { inventoryCodec } from '../layout/records.js';
import type { GuardedWrite, StoreKey } from '../model/store.js';

export interface Unit {
  readonly writes: readonly GuardedWrite[];
  /** What it is a part of; undefined for what makes the changes a commit. */
  readonly change: Change | undefined;
  /** The change is done with it. */
  readonly completes: boolean;
}

/** How much of units goes into one transaction. */
export interface StepLimits {
  readonly writes: number;
  readonly bytes: number;
}

/** `closing`: what makes the changes a commit; the last unit. */
export function splitPlan(plan: Plan, closing: readonly GuardedWrite[]): Unit[] {
  const written = plan.changes.filter(({ writes }) => writes.length > 0);
  return [
    ...written.map((change) => ({ writes: withHandover(change), change, completes: !change.handover })),
    ...written.flatMap(finalRecord),
    { writes: closing, change: undefined, completes: false },
  ];
}

/** The end (exclusive) of a step that begins at `from`: as many units as fit; one, if not even that fits. */
export function stepEnd(units: readonly Unit[], from: number, limits: StepLimits): number {
  let end = from;
  let [writes, bytes] = [0, 0];
  for (let unit = units[end]; unit; unit = units[end]) {
    writes += unit.writes.length;
    bytes += unitBytes(unit);
    if (end > from && (writes > limits.writes || bytes > limits.bytes)) break;
    end += 1;
  }
  return end;
}

export function unitBytes({ writes }: Unit): number {
  return writes.reduce((sum, write) => sum + guardedWriteBytes(write), 0);
}

/** The writes of a step. A record that is written for the time being and for good at once is written for good. */
export function mergeWrites(step: readonly Unit[]): GuardedWrite[] {
  const merged = new Map<StoreKey, GuardedWrite>();
  for (const guarded of step.flatMap(({ writes }) => writes)) {
    const { key } = guarded.write;
    merged.set(key, { ...(merged.get(key) ?? guarded), write: guarded.write });
  }
  return [...merged.values()];
}

/** The writes of a change, with a record that still lists the keys that another object is yet to take. */
function withHandover({ writes, handover }: Change): readonly GuardedWrite[] {
  const guarded = writes.at(-1);
  if (!handover || guarded?.write.op !== 'put') return writes;
  const { write } = guarded;
  const record = inventoryCodec.decode(write.key, write.value);
  const value = inventoryCodec.encode({ ...record, keys: { ...record.keys, ...handover } });
  return [...writes.slice(0, -1), { ...guarded, write: { ...write, value } }];
}

/** Without its compare, which the series itself has outdated; the guard on txn says that nobody else applies. */
function finalRecord(change: Change): Unit[] {
  const record = change.writes.at(-1);
  return change.handover && record ? [{ writes: [{ write: record.write }], change, completes: true }] : [];
}
