/**
 * The vocabulary of the store: what etcd holds, as values.
 *
 * Layout, plan and agent speak of keys, snapshots and transactions without touching a server; datastore/ is the
 * only door to one. A revision is etcd's: one counter for the whole store, moved by every transaction that writes.
 */
import type { Brand } from './brand.js';

/** A store-wide revision; exact up to 2^53. */
export type Revision = Brand<number, 'Revision'>;
export type StoreKey = Brand<string, 'StoreKey'>;

export interface StoreEntry {
  readonly value: string;
  /** Revision of the last write to this key. */
  readonly modRevision: Revision;
  /** Revision at which the key came into being this time. */
  readonly createRevision: Revision;
}

/** Everything below a prefix at one revision. */
export interface Snapshot {
  readonly revision: Revision;
  readonly entries: ReadonlyMap<StoreKey, StoreEntry>;
}

export type KeyEvent =
  | { readonly type: 'put'; readonly key: StoreKey; readonly entry: StoreEntry }
  | { readonly type: 'delete'; readonly key: StoreKey };

export type LeaseId = Brand<string, 'LeaseId'>;

export type Compare =
  | { readonly key: StoreKey; readonly check: 'absent' }
  | { readonly key: StoreKey; readonly check: 'mod-revision'; readonly revision: Revision }
  | { readonly key: StoreKey; readonly check: 'create-revision'; readonly revision: Revision };

export type WriteOp =
  | { readonly op: 'put'; readonly key: StoreKey; readonly value: string; readonly lease?: LeaseId }
  | { readonly op: 'delete'; readonly key: StoreKey };

/** A write that happens only as part of a transaction in which every compare holds. */
export interface GuardedWrite {
  readonly write: WriteOp;
  /** Usually: absent for a create, mod-revision for an update or delete. */
  readonly compare?: Compare;
}

/**
 * All or nothing, at one revision, however many writes (within the store's limits). No key may be written twice.
 * How an implementation packs it into etcd's 128-op transactions is its own business.
 */
export interface Transaction {
  readonly guards: readonly Compare[];
  readonly writes: readonly GuardedWrite[];
}
