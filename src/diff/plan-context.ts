/**
 * What every step of planning looks at: the snapshot, who owns what in it, and who will own what after it.
 */
import type { CompiledObject } from '../layout/compile.js';
import type { Layout } from '../layout/layout.js';
import { type Address, addressPart } from '../model/address.js';
import { type ResourceId, resourcesOf } from '../model/resource.js';
import type { Compare, Snapshot, StoreEntry, StoreKey } from '../model/store.js';
import { type Claim, type Ownership, readOwnership } from './ownership.js';
import { readPlanBase } from './plan-base.js';
import type { PlanBase } from './plan-types.js';
import { decodeStored, indexStore, type StoredObject, type StoreIndex } from './store-index.js';

export interface PlanContext {
  readonly source: string;
  readonly commit: string;
  readonly layout: Layout;
  readonly snapshot: Snapshot;
  readonly base: PlanBase;
  readonly store: StoreIndex;
  readonly ownership: Ownership;
  /** What the manifests ask for. */
  readonly compiled: ReadonlyMap<ResourceId, CompiledObject>;
  /** Every key that the manifests ask for, and by which of them. */
  readonly wanted: ReadonlyMap<StoreKey, ResourceId>;
  /** Endpoints in the store by address, those of this source left out. Made when first asked for. */
  readonly foreignHolders: () => ReadonlyMap<Address, readonly StoredObject[]>;
}

export interface PlanContextInput {
  readonly source: string;
  readonly commit: string;
  readonly compiled: ReadonlyMap<ResourceId, CompiledObject>;
  readonly snapshot: Snapshot;
  readonly layout: Layout;
}

export function planContext(input: PlanContextInput): PlanContext {
  const { source, commit, compiled, snapshot, layout } = input;
  const store = indexStore(snapshot, layout);
  const ownership = readOwnership(store.records, source);
  let holders: ReadonlyMap<Address, readonly StoredObject[]> | undefined;
  return {
    source,
    commit,
    layout,
    snapshot,
    base: readPlanBase(snapshot, source, layout),
    store,
    ownership,
    compiled,
    wanted: wantedKeys(compiled.values()),
    foreignHolders: () => {
      holders ??= indexHolders(foreignEndpoints(store, ownership, source), layout);
      return holders;
    },
  };
}

function wantedKeys(objects: Iterable<CompiledObject>): ReadonlyMap<StoreKey, ResourceId> {
  const wanted = new Map<StoreKey, ResourceId>();
  for (const { id, entries } of objects) for (const { key } of entries) wanted.set(key, id);
  return wanted;
}

export function entryOf(context: PlanContext, key: StoreKey): StoreEntry | undefined {
  return context.snapshot.entries.get(key);
}

/** The claim of another source on this key. */
export function foreignClaim(context: PlanContext, key: StoreKey): Claim | undefined {
  const claim = context.ownership.claims.get(key);
  return claim && claim.source !== context.source ? claim : undefined;
}

/** True when the key is in the store and no source has it in its inventory. */
export function isUnclaimed(context: PlanContext, key: StoreKey): boolean {
  return entryOf(context, key) !== undefined && !context.ownership.claims.has(key);
}

/** The compare under which a key may be written: as the snapshot showed it. */
export function asSeen(key: StoreKey, entry: StoreEntry | undefined): Compare {
  return entry ? { key, check: 'mod-revision', revision: entry.modRevision } : { key, check: 'absent' };
}

/** The addresses of an endpoint in the store; none when it cannot be read. */
function addressesOf(endpoint: StoredObject, layout: Layout): readonly Address[] {
  const decoded = decodeStored(endpoint.id, endpoint.values, layout);
  return decoded
    ? resourcesOf([decoded], 'WorkloadEndpoint').flatMap(({ spec }) => spec.ipNetworks.map(addressPart))
    : [];
}

function foreignEndpoints(store: StoreIndex, ownership: Ownership, source: string): StoredObject[] {
  return [...store.objects.values()].filter(
    ({ kind, values }) =>
      kind === 'WorkloadEndpoint' &&
      [...values.keys()].every((key) => ownership.claims.get(key)?.source !== source),
  );
}

function indexHolders(
  endpoints: readonly StoredObject[],
  layout: Layout,
): ReadonlyMap<Address, readonly StoredObject[]> {
  const holders = new Map<Address, StoredObject[]>();
  for (const endpoint of endpoints) {
    for (const address of addressesOf(endpoint, layout)) {
      holders.set(address, [...(holders.get(address) ?? []), endpoint]);
    }
  }
  return holders;
}
