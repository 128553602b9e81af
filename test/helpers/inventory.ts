/** The law of the inventory: it lists the keys that are there, and no others, at every revision. */
import { isNodeRegistration } from '../../src/diff/runtime-keys.js';
import type { Layout } from '../../src/layout/layout.js';
import { inventoryCodec } from '../../src/layout/records.js';
import type { Snapshot, StoreKey } from '../../src/model/store.js';

/** Owners of keys that no inventory lists. */
const CONTROL: ReadonlySet<string> = new Set(['head', 'txn', 'inventory', 'ready']);

/** Keys of the network that the inventory does not list, and listed keys that are not there. */
export function inventoryDisagreements({ entries }: Snapshot, layout: Layout): readonly string[] {
  const listed = new Set<StoreKey>();
  const present = new Set<StoreKey>();
  for (const [key, { value }] of entries) {
    const owner = layout.identify(key)?.type;
    if (owner === undefined || !CONTROL.has(owner)) present.add(key);
    if (owner !== 'inventory') continue;
    for (const name of Object.keys(inventoryCodec.decode(key, value).keys)) listed.add(name as StoreKey);
  }
  return [
    // What a manifest gave back to the agent of its node is nobody's here, because no agent runs.
    ...[...present]
      .filter((key) => !listed.has(key) && !isNodeRegistration('Node', key))
      .map((key) => `not listed: ${key}`),
    ...[...listed].filter((key) => !present.has(key)).map((key) => `not there: ${key}`),
  ];
}
