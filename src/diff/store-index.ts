/**
 * The snapshot, sorted once by what its keys are for.
 *
 * A plan asks many questions of the store, and identifying a key is the dear part of each; so every key is
 * identified here, once, and the rest of planning looks things up.
 */
import { type KeyOwner, type Layout, LayoutError, type StoredId } from '../layout/layout.js';
import type { Cidr } from '../model/address.js';
import type { Kind, Resource } from '../model/resource.js';
import type { Snapshot, StoreEntry, StoreKey } from '../model/store.js';

/** An object as it stands in the store, whoever wrote it. */
export interface StoredObject {
  readonly id: StoredId;
  readonly kind: Kind;
  readonly values: ReadonlyMap<StoreKey, string>;
}

export interface StoredAssignment extends Extract<KeyOwner, { type: 'assignment' }> {
  readonly key: StoreKey;
}

export interface StoredRecord extends Extract<KeyOwner, { type: 'inventory' }> {
  readonly key: StoreKey;
  readonly entry: StoreEntry;
}

/** A block of addresses that are given out by others. */
export interface StoredBlock {
  readonly key: StoreKey;
  readonly cidr: Cidr;
  readonly value: string;
}

export interface StoreIndex {
  readonly objects: ReadonlyMap<StoredId, StoredObject>;
  readonly assignments: readonly StoredAssignment[];
  readonly blocks: readonly StoredBlock[];
  readonly records: readonly StoredRecord[];
}

export function indexStore(snapshot: Snapshot, layout: Layout): StoreIndex {
  const objects = new Map<StoredId, StoredObject & { readonly values: Map<StoreKey, string> }>();
  const assignments: StoredAssignment[] = [];
  const blocks: StoredBlock[] = [];
  const records: StoredRecord[] = [];
  for (const [key, entry] of snapshot.entries) {
    const owner = layout.identify(key);
    if (owner?.type === 'assignment') assignments.push({ ...owner, key });
    if (owner?.type === 'block' && owner.cidr && owner.host === undefined)
      blocks.push({ key, cidr: owner.cidr, value: entry.value });
    if (owner?.type === 'inventory') records.push({ ...owner, key, entry });
    if (owner?.type !== 'resource') continue;
    const object = objects.get(owner.id) ?? { id: owner.id, kind: owner.kind, values: new Map() };
    object.values.set(key, entry.value);
    objects.set(owner.id, object);
  }
  return { objects, assignments, blocks, records };
}

/** Reads an object from values of the store; undefined when they make no sense. */
export function decodeStored(
  id: StoredId,
  values: ReadonlyMap<StoreKey, string>,
  layout: Layout,
): Resource | undefined {
  if (values.size === 0) return undefined;
  try {
    return layout.decode(id, values);
  } catch (error) {
    // Somebody else's value. A reader of the plan is shown it raw; the agents refuse it on their own account.
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}
