/**
 * How many objects there are: in the store, by kind, and on this host, as the calculation graph says. What of it is
 * in the kernel, drivers count.
 */

import type { StoredId } from '../layout/layout.js';
import { assertNever } from '../model/assert-never.js';
import { ipSetKind } from './calc/ip-set-definition.js';
import type { DataplaneUpdate } from './calc/updates.js';
import type { Counts } from './status/counts.js';
import type { Update } from './syncer/update.js';

export interface ObjectCounts {
  onUpdate(update: Update): void;
  onDataplaneUpdate(update: DataplaneUpdate): void;
  all(): Counts;
  /** True when the store has a Node or RouteReflector of this name. */
  hasHost(name: string): boolean;
}

type LocalObject = 'endpoints' | 'policies' | 'profiles' | 'selectors' | 'tags';

export function countObjects(): ObjectCounts {
  const stored = new Groups<Update['kind']>();
  const local = new Groups<LocalObject>();
  const hosts = new Map<StoredId, string>();
  return {
    onUpdate({ id, kind, resource }) {
      stored.put(kind, id, resource !== undefined);
      if (resource && (kind === 'Node' || kind === 'RouteReflector')) hosts.set(id, resource.metadata.name);
      else hosts.delete(id);
    },
    hasHost: (name) => [...hosts.values()].includes(name),
    onDataplaneUpdate: (update) => countLocal(local, update),
    all: () => ({
      localEndpoints: local.count('endpoints'),
      localPolicies: local.count('policies'),
      localProfiles: local.count('profiles'),
      localSelectors: local.count('selectors'),
      localTags: local.count('tags'),
      clusterHosts: stored.count('Node'),
      clusterWorkloadEndpoints: stored.count('WorkloadEndpoint'),
      clusterHostEndpoints: stored.count('HostEndpoint'),
      clusterPolicies: stored.count('GlobalNetworkPolicy'),
      clusterProfiles: stored.count('Profile'),
    }),
  };
}

function countLocal(local: Groups<LocalObject>, update: DataplaneUpdate): void {
  const isThere = !update.type.endsWith('-remove');
  switch (update.type) {
    case 'workload-endpoint-update':
    case 'workload-endpoint-remove':
      local.put('endpoints', 'endpoint' in update ? update.endpoint.id : update.id, isThere);
      break;
    case 'policy-update':
    case 'policy-remove':
      local.put('policies', `${update.tier}/${update.name}`, isThere);
      break;
    case 'profile-update':
    case 'profile-remove':
      local.put('profiles', update.name, isThere);
      break;
    case 'ip-set-update':
    case 'ip-set-remove': {
      const kind = ipSetKind(update.id);
      if (kind) local.put(kind, update.id, isThere);
      break;
    }
    case 'settings-update':
    case 'ip-set-delta':
    case 'pool-update':
    case 'pool-remove':
    case 'encapsulation-update':
    case 'bgp-update':
    case 'overlay-update':
      break;
    default:
      assertNever(update);
  }
}

/** Sets of names, each of one group. */
class Groups<G> {
  readonly #names = new Map<G, Set<string>>();

  put(group: G, name: string, isThere: boolean): void {
    const names = this.#names.get(group) ?? new Set();
    this.#names.set(group, names);
    if (isThere) names.add(name);
    else names.delete(name);
  }

  count(group: G): number {
    return this.#names.get(group)?.size ?? 0;
  }
}
