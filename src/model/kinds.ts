/**
 * The registry of kinds. Adding a kind is one schema, one line here and one codec in layout/.
 */
import type { Kind } from './resource.js';

export interface KindInfo {
  /** As in etcd keys and on the command line: `ippools`. */
  readonly plural: string;
  /** True when `projectcalico.org/v3` manifests of this kind are accepted too. */
  readonly calico: boolean;
  /** False for kinds that are checked and never stored. */
  readonly stored: boolean;
}

export const KINDS = {
  IPPool: { plural: 'ippools', calico: true, stored: true },
  Profile: { plural: 'profiles', calico: true, stored: true },
  Tier: { plural: 'tiers', calico: true, stored: true },
  GlobalNetworkPolicy: { plural: 'globalnetworkpolicies', calico: true, stored: true },
  GlobalNetworkSet: { plural: 'globalnetworksets', calico: true, stored: true },
  WorkloadEndpoint: { plural: 'workloadendpoints', calico: true, stored: true },
  HostEndpoint: { plural: 'hostendpoints', calico: true, stored: true },
  Node: { plural: 'nodes', calico: true, stored: true },
  BGPConfiguration: { plural: 'bgpconfigurations', calico: true, stored: true },
  BGPPeer: { plural: 'bgppeers', calico: true, stored: true },
  RouteReflector: { plural: 'routereflectors', calico: false, stored: true },
  BGPFilter: { plural: 'bgpfilters', calico: true, stored: true },
  IPReservation: { plural: 'ipreservations', calico: true, stored: true },
  AgentConfiguration: { plural: 'agentconfigurations', calico: false, stored: true },
  ConnectivityTest: { plural: 'connectivitytests', calico: false, stored: false },
} as const satisfies Record<Kind, KindInfo>;

export const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

/** Finds a kind as a user may type it: `IPPool`, `ippool` or `ippools`. */
export function findKind(text: string): Kind | undefined {
  const lower = text.toLowerCase();
  return KIND_NAMES.find((kind) => kind.toLowerCase() === lower || KINDS[kind].plural === lower);
}
