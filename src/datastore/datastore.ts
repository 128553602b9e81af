/**
 * The only door to the store.
 *
 * Two implementations, etcd/ and memory/, pass one conformance suite (test/datastore/conformance.ts), so that
 * everything above this file can be tested without a server and behaves alike with one.
 *
 * Watches here resume by themselves after a broken connection and never lose, repeat or tear a revision; where
 * that is impossible (history compacted, another store behind the same address) they say `gap` and end.
 */
import type {
  KeyEvent,
  LeaseId,
  Revision,
  Snapshot,
  StoreEntry,
  StoreKey,
  Transaction,
} from '../model/store.js';

/**
 * What a watch yields. `events` holds one whole revision; revisions come in order, each exactly once. After
 * `gap` the watch ends: the reader takes a new snapshot and compares.
 */
export type WatchMessage =
  | { readonly type: 'events'; readonly revision: Revision; readonly events: readonly KeyEvent[] }
  /** Nothing happened below the prefix up to this revision. */
  | { readonly type: 'progress'; readonly revision: Revision }
  /** The connection is away; the watch will resume by itself without loss. Informational. */
  | { readonly type: 'interrupted'; readonly reason: string }
  /** The connection is back and the watch is registered again. Informational. */
  | { readonly type: 'resumed' }
  | { readonly type: 'gap'; readonly reason: 'compacted' | 'store-replaced'; readonly message: string };

export type TransactionResult =
  | { readonly ok: true; readonly revision: Revision }
  /** A compare did not hold; nothing was written. */
  | { readonly ok: false };

export interface Lease extends AsyncDisposable {
  readonly id: LeaseId;
  /** Aborted once the lease is known, or must be assumed, to have expired. */
  readonly lost: AbortSignal;
  /** Ends the lease now; its keys go with it. */
  revoke(): Promise<void>;
}

export type DatastoreErrorCode =
  | 'unavailable'
  | 'timeout'
  | 'unauthenticated'
  | 'permission-denied'
  | 'too-large'
  | 'no-space'
  | 'compacted'
  | 'lease-not-found'
  | 'closed'
  | 'invalid';

/** What went wrong with the store. `retryable` is true when the same call may succeed later. */
export class DatastoreError extends Error {
  override readonly name = 'DatastoreError';
  constructor(
    readonly code: DatastoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
  get retryable(): boolean {
    return this.code === 'unavailable' || this.code === 'timeout' || this.code === 'no-space';
  }
}

export interface SnapshotOptions {
  /** Read as of this revision instead of now. @throws DatastoreError `compacted` */
  readonly revision?: Revision;
}

export interface WatchOptions {
  /** First revision to deliver. */
  readonly from: Revision;
  readonly signal: AbortSignal;
}

export interface Datastore extends AsyncDisposable {
  /** Reads one key. */
  get(key: StoreKey): Promise<{ readonly entry: StoreEntry | undefined; readonly revision: Revision }>;
  /** Reads every key that starts with `prefix`, in pages, all at one revision, sorted by key. */
  snapshot(prefix: string, options?: SnapshotOptions): Promise<Snapshot>;
  /** Follows every key that starts with `prefix`. Ends after `gap` or when the signal is aborted. */
  watch(prefix: string, options: WatchOptions): AsyncIterable<WatchMessage>;
  transact(transaction: Transaction): Promise<TransactionResult>;
  /** Grants a lease and keeps it alive. */
  grantLease(ttlSeconds: number): Promise<Lease>;
  close(): Promise<void>;
}
