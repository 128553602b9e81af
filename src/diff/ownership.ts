/**
 * Who owns which key, read from the inventories in the store.
 *
 * Every source leaves one record for each of its resources, naming the keys that it wrote. A key that no record
 * names is foreign: a runtime made it, or a person. The records of all sources are read, so that two
 * repositories never fight over one key.
 */
import type { Layout } from '../layout/layout.js';
import type { InventoryRecord } from '../layout/records.js';
import { type Kind, type ResourceId, resourceId } from '../model/resource.js';
import type { Snapshot, StoreEntry, StoreKey } from '../model/store.js';

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
  /** Every key that any source lists, with the one that does; this source goes first. */
  readonly claims: ReadonlyMap<StoreKey, Claim>;
}

export function readOwnership(snapshot: Snapshot, layout: Layout, source: string): Ownership {
  const owned = new Map<ResourceId, OwnedObject>();
  const claims = new Map<StoreKey, Claim>();
  for (const [recordKey, recordEntry] of snapshot.entries) {
    const owner = layout.identify(recordKey);
    if (owner?.type !== 'inventory') continue;
    const id = resourceId(owner.kind, owner.name);
    const record = parseInventoryRecord(recordEntry.value);
    if (owner.source === source) {
      owned.set(id, { id, kind: owner.kind, name: owner.name, recordKey, recordEntry, record });
    }
    for (const key of Object.keys(record?.keys ?? {}) as StoreKey[]) {
      if (owner.source === source || !claims.has(key)) claims.set(key, { source: owner.source, id });
    }
  }
  return { owned, claims };
}

function parseInventoryRecord(text: string): InventoryRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isInventoryRecord(value) ? value : undefined;
}

function isInventoryRecord(value: unknown): value is InventoryRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { keys, file, line, commit } = value as Partial<Record<keyof InventoryRecord, unknown>>;
  return (
    typeof keys === 'object' &&
    keys !== null &&
    Object.values(keys).every((hash) => typeof hash === 'string') &&
    typeof file === 'string' &&
    typeof line === 'number' &&
    typeof commit === 'string'
  );
}
