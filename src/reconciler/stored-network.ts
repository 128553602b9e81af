/**
 * The network that a store holds, as its agents see it: with endpoints that were made at run time and policy that no
 * source manages. PURE.
 */
import type { Layout, StoredId } from '../layout/layout.js';
import { readRecord } from '../layout/read-record.js';
import { inventoryCodec } from '../layout/records.js';
import {
  type DesiredState,
  type Kind,
  type Resource,
  type ResourceId,
  resourceId,
} from '../model/resource.js';
import type { Snapshot, StoreKey } from '../model/store.js';
import { UNSUPPORTED_KINDS } from '../model/support.js';
import { type StoredObject, storedObjects } from './stored-objects.js';

/** What decides who may talk to whom, as far as agents enforce it. */
const DECIDING_KINDS: readonly Kind[] = [
  'IPPool',
  'Profile',
  'Tier',
  'GlobalNetworkPolicy',
  'GlobalNetworkSet',
  'WorkloadEndpoint',
  'HostEndpoint',
  'Node',
  'RouteReflector',
  'AgentConfiguration',
];
const NETWORK_KINDS = DECIDING_KINDS.filter((kind) => !UNSUPPORTED_KINDS.has(kind));
const UNENFORCED_KINDS = DECIDING_KINDS.filter((kind) => UNSUPPORTED_KINDS.has(kind));

export interface StoredNetwork {
  /** Under the names in their manifests, and at their places there. */
  readonly resources: readonly Resource[];
  /** What cannot be read, or is not enforced: it counts for as much as it does for agents. */
  readonly unreadable: readonly Pick<StoredObject, 'kind' | 'name' | 'problem'>[];
  /** The commit that last changed each, of those that a source manages. */
  readonly commits: ReadonlyMap<ResourceId, string>;
}

/** Those of a source that wrote its objects last: they know the line of each rule. */
export interface Manifests {
  readonly source: string;
  readonly state: DesiredState;
}

export function networkOfSnapshot(snapshot: Snapshot, layout: Layout): StoredNetwork {
  const objects = storedObjects(snapshot, layout, ...NETWORK_KINDS);
  return {
    resources: objects.flatMap((object) => toResource(object)),
    unreadable: [
      ...objects.filter(({ problem }) => problem !== undefined),
      ...storedObjects(snapshot, layout, ...UNENFORCED_KINDS).map(({ kind, name }) => ({
        kind,
        name,
        problem: 'no agent enforces this kind yet',
      })),
    ],
    commits: new Map(
      objects.flatMap(({ kind, name, written }) =>
        written ? [[resourceId(kind, name), written.commit] as const] : [],
      ),
    ),
  };
}

/**
 * The networks before and after a plan. What the plan does not touch is one and the same resource in both, with the
 * places that its manifest has now.
 */
export function networksAround(
  snapshot: Snapshot,
  projected: Snapshot,
  layout: Layout,
  manifests: Manifests,
): readonly [before: readonly Resource[], after: readonly Resource[]] {
  const touched = touchedIds(snapshot, projected, layout);
  const isTouched = ({ keys: [key] }: StoredObject): boolean => {
    const owner = key === undefined ? undefined : layout.identify(key);
    return owner?.type === 'resource' && touched.has(owner.id);
  };
  const after = storedObjects(projected, layout, ...NETWORK_KINDS).map((object) => ({
    object,
    resources: toResource(object, manifestOf(object, manifests)),
  }));
  const old = storedObjects(entriesOf(snapshot, touched, layout), layout, ...NETWORK_KINDS);
  return [
    [
      ...after.filter(({ object }) => !isTouched(object)).flatMap(({ resources }) => resources),
      ...old.flatMap((object) => toResource(object)),
    ],
    after.flatMap(({ resources }) => resources),
  ];
}

/** The objects whose keys or records differ. */
function touchedIds(snapshot: Snapshot, projected: Snapshot, layout: Layout): ReadonlySet<StoredId> {
  const touched = new Set<StoredId>();
  const note = (key: StoreKey, value: string): void => {
    const owner = layout.identify(key);
    if (owner?.type === 'resource') touched.add(owner.id);
    if (owner?.type !== 'inventory') return;
    for (const listed of Object.keys(readRecord(inventoryCodec, key, value)?.keys ?? {})) {
      const listedOwner = layout.identify(listed as StoreKey);
      if (listedOwner?.type === 'resource') touched.add(listedOwner.id);
    }
  };
  const noteMissing = (one: Snapshot, other: Snapshot): void => {
    for (const [key, entry] of one.entries) if (other.entries.get(key) !== entry) note(key, entry.value);
  };
  noteMissing(snapshot, projected);
  noteMissing(projected, snapshot);
  return touched;
}

/** Some objects, and all records: which of those are theirs is written inside. */
function entriesOf(snapshot: Snapshot, ids: ReadonlySet<StoredId>, layout: Layout): Snapshot {
  const entries = [...snapshot.entries].filter(([key]) => {
    const owner = layout.identify(key);
    return owner?.type === 'inventory' || (owner?.type === 'resource' && ids.has(owner.id));
  });
  return { ...snapshot, entries: new Map(entries) };
}

/** The readable objects of these kinds. */
export function resourcesIn(snapshot: Snapshot, layout: Layout, kinds: readonly Kind[]): readonly Resource[] {
  return storedObjects(snapshot, layout, ...kinds).flatMap((object) => toResource(object));
}

function manifestOf({ source, kind, name }: StoredObject, manifests: Manifests): Resource | undefined {
  return source === manifests.source ? manifests.state.get(resourceId(kind, name)) : undefined;
}

function toResource(
  { resource, name, written }: StoredObject,
  manifest?: Pick<Resource, 'origin' | 'ruleOrigins'>,
): Resource[] {
  if (!resource) return [];
  const metadata = { ...resource.metadata, name };
  const recorded = written ? { file: written.file, line: written.line, col: 1 } : resource.origin;
  const { origin = recorded, ruleOrigins } = manifest ?? {};
  return [{ ...resource, metadata, origin, ...(ruleOrigins && { ruleOrigins }) } as Resource];
}
