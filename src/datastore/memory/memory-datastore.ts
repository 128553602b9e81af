/**
 * A whole Datastore in memory: for tests, and for `render`, which encodes manifests into one.
 *
 * It behaves as the etcd implementation does, and passes the same conformance suite: revisions, reads at a past
 * revision, watches from a past revision, compaction, leases. A client keeps its leases alive until it is
 * closed; then they run out by the timer that was injected. `connect()` gives a second client of the same store.
 */
import type { KeyEvent, LeaseId, Revision, Snapshot, StoreKey, Transaction } from '../../model/store.js';
import { checkTransaction } from '../check-transaction.js';
import {
  type Datastore,
  DatastoreError,
  type Lease,
  type SnapshotOptions,
  type TransactionResult,
  type WatchMessage,
  type WatchOptions,
} from '../datastore.js';
import { MvccStore } from './mvcc-store.js';

/** Calls back after `ms` milliseconds unless cancelled by the function that is returned. */
export type Timer = (ms: number, callback: () => void) => () => void;

export interface MemoryDatastoreOptions {
  /** Measures the time to live of leases. Default: the event loop's timer, which does not keep a process alive. */
  readonly timer?: Timer;
}

export interface MemoryDatastore extends Datastore {
  /** The revision of the last write. */
  readonly revision: Revision;
  /** Another client of the same store. */
  connect(): MemoryDatastore;
  /** Forgets history before `revision`, as `etcdctl compact` does. */
  compact(revision: Revision): void;
}

export function createMemoryDatastore(options: MemoryDatastoreOptions = {}): MemoryDatastore {
  return new MemoryClient({
    store: new MvccStore(),
    timer: options.timer ?? eventLoopTimer,
    leases: new Set(),
    lastLease: 0,
  });
}

/** What all clients of one store share. */
interface Server {
  readonly store: MvccStore;
  readonly timer: Timer;
  readonly leases: Set<LeaseId>;
  lastLease: number;
}

class MemoryClient implements MemoryDatastore {
  readonly #server: Server;
  readonly #store: MvccStore;
  readonly #closing = new AbortController();

  constructor(server: Server) {
    this.#server = server;
    this.#store = server.store;
  }

  get revision(): Revision {
    return this.#store.revision;
  }

  connect(): MemoryDatastore {
    return new MemoryClient(this.#server);
  }

  compact(revision: Revision): void {
    this.#store.compact(revision);
  }

  async get(key: StoreKey): ReturnType<Datastore['get']> {
    this.#assertOpen();
    return { entry: this.#store.read(key), revision: this.#store.revision };
  }

  async snapshot(prefix: string, options: SnapshotOptions = {}): Promise<Snapshot> {
    this.#assertOpen();
    const revision = options.revision ?? this.#store.revision;
    if (revision < this.#store.compacted)
      throw new DatastoreError(
        'compacted',
        `revision ${revision} is gone: history starts at ${this.#store.compacted}; read the current revision`,
      );
    if (revision > this.#store.revision)
      throw new DatastoreError(
        'invalid',
        `revision ${revision} does not exist yet: the store is at ${this.#store.revision}`,
      );
    return { revision, entries: this.#store.readPrefix(prefix, revision) };
  }

  async *watch(prefix: string, options: WatchOptions): AsyncGenerator<WatchMessage> {
    this.#assertOpen();
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    if (options.from > this.#store.revision + 1) {
      yield gap('store-replaced', options.from, `the store is only at ${this.#store.revision}`);
      return;
    }
    for (let next: number = options.from; !signal.aborted; next++) {
      while (next > this.#store.revision && !signal.aborted) await changed(this.#store, signal);
      if (signal.aborted) return;
      if (next < this.#store.compacted) {
        yield gap('compacted', next, `history starts at ${this.#store.compacted}`);
        return;
      }
      const events = eventsBelow(this.#store.eventsAt(next), prefix);
      if (events.length > 0) yield { type: 'events', revision: next as Revision, events };
    }
  }

  async transact(transaction: Transaction): Promise<TransactionResult> {
    this.#assertOpen();
    checkTransaction(transaction);
    const compares = transaction.writes.flatMap((write) => write.compare ?? []);
    if (![...transaction.guards, ...compares].every((compare) => this.#store.holds(compare)))
      return { ok: false };
    const writes = transaction.writes.map(({ write }) => write);
    for (const write of writes)
      if (write.op === 'put' && write.lease !== undefined && !this.#server.leases.has(write.lease))
        throw new DatastoreError(
          'lease-not-found',
          `${write.key}: lease ${write.lease} has expired; grant a new one`,
        );
    this.#store.apply(writes);
    return { ok: true, revision: this.#store.revision };
  }

  async grantLease(ttlSeconds: number): Promise<Lease> {
    this.#assertOpen();
    const id = String(++this.#server.lastLease) as LeaseId;
    const lost = new AbortController();
    const end = (): void => {
      lost.abort(new DatastoreError('lease-not-found', `lease ${id} has ended`));
      if (this.#server.leases.delete(id)) this.#store.expire(id);
    };
    this.#server.leases.add(id);
    this.#closing.signal.addEventListener(
      'abort',
      () => {
        if (!this.#server.leases.has(id)) return;
        lost.abort(
          new DatastoreError('closed', `lease ${id} is no longer kept alive: the client was closed`),
        );
        this.#server.timer(ttlSeconds * 1000, end);
      },
      { once: true, signal: lost.signal },
    );
    const revoke = async (): Promise<void> => end();
    return { id, lost: lost.signal, revoke, [Symbol.asyncDispose]: revoke };
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new DatastoreError('closed', 'the datastore was closed');
  }
}

function gap(reason: 'compacted' | 'store-replaced', from: number, why: string): WatchMessage {
  return { type: 'gap', reason, message: `cannot watch from revision ${from}: ${why}` };
}

function eventsBelow(events: readonly KeyEvent[], prefix: string): readonly KeyEvent[] {
  return events.filter((event) => event.key.startsWith(prefix));
}

/** Resolves at the next revision, or when `signal` is aborted. */
function changed(store: MvccStore, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = store.onChange(done);
    signal.addEventListener('abort', done, { once: true });
  });
}

function eventLoopTimer(ms: number, callback: () => void): () => void {
  const timeout = setTimeout(callback, ms).unref();
  return () => clearTimeout(timeout);
}
