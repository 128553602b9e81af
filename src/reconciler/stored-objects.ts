/**
 * The objects of some kinds that a store holds, with who wrote them: what `heddle get` prints. Pure.
 *
 * An object goes by the name in its manifest, which only the inventory knows; an object that no source lists goes
 * by what its key says, and is shown as unmanaged.
 */
import { type KeyOwner, type Layout, LayoutError, type StoredId } from '../layout/layout.js';
import { readRecord } from '../layout/read-record.js';
import { type InventoryRecord, inventoryCodec } from '../layout/records.js';
import type { Kind, Resource } from '../model/resource.js';
import type { Snapshot, StoreKey } from '../model/store.js';

export interface StoredObject {
  readonly kind: Kind;
  readonly name: string;
  /** undefined: unmanaged. */
  readonly source: string | undefined;
  /** Where the manifest stands, and the commit that last changed it. */
  readonly written: Pick<InventoryRecord, 'file' | 'line' | 'commit'> | undefined;
  readonly keys: readonly StoreKey[];
  readonly resource: Resource | undefined;
  /** Why it could not be read. */
  readonly problem?: string;
}

export function storedObjects(snapshot: Snapshot, layout: Layout, ...kinds: readonly Kind[]): StoredObject[] {
  const wanted = new Set(kinds);
  const writers = new Map<StoreKey, Writer>();
  const found = new Map<StoredId, { readonly kind: Kind; readonly values: Map<StoreKey, string> }>();
  for (const [key, { value }] of snapshot.entries) {
    const owner = layout.identify(key);
    if (owner?.type === 'inventory' && wanted.has(owner.kind))
      addWriter(writers, owner, readRecord(inventoryCodec, key, value));
    if (owner?.type !== 'resource' || !wanted.has(owner.kind)) continue;
    const own = found.get(owner.id) ?? { kind: owner.kind, values: new Map<StoreKey, string>() };
    own.values.set(key, value);
    found.set(owner.id, own);
  }
  return [...found]
    .map(([id, { kind, values }]) => toObject(kind, id, values, writers, layout))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

interface Writer {
  readonly source: string;
  readonly name: string;
  readonly record: InventoryRecord;
}

function addWriter(
  writers: Map<StoreKey, Writer>,
  { source, name }: Extract<KeyOwner, { type: 'inventory' }>,
  record: InventoryRecord | undefined,
): void {
  if (!record) return;
  for (const key of Object.keys(record.keys)) writers.set(key as StoreKey, { source, name, record });
}

function toObject(
  kind: Kind,
  id: StoredId,
  values: ReadonlyMap<StoreKey, string>,
  writers: ReadonlyMap<StoreKey, Writer>,
  layout: Layout,
): StoredObject {
  const keys = [...values.keys()].sort();
  const writer = keys.flatMap((key) => writers.get(key) ?? [])[0];
  const read = decode(id, values, layout);
  return {
    kind,
    name: writer?.name ?? read.resource?.metadata.name ?? id.slice(kind.length + 1),
    source: writer?.source,
    written: writer && { file: writer.record.file, line: writer.record.line, commit: writer.record.commit },
    keys,
    ...read,
  };
}

function decode(
  id: StoredId,
  values: ReadonlyMap<StoreKey, string>,
  layout: Layout,
): Pick<StoredObject, 'resource' | 'problem'> {
  try {
    return { resource: layout.decode(id, values) };
  } catch (error) {
    if (error instanceof LayoutError) return { resource: error.rest, problem: error.message };
    throw error;
  }
}
