/**
 * Layout: how resources are written into etcd, and read back.
 *
 * The compiled form is Calico's v1 data model (design: etcd layout). One resource may take several keys, and one
 * key may be all there is of a resource, so three functions suffice: `encode` a resource to its keys, `identify`
 * the object a key belongs to, and `decode` an object from the keys it has at the moment.
 *
 * An object in the store is known by what its key says (`WorkloadEndpoint/host-1/heddle/w1/eth0`), not by the
 * name in a manifest, which v1 has no place for. The codec of each kind is one file, listed in codecs.ts.
 */

import type { Address, Cidr } from '../model/address.js';
import type { Brand } from '../model/brand.js';
import type { Kind, Resource, ResourceOf } from '../model/resource.js';
import type { StoreKey } from '../model/store.js';

/** An object in the store: kind, slash, and what tells it from others of its kind, each part escaped. */
export type StoredId = Brand<string, 'StoredId'>;

export interface KeyValue {
  readonly key: StoreKey;
  readonly value: string;
}

/** What an encoder must know beyond the resource: the pools that give an address its assignment key. */
export interface EncodeContext {
  readonly pools: readonly Cidr[];
}

/** What a key is for. */
export type KeyOwner =
  | { readonly type: 'resource'; readonly kind: Kind; readonly id: StoredId }
  /** /v1/ipam/vN/assignment: an address that is taken. */
  | { readonly type: 'assignment'; readonly pool: Cidr; readonly address: Address }
  /** /ipam/v2: a block of addresses, or with `host` that host's claim to it. No `cidr`: the key names none. */
  | {
      readonly type: 'block';
      readonly id: StoredId;
      readonly cidr: Cidr | undefined;
      readonly host: string | undefined;
    }
  | { readonly type: 'head'; readonly source: string }
  | { readonly type: 'txn'; readonly source: string }
  | { readonly type: 'inventory'; readonly source: string; readonly kind: Kind; readonly name: string }
  | { readonly type: 'ready' }
  /** In the place of our own resources, and of no kind that we know: a newer version's. */
  | { readonly type: 'unknown'; readonly id: StoredId }
  /** Known to Calico's model, written by others, and of no interest to an agent (status, IPAM handles, ...). */
  | { readonly type: 'foreign' };

/**
 * The codec of one kind. Paths are keys without the root: `/v1/policy/profile/web/rules` of `/calico/v1/...`.
 */
export interface Codec<K extends Kind> {
  readonly kind: K;
  encode(
    resource: ResourceOf<K>,
    context: EncodeContext,
  ): readonly { readonly path: string; readonly value: string }[];
  /** The id of the object that this path is a part of; undefined when it is none of this kind's. */
  identify(path: string): StoredId | undefined;
  /**
   * Reads an object from its paths and values; at least one is there. Accepts what other writers of the v1 model
   * wrote (legacy spellings). @throws {LayoutError} naming the path when a value makes no sense.
   */
  decode(id: StoredId, values: ReadonlyMap<string, string>): ResourceOf<K>;
}

/** A value in the store that cannot be read. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
  constructor(
    readonly path: string,
    readonly value: string,
    message: string,
    /** What is to be enforced all the same (unreadable.ts); of an endpoint or a profile nothing, which closes them. */
    readonly rest?: Resource,
  ) {
    super(`${path}: ${message}`);
  }
}

/** The layout below one root, `/calico` by default. */
export interface Layout {
  readonly root: string;
  /** What an agent snapshots and watches: `<root>/`. */
  readonly prefix: string;
  encode(resource: Resource, context: EncodeContext): readonly KeyValue[];
  identify(key: StoreKey): KeyOwner | undefined;
  decode(id: StoredId, values: ReadonlyMap<StoreKey, string>): Resource;
  readonly keys: ControlKeys;
}

/** Keys of heddle itself. The first four lie inside the root, so that agents order them with the data. */
export interface ControlKeys {
  readonly ready: StoreKey;
  head(source: string): StoreKey;
  txn(source: string): StoreKey;
  inventory(source: string, kind: Kind, name: string): StoreKey;
  leader(source: string): StoreKey;
  history(source: string, seq: number): StoreKey;
  readonly suspend: StoreKey;
  hostStatus(node: string): StoreKey;
  hostSessions(node: string): StoreKey;
  sourceStatus(source: string): StoreKey;
  verifier(source: string, node: string): StoreKey;
  verifiersPrefix(source: string): string;
  readonly hostStatusPrefix: string;
  readonly hostSessionsPrefix: string;
  readonly sourceStatusPrefix: string;
  readonly historyPrefix: string;
}
