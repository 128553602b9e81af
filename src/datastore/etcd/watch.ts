/**
 * A watch that survives its connections.
 *
 * It owns the one number that matters, the next revision to deliver, and moves it only by what was delivered
 * whole. Each connection starts with a linearizable read (continuity.ts), which also renews the user's token,
 * because a watch that is opened with an expired one is refused for good. Transport errors, also refused
 * permissions, are reported once per cause and tried again for ever; only a gap or the signal ends the watch.
 * (Why not the library's own: test/datastore/etcd3-watch.test.ts shows what it loses.)
 */
import type { KVClient, WatchClient } from 'etcd3';
import { type BackoffLimits, backoffMs } from '../../model/backoff.js';
import type { Revision } from '../../model/store.js';
import type { WatchMessage, WatchOptions } from '../datastore.js';
import { pause } from '../pause.js';
import { prefixRange } from './codec.js';
import { verifyContinuity, type Witness, witnessOf } from './continuity.js';
import { toDatastoreError } from './errors.js';
import { readWatchStream, type WatchFrame } from './watch-stream.js';

export interface WatchSource {
  readonly kv: KVClient;
  readonly watchClient: WatchClient;
  /** For messages. */
  readonly endpoints: string;
  readonly createTimeoutMs: number;
}

const RECONNECT: BackoffLimits = { firstMs: 100, maxMs: 5000 };

/** Where a watch stands; all that outlives a connection. */
interface Position {
  next: Revision;
  witness: Witness | undefined;
  failures: number;
  /** Why the connection is away; undefined while it is there. */
  outage: string | undefined;
}

export async function* watchPrefix(
  source: WatchSource,
  prefix: string,
  { from, signal }: WatchOptions,
): AsyncGenerator<WatchMessage> {
  const position: Position = { next: from, witness: undefined, failures: 0, outage: undefined };
  while (!signal.aborted) {
    try {
      for await (const message of watchOnce(source, prefix, position, signal)) {
        yield message;
        if (message.type === 'gap') return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const reason = toDatastoreError(error, `watching ${prefix} at ${source.endpoints}`).message;
      if (reason !== position.outage) yield { type: 'interrupted', reason };
      position.outage = reason;
      position.failures += 1;
      await pause(backoffMs(position.failures, RECONNECT, Math.random()), signal);
    }
  }
}

/** One connection. Ends after a gap, throws when the connection breaks. */
async function* watchOnce(
  source: WatchSource,
  prefix: string,
  position: Position,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  const continuity = await untilAborted(
    verifyContinuity(source.kv, prefix, position.next, position.witness),
    signal,
  );
  if (continuity === undefined) return;
  if (!continuity.same) {
    yield gap('store-replaced', `another store answers at ${source.endpoints}: ${continuity.why}`);
    return;
  }
  position.witness = continuity.witness;
  const { clusterId } = continuity.witness;
  const request = {
    range: prefixRange(prefix),
    from: position.next,
    signal,
    createTimeoutMs: source.createTimeoutMs,
  };
  for await (const frame of readWatchStream(source.watchClient, request))
    yield* advance(position, clusterId, frame);
}

/** Moves the position by one frame, and says what the reader is told of it. */
function* advance(position: Position, clusterId: string, frame: WatchFrame): Generator<WatchMessage> {
  switch (frame.type) {
    case 'created': {
      const wasAway = position.outage !== undefined;
      position.outage = undefined;
      position.failures = 0;
      if (wasAway) yield { type: 'resumed' };
      return;
    }
    case 'events':
      position.next = (frame.revision + 1) as Revision;
      position.witness = witnessOf(clusterId, frame.revision, frame.events);
      yield frame;
      return;
    case 'progress':
      position.next = Math.max(position.next, frame.revision + 1) as Revision;
      yield frame;
      return;
    case 'compacted':
      yield gap(
        'compacted',
        `the history from revision ${position.next} is gone: etcd was compacted at ${frame.revision}`,
      );
  }
}

function gap(reason: 'compacted' | 'store-replaced', message: string): WatchMessage {
  return { type: 'gap', reason, message };
}

/** What `promise` gives, or undefined as soon as `signal` is aborted. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    return undefined;
  }
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
