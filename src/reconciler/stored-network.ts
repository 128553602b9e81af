/**
 * The network that a store holds, as its agents see it: with endpoints that were made at run time and policy that no
 * source manages. PURE.
 */
import type { Layout } from '../layout/layout.js';
import type { Kind, Resource } from '../model/resource.js';
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
}

export function networkOfSnapshot(snapshot: Snapshot, layout: Layout): StoredNetwork {
  const objects = storedObjects(snapshot, layout, ...NETWORK_KINDS);
  return {
    resources: objects.flatMap(toResource),
    unreadable: objects.filter(({ problem }) => problem !== undefined),
  };
}

/** The readable objects of these kinds. */
export function resourcesIn(snapshot: Snapshot, layout: Layout, kinds: readonly Kind[]): readonly Resource[] {
  return storedObjects(snapshot, layout, ...kinds).flatMap(toResource);
}

function toResource({ resource, name, written }: StoredObject): Resource[] {
  if (!resource) return [];
  const metadata = { ...resource.metadata, name };
  const origin = written ? { file: written.file, line: written.line, col: 1 } : resource.origin;
  return [{ ...resource, metadata, origin } as Resource];
}
