/**
 * The network that a store holds, as its agents see it: with endpoints that were made at run time and policy that no
 * source manages. PURE.
 */
import type { Layout } from '../layout/layout.js';
import {
  type DesiredState,
  type Kind,
  type Resource,
  type ResourceId,
  resourceId,
} from '../model/resource.js';
import type { Snapshot } from '../model/store.js';
import { type StoredObject, storedObjects } from './stored-objects.js';

/** What decides who may talk to whom. */
const NETWORK_KINDS: readonly Kind[] = [
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

export interface StoredNetwork {
  /** Under the names in their manifests, and at their places there. */
  readonly resources: readonly Resource[];
  /** What nobody can read: it is left out, as agents leave it out. */
  readonly unreadable: readonly Pick<StoredObject, 'kind' | 'name' | 'problem'>[];
  /** The commit that last changed each, of those that a source manages. */
  readonly commits: ReadonlyMap<ResourceId, string>;
}

/** @param manifests - of the source that wrote its objects last: they know the line of each rule. */
export function networkOfSnapshot(
  snapshot: Snapshot,
  layout: Layout,
  manifests?: { readonly source: string; readonly state: DesiredState },
): StoredNetwork {
  const objects = storedObjects(snapshot, layout, ...NETWORK_KINDS);
  return {
    resources: objects.flatMap((object) => {
      const isTheirs = manifests !== undefined && object.source === manifests.source;
      const manifest = isTheirs ? manifests.state.get(resourceId(object.kind, object.name)) : undefined;
      return toResource(object, manifest);
    }),
    unreadable: objects.filter(({ problem }) => problem !== undefined),
    commits: new Map(
      objects.flatMap(({ kind, name, written }) =>
        written ? [[resourceId(kind, name), written.commit] as const] : [],
      ),
    ),
  };
}

/** The readable objects of these kinds. */
export function resourcesIn(snapshot: Snapshot, layout: Layout, kinds: readonly Kind[]): readonly Resource[] {
  return storedObjects(snapshot, layout, ...kinds).flatMap((object) => toResource(object));
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
