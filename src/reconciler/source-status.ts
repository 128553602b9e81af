/**
 * Tells everybody how the source is doing: the conditions, at a key of their own.
 *
 * Only who leads writes it, guarded by that leadership and under its lease: what a leader said that is gone would be
 * taken for how things are.
 */
import type { Datastore } from '../datastore/datastore.js';
import type { Layout } from '../layout/layout.js';
import { type SourceStatus, sourceStatusCodec } from '../layout/records.js';
import type { Leadership } from './leader.js';

export interface StatusOptions {
  readonly store: Datastore;
  readonly layout: Layout;
  /** Name of the source. */
  readonly name: string;
  readonly node: string;
  readonly now: () => Date;
}

/** @throws {DatastoreError} */
export async function reportConditions(
  told: Pick<SourceStatus, 'conditions' | 'newest'>,
  { createRevision: revision, lease }: Leadership,
  { store, layout, name, node, now }: StatusOptions,
): Promise<void> {
  const key = layout.keys.sourceStatus(name);
  const value = sourceStatusCodec.encode({ node, since: now().toISOString(), ...told });
  await store.transact({
    guards: [{ key: layout.keys.leader(name), check: 'create-revision', revision }],
    writes: [{ write: { op: 'put', key, value, lease } }],
  });
}
