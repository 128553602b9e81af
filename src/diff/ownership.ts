/**
 * Who owns which key, read from the inventories in the store.
 *
 * Every source leaves one record for each of its resources, naming the keys that it wrote. A key that no record
 * names is foreign: a runtime made it, or a person. The records of all sources are read, so that two
 * repositories never fight over one key.
 */
import { readRecord } from '../layout/read-record.js';
import { type InventoryRecord, inventoryCodec } from '../layout/records.js';
import { type Kind, type ResourceId, resourceId } from '../model/resource.js';
import type { StoreEntry, StoreKey } from '../model/store.js';
import type { StoredRecord } from './store-index.js';

/** A resource that this source has in the store. */
export interface OwnedObject {
  readonly id: ResourceId;
  readonly kind: Kind;
  readonly name: string;
  readonly recordKey: StoreKey;
  readonly recordEntry: StoreEntry;
  /** Undefined when the record cannot be read: then nothing is known of its keys, and nothing may be done. */
  readonly record: InventoryRecord | undefined;
}

export interface Claim {
  readonly source: string;
  readonly id: ResourceId;
}

export interface Ownership {
  /** What this source owns. */
  readonly owned: ReadonlyMap<ResourceId, OwnedObject>;
  /** Every key that any source lists, with the one that does; where two do, another source than this. */
  readonly claims: ReadonlyMap<StoreKey, Claim>;
}

export function readOwnership(records: readonly StoredRecord[], source: string): Ownership {
  const owned = new Map<ResourceId, OwnedObject>();
  const claims = new Map<StoreKey, Claim>();
  for (const { key: recordKey, entry: recordEntry, kind, name, source: owner } of records) {
    const id = resourceId(kind, name);
    const record = readRecord(inventoryCodec, recordKey, recordEntry.value);
    if (owner === source) owned.set(id, { id, kind, name, recordKey, recordEntry, record });
    for (const key of Object.keys(record?.keys ?? {}) as StoreKey[]) {
      if (owner !== source || !claims.has(key)) claims.set(key, { source: owner, id });
    }
  }
  return { owned, claims };
}
