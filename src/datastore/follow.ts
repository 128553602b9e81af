/**
 * Level-triggered view of a prefix: a snapshot, then every change after it, for ever.
 *
 * A gap in the watch (history compacted, store replaced) is answered with a new snapshot; the reader compares it
 * with what it has. First start and recovery are thus the same code path (law 1). Nothing that a store says ends
 * it: a snapshot that fails, for whatever reason, is reported and tried again. As a backstop against events that
 * a server lost (etcd before 3.4.31 could), a new snapshot may also be taken on a long timer.
 */

import { backoffMs } from '../model/backoff.js';
import type { KeyEvent, Revision, Snapshot } from '../model/store.js';
import { type Datastore, DatastoreError } from './datastore.js';
import { pause } from './pause.js';

export type FollowMessage =
  | FollowSnapshot
  | { readonly type: 'events'; readonly revision: Revision; readonly events: readonly KeyEvent[] }
  | { readonly type: 'progress'; readonly revision: Revision }
  | { readonly type: 'interrupted'; readonly reason: string }
  | { readonly type: 'resumed' };

export interface FollowSnapshot {
  readonly type: 'snapshot';
  readonly snapshot: Snapshot;
  /** Why it was taken, for a log: `start`, `periodic check`, or what the gap said. */
  readonly reason: string;
  /** Present when `readAt` chose an earlier revision: the store as it is now; the events up to it follow. */
  readonly latest?: Snapshot;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Waits before a failed snapshot is tried again, in ms; called with the number of failures so far. */
  readonly backoffMs?: (failures: number) => number;
  /** Takes a new snapshot this long after the last one, in ms; the caller spreads it. Default: never. */
  readonly relistMs?: () => number;
  /**
   * For a reader that cannot use the store as it is: the earlier revision to read instead. Asked again about
   * what was read there. May throw: then the snapshot counts as failed, with that reason.
   */
  readonly readAt?: (snapshot: Snapshot) => EarlierRead | undefined;
  /** Resolves after `ms` or when `signal` is aborted. Default: the event loop's timer. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface EarlierRead {
  readonly revision: Revision;
  /** Why not the present: said where that revision is gone. */
  readonly reason: string;
}

const RETRY = { firstMs: 200, maxMs: 10_000 };

/** Ends when the signal is aborted or the store is closed; a broken connection shows as `interrupted`. */
export async function* follow(
  store: Datastore,
  prefix: string,
  options: FollowOptions,
): AsyncGenerator<FollowMessage> {
  const { signal, sleep = pause } = options;
  const backoff = options.backoffMs ?? ((failures) => backoffMs(failures, RETRY, Math.random()));
  let reason = 'start';
  let outage: string | undefined;
  /** Watches in a row that had a gap before anything else: history goes faster than we can read. */
  let idleRounds = 0;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const revision = yield* tellSnapshot(store, prefix, reason, outage !== undefined, options.readAt);
      outage = undefined;
      failures = 0;
      const round = yield* watchOnce(store, prefix, revision, options);
      reason = round.reason;
      outage = round.outage;
      idleRounds = round.heard ? 0 : idleRounds + 1;
      if (idleRounds > 1) await sleep(backoff(idleRounds - 1), signal);
    } catch (error) {
      if (error instanceof DatastoreError && error.code === 'closed') return;
      const why = error instanceof Error ? error.message : String(error);
      if (why !== outage) yield { type: 'interrupted', reason: why };
      outage = why;
      failures += 1;
      await sleep(backoff(failures), signal);
    }
  }
}

/** A generator of its own, because the frame of one that goes on for hours would keep the snapshot for as long. */
async function* tellSnapshot(
  store: Datastore,
  prefix: string,
  reason: string,
  wasAway: boolean,
  readAt: FollowOptions['readAt'],
): AsyncGenerator<FollowMessage, Revision> {
  const taken = await takeSnapshot(store, prefix, reason, readAt);
  if (wasAway) yield { type: 'resumed' };
  yield taken;
  return taken.snapshot.revision;
}

/** Reads the store, and if the reader asks for it, the store as it was. */
async function takeSnapshot(
  store: Datastore,
  prefix: string,
  reason: string,
  readAt: FollowOptions['readAt'],
): Promise<FollowSnapshot> {
  const latest = await store.snapshot(prefix);
  let snapshot = latest;
  for (let at = readAt?.(latest); at && at.revision < snapshot.revision; at = readAt?.(snapshot))
    snapshot = await snapshotAt(store, prefix, at);
  return { type: 'snapshot', snapshot, reason, ...(snapshot !== latest && { latest }) };
}

/** Says what the loss of history means to a reader that cannot do without. */
async function snapshotAt(
  store: Datastore,
  prefix: string,
  { revision, reason }: EarlierRead,
): Promise<Snapshot> {
  try {
    return await store.snapshot(prefix, { revision });
  } catch (error) {
    if (!(error instanceof DatastoreError) || error.code !== 'compacted') throw error;
    const message = `${prefix}: revision ${revision} is gone, because etcd was compacted, and ${reason}`;
    throw new DatastoreError('compacted', message, { cause: error });
  }
}

/** How a watch ended. */
interface Round {
  /** Why a new snapshot is needed. */
  readonly reason: string;
  /** Whether there was any message before the end. */
  readonly heard: boolean;
  /** What the reader was told of an outage that has not ended. */
  readonly outage: string | undefined;
}

/** Passes a watch on until it has a gap or the next snapshot is due. */
async function* watchOnce(
  store: Datastore,
  prefix: string,
  after: Revision,
  { signal, relistMs, sleep = pause }: FollowOptions,
): AsyncGenerator<FollowMessage, Round> {
  const round = new AbortController();
  const watchSignal = AbortSignal.any([signal, round.signal]);
  if (relistMs !== undefined) void sleep(relistMs(), watchSignal).then(() => round.abort());
  let heard = false;
  let outage: string | undefined;
  try {
    const from = (after + 1) as Revision;
    for await (const message of store.watch(prefix, { from, signal: watchSignal })) {
      if (message.type === 'gap') return { reason: message.message, heard, outage };
      heard = true;
      if (message.type === 'interrupted') outage = message.reason;
      if (message.type === 'resumed') outage = undefined;
      yield message;
    }
    return { reason: 'periodic check', heard: true, outage };
  } finally {
    round.abort();
  }
}
