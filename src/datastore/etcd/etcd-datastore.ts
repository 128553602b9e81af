/**
 * The Datastore on etcd (3.4 or later), through the etcd3 client.
 *
 * Reads are tried again a few times when the store is away; writes never are, because after a broken connection
 * nobody knows whether they happened: the caller reads and plans again. A snapshot is read in pages, all at the
 * revision of the first one, so that writers meanwhile do not tear it.
 */
import { GRPCResourceExhastedError, type IRangeRequest, type IRangeResponse } from 'etcd3';
import { type BackoffLimits, backoffMs } from '../../model/backoff.js';
import type { Revision, Snapshot, StoreEntry, StoreKey, Transaction } from '../../model/store.js';
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
import { pause } from '../pause.js';
import { keyAfter, prefixRange, toEntry, toKey, toRevision } from './codec.js';
import { type Connection, connect, DEFAULT_TUNING, type EtcdOptions, type EtcdTuning } from './connection.js';
import { encodeTransaction } from './encode-transaction.js';
import { isFutureRevision, toDatastoreError } from './errors.js';
import { grantLease } from './lease.js';
import { watchPrefix } from './watch.js';

const READ_ATTEMPTS = 4;
const READ_RETRY: BackoffLimits = { firstMs: 100, maxMs: 1000 };

/** Connects at the first call. @throws {DatastoreError} `invalid` when the options make no sense. */
export function openEtcdDatastore(options: EtcdOptions): Datastore {
  const tuning: EtcdTuning = { ...DEFAULT_TUNING, ...options.tuning };
  return new EtcdDatastore(connect(options, tuning), tuning, options.log);
}

class EtcdDatastore implements Datastore {
  readonly #connection: Connection;
  readonly #tuning: EtcdTuning;
  readonly #log: EtcdOptions['log'];
  readonly #closing = new AbortController();

  constructor(connection: Connection, tuning: EtcdTuning, log: EtcdOptions['log']) {
    this.#connection = connection;
    this.#tuning = tuning;
    this.#log = log;
  }

  async get(key: StoreKey): ReturnType<Datastore['get']> {
    const { kvs, header } = await this.#read({ key: Buffer.from(key) }, `reading ${key}`);
    return { entry: kvs[0] && toEntry(kvs[0]), revision: toRevision(header.revision) };
  }

  async snapshot(prefix: string, options: SnapshotOptions = {}): Promise<Snapshot> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#readAll(prefix, options.revision);
      } catch (error) {
        // Compacted between two pages: only a reader who did not ask for a revision can start over.
        const startOver = options.revision === undefined && attempt < READ_ATTEMPTS;
        if (!startOver || !(error instanceof DatastoreError) || error.code !== 'compacted') throw error;
      }
    }
  }

  async *watch(prefix: string, options: WatchOptions): AsyncGenerator<WatchMessage> {
    this.#assertOpen();
    const { client, endpoints } = this.#connection;
    const source = {
      kv: client.kv,
      watchClient: client.watchClient,
      endpoints,
      createTimeoutMs: this.#tuning.callTimeoutMs,
    };
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    yield* watchPrefix(source, prefix, { from: options.from, signal });
  }

  async transact(transaction: Transaction): Promise<TransactionResult> {
    this.#assertOpen();
    checkTransaction(transaction);
    try {
      const answer = await this.#connection.client.kv.txn(encodeTransaction(transaction));
      return answer.succeeded ? { ok: true, revision: toRevision(answer.header.revision) } : { ok: false };
    } catch (error) {
      // Only the failure branch of a nested transaction reads the future (encode-transaction.ts).
      if (isFutureRevision(error)) return { ok: false };
      const doing = `writing ${transaction.writes.length} keys to ${this.#connection.endpoints}`;
      throw withUnknownOutcome(toDatastoreError(error, doing));
    }
  }

  async grantLease(ttlSeconds: number): Promise<Lease> {
    this.#assertOpen();
    const { client, endpoints } = this.#connection;
    const place = `at ${endpoints}`;
    const { callTimeoutMs } = this.#tuning;
    const source = {
      client: client.leaseClient,
      place,
      closing: this.#closing.signal,
      callTimeoutMs,
      log: this.#log,
    };
    try {
      return await grantLease(source, ttlSeconds);
    } catch (error) {
      throw toDatastoreError(error, `granting a lease of ${ttlSeconds} s ${place}`);
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #readAll(prefix: string, at: Revision | undefined): Promise<Snapshot> {
    const entries = new Map<StoreKey, StoreEntry>();
    const range = prefixRange(prefix);
    let page = await this.#readPage({ ...range, limit: this.#tuning.pageSize, revision: at ?? 0 }, prefix);
    const revision = at ?? toRevision(page.header.revision);
    for (;;) {
      const { kvs, limit, more } = page;
      const last = kvs.at(-1);
      // Asked for before this one is taken in: etcd reads while we decode.
      const next =
        more && last && this.#readPage({ ...range, key: keyAfter(last.key), limit, revision }, prefix);
      for (const kv of kvs) entries.set(toKey(kv.key), toEntry(kv));
      if (!next) return { revision, entries };
      page = await next;
    }
  }

  /** One page; a page of large values that exceeds the limit of a message is asked for again in halves. */
  async #readPage(
    request: IRangeRequest & { readonly limit: number },
    prefix: string,
  ): Promise<IRangeResponse & { readonly limit: number }> {
    for (let { limit } = request; ; limit = Math.ceil(limit / 2)) {
      try {
        return { ...(await this.#read({ ...request, limit }, `reading ${prefix}`)), limit };
      } catch (error) {
        const tooLarge = error instanceof DatastoreError && error.cause instanceof GRPCResourceExhastedError;
        if (!tooLarge || error.code !== 'too-large' || limit <= 1) throw error;
      }
    }
  }

  async #read(request: IRangeRequest, doing: string): Promise<IRangeResponse> {
    for (let attempt = 1; ; attempt++) {
      this.#assertOpen();
      try {
        return await this.#connection.client.kv.range(request);
      } catch (error) {
        const failure = toDatastoreError(error, `${doing} from ${this.#connection.endpoints}`);
        if (!failure.retryable || attempt === READ_ATTEMPTS) throw failure;
        this.#log?.warn('reading from etcd failed and is tried again', { attempt, error: failure.message });
        await pause(backoffMs(attempt, READ_RETRY, Math.random()), this.#closing.signal);
      }
    }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new DatastoreError('closed', 'the datastore was closed');
  }
}

/** A write that was not answered may have happened all the same. */
function withUnknownOutcome(failure: DatastoreError): DatastoreError {
  if (failure.code !== 'unavailable' && failure.code !== 'timeout') return failure;
  const message = `${failure.message}; the write may or may not have happened, so read before writing again`;
  return new DatastoreError(failure.code, message, { cause: failure.cause });
}
