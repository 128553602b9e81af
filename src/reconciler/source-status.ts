/**
 * Tells everybody how the source is doing: the conditions, at a key of their own.
 *
 * Only who leads writes it, guarded by that leadership, and only when something changed; a reconciler that
 * restarts into an unchanged world writes nothing.
 */
import type { Datastore } from '../datastore/datastore.js';
import type { Layout } from '../layout/layout.js';
import { LayoutError } from '../layout/layout.js';
import { type Condition, type SourceStatus, sourceStatusCodec } from '../layout/records.js';
import type { StoreKey } from '../model/store.js';
import type { Leadership } from './leader.js';

export interface StatusOptions {
  readonly store: Datastore;
  readonly layout: Layout;
  /** Name of the source. */
  readonly name: string;
  readonly node: string;
  readonly now: () => Date;
}

/** Writes the conditions unless they stand there already. @throws {DatastoreError} */
export async function reportConditions(
  conditions: readonly Condition[],
  leadership: Leadership,
  options: StatusOptions,
): Promise<void> {
  const { store, layout, name, node, now } = options;
  const key = layout.keys.sourceStatus(name);
  const { entry } = await store.get(key);
  const told = entry && readStatus(key, entry.value);
  if (told?.node === node && sameConditions(told.conditions, conditions)) return;
  const value = sourceStatusCodec.encode({ node, since: now().toISOString(), conditions });
  await store.transact({
    guards: [
      { key: layout.keys.leader(name), check: 'create-revision', revision: leadership.createRevision },
    ],
    writes: [{ write: { op: 'put', key, value } }],
  });
}

/** Undefined when it makes no sense: it is written anew. */
function readStatus(key: StoreKey, value: string): SourceStatus | undefined {
  try {
    return sourceStatusCodec.decode(key, value);
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}

function sameConditions(a: readonly Condition[], b: readonly Condition[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, index) => {
      const other = b[index];
      return (
        one.type === other?.type &&
        one.status === other.status &&
        one.reason === other.reason &&
        one.message === other.message
      );
    })
  );
}
