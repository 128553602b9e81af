/**
 * A commit that does not fit one transaction, as a series of them. PURE.
 *
 * Every transaction of a series also changes the `txn` record of its source, and by that agents know what to hold
 * back (agent/syncer/commit-gate.ts); the last one moves `head` and deletes the record. Who finds a record goes on
 * under it: `base` stays the revision before the first transaction, whoever wrote that and for which commit,
 * because it is there that an agent which starts in the middle reads the last whole commit.
 */
import {
  MAX_TRANSACTION_BYTES,
  MAX_TRANSACTION_WRITES,
  transactionBytes,
} from '../datastore/transaction-limits.js';
import type { Plan } from '../diff/plan-types.js';
import { countActions } from '../diff/summary.js';
import { type TxnRecord, txnCodec } from '../layout/records.js';
import type { GuardedWrite, Revision, Transaction } from '../model/store.js';
import { mergeWrites, type StepLimits, splitPlan, stepEnd, type Unit, unitBytes } from './split-plan.js';
import {
  addSummaries,
  closingWrites,
  seqAfter,
  summaryOfCommit,
  type TransactionOptions,
  transactionGuards,
} from './transaction.js';

export interface Series {
  readonly plan: Plan;
  readonly options: TransactionOptions;
  readonly units: readonly Unit[];
  /** Bytes of a transaction that are no units: its guards, and the record of the series, which is longest at the end. */
  readonly frame: number;
}

/** How far a series has come. */
export interface SeriesPosition {
  /** Units of this plan that are written. */
  readonly done: number;
  readonly record: TxnRecord;
  /** Where the record was written last; undefined: there is none yet. */
  readonly txn: Revision | undefined;
}

export interface SeriesStep {
  readonly transaction: Transaction;
  /** Units that it writes. */
  readonly units: number;
  /** The first of them, for a message. */
  readonly what: string;
  /** The commit is whole with it. */
  readonly last: boolean;
  /** Where the series is when the transaction was made at this revision. */
  next(revision: Revision): SeriesPosition;
}

/** What a transaction takes; a server may be set to take less. */
export const FULL_TRANSACTION: StepLimits = { writes: MAX_TRANSACTION_WRITES, bytes: MAX_TRANSACTION_BYTES };

export function planSeries(plan: Plan, options: TransactionOptions): Series {
  const units = splitPlan(plan, closingWrites(plan, true, options));
  return { plan, options, units, frame: frameBytes(plan, options) };
}

/** Where the plan takes the series up: at its beginning, or after what others have left. */
export function beginSeries({ plan }: Pick<Series, 'plan'>): SeriesPosition {
  const { series, revision } = plan.base;
  const applied = series?.record.applied ?? 0;
  const record: TxnRecord = {
    seq: seqAfter(plan),
    commit: plan.commit,
    base: series?.record.base ?? revision,
    applied,
    total: applied + plan.changes.filter(({ writes }) => writes.length > 0).length,
    summary: series?.record.summary ?? {},
  };
  return { done: 0, record, txn: series?.modRevision };
}

/** The next transaction, of as many units as `limits` allow; of one unit at least. */
export function nextStep(series: Series, position: SeriesPosition, limits: StepLimits): SeriesStep {
  const { plan, options, units } = series;
  const { done, txn } = position;
  const room = roomOfStep(series, limits);
  const end = stepEnd(units, done, room);
  const last = end === units.length;
  const step = units.slice(done, end);
  const record = recordAfter(position.record, step);
  const writes = mergeWrites(step);
  return {
    transaction: {
      guards: transactionGuards(plan, txn, options),
      writes: last ? writes : [recordWrite(series, record), ...writes],
    },
    units: step.length,
    what: nameOf(step[0]),
    last,
    next: (revision) => ({ done: end, record, txn: revision }),
  };
}

/** Which object is too large for any transaction, and by how much; undefined when the series is possible. */
export function describeOversize(series: Series): string | undefined {
  const room = roomOfStep(series, FULL_TRANSACTION);
  const unit = series.units.find((one) => one.writes.length > room.writes || unitBytes(one) > room.bytes);
  if (!unit) return undefined;
  const size = `${unit.writes.length} keys with ${unitBytes(unit)} bytes`;
  return `${nameOf(unit)} takes ${size}, and one transaction of etcd at most ${room.writes} with ${room.bytes}; make it smaller`;
}

function nameOf(unit: Unit | undefined): string {
  return unit?.change ? `${unit.change.kind}/${unit.change.name}` : 'the record of the commit';
}

/** What is left of a transaction for units. */
function roomOfStep({ frame }: Series, limits: StepLimits): StepLimits {
  return { writes: limits.writes - 1, bytes: limits.bytes - frame };
}

function frameBytes(plan: Plan, options: TransactionOptions): number {
  const { record } = beginSeries({ plan });
  const longest = { ...record, applied: record.total, summary: summaryOfCommit(plan) };
  const writes = [recordWrite({ plan, options }, longest)];
  return transactionBytes({ guards: transactionGuards(plan, undefined, options), writes });
}

function recordAfter(record: TxnRecord, step: readonly Unit[]): TxnRecord {
  const changes = step.flatMap(({ change, completes }) => (change && completes ? change : []));
  return {
    ...record,
    applied: record.applied + changes.length,
    summary: addSummaries(record.summary ?? {}, countActions(changes)),
  };
}

/** The guard on the record stands for its write. */
function recordWrite({ plan, options }: Pick<Series, 'plan' | 'options'>, record: TxnRecord): GuardedWrite {
  return { write: { op: 'put', key: options.layout.keys.txn(plan.source), value: txnCodec.encode(record) } };
}
