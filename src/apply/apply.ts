/**
 * Sends a plan to the store: as one transaction if it fits, else as a series of them.
 *
 * Nothing is decided here: the plan says what is written and under which conditions. A compare that does not hold
 * means that the store is not as the plan saw it; the caller plans again, and the new plan goes on from whatever
 * was written. How much a transaction may hold is only known for etcd's default flags: a server that takes less
 * is met halfway, and halfway again.
 */
import { type Datastore, DatastoreError, type TransactionResult } from '../datastore/datastore.js';
import { transactionBytes, transactionFits } from '../datastore/transaction-limits.js';
import { isRefused } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { Revision, Transaction } from '../model/store.js';
import {
  beginSeries,
  describeOversize,
  FULL_TRANSACTION,
  nextStep,
  planSeries,
  type Series,
} from './series.js';
import type { StepLimits } from './split-plan.js';
import { planTransaction, seqAfter, type TransactionOptions } from './transaction.js';

export interface ApplyOptions extends TransactionOptions {
  /** No further transaction is begun once it is aborted. */
  readonly signal?: AbortSignal;
  /** Called after each transaction of a series but the last. */
  readonly onProgress?: (progress: ApplyProgress) => void;
}

export interface ApplyProgress {
  readonly commit: string;
  /** Changes that are written, of all that the commit makes. No agent takes notice of them yet. */
  readonly applied: number;
  readonly total: number;
  /** At which the last of them were written. */
  readonly revision: Revision;
}

export type ApplyResult =
  | { readonly status: 'applied'; readonly seq: number; readonly revision: Revision }
  /** The store holds it all. */
  | { readonly status: 'unchanged' }
  /** Somebody wrote meanwhile, leads in our place, or has suspended. Part of a series may be written. */
  | { readonly status: 'conflict' }
  /** The signal was aborted. Part of a series may be written. */
  | { readonly status: 'stopped' }
  /** The plan has blocked objects or guards. */
  | { readonly status: 'refused'; readonly message: string }
  /** An object is larger than any transaction may be. */
  | { readonly status: 'too-large'; readonly message: string };

/** @throws {DatastoreError} when the store cannot be reached; whether it was written is then unknown. */
export async function applyPlan(store: Datastore, plan: Plan, options: ApplyOptions): Promise<ApplyResult> {
  if (isRefused(plan)) return { status: 'refused', message: 'the plan has blocked objects or guards' };
  const whole = planTransaction(plan, options);
  if (!whole) return { status: 'unchanged' };
  if (!transactionFits(whole)) {
    const series = planSeries(plan, options);
    const message = describeOversize(series);
    return message === undefined
      ? writeSeries(store, series, FULL_TRANSACTION, options)
      : { status: 'too-large', message };
  }
  if (options.signal?.aborted) return { status: 'stopped' };
  const result = await attempt(store, whole);
  if (result instanceof DatastoreError)
    return writeSeries(store, planSeries(plan, options), halfOf(whole), options);
  return result.ok
    ? { status: 'applied', seq: seqAfter(plan), revision: result.revision }
    : { status: 'conflict' };
}

/** Why a plan cannot be applied, however it is cut; undefined when it can. */
export function describeOversizedPlan(plan: Plan, options: TransactionOptions): string | undefined {
  const whole = planTransaction(plan, options);
  return whole && !transactionFits(whole) ? describeOversize(planSeries(plan, options)) : undefined;
}

async function writeSeries(
  store: Datastore,
  series: Series,
  startLimits: StepLimits,
  { signal, onProgress }: ApplyOptions,
): Promise<ApplyResult> {
  const { plan } = series;
  let limits = startLimits;
  for (let position = beginSeries(series); ; ) {
    if (signal?.aborted) return { status: 'stopped' };
    const step = nextStep(series, position, limits);
    const result = await attempt(store, step.transaction);
    if (result instanceof DatastoreError) {
      if (step.units === 1) return { status: 'too-large', message: `${step.what}: ${result.message}` };
      limits = halfOf(step.transaction);
      continue;
    }
    if (!result.ok) return { status: 'conflict' };
    if (step.last) return { status: 'applied', seq: seqAfter(plan), revision: result.revision };
    position = step.next(result.revision);
    const { applied, total } = position.record;
    onProgress?.({ commit: plan.commit, applied, total, revision: result.revision });
  }
}

/** The error is `too-large`: this server takes less at once. */
async function attempt(
  store: Datastore,
  transaction: Transaction,
): Promise<TransactionResult | DatastoreError> {
  try {
    return await store.transact(transaction);
  } catch (error) {
    if (error instanceof DatastoreError && error.code === 'too-large') return error;
    throw error;
  }
}

function halfOf(transaction: Transaction): StepLimits {
  return {
    writes: Math.floor(transaction.writes.length / 2),
    bytes: Math.floor(transactionBytes(transaction) / 2),
  };
}
