/**
 * The registry of codecs: one line for each kind that is stored.
 */
import type { KINDS } from '../model/kinds.js';
import type { Kind } from '../model/resource.js';
import { agentConfigurationCodec } from './codecs/agent-configuration.js';
import { bgpConfigurationCodec } from './codecs/bgp-configuration.js';
import { bgpFilterCodec } from './codecs/bgp-filter.js';
import { bgpPeerCodec } from './codecs/bgp-peer.js';
import { globalNetworkPolicyCodec } from './codecs/global-network-policy.js';
import { globalNetworkSetCodec } from './codecs/global-network-set.js';
import { hostEndpointCodec } from './codecs/host-endpoint.js';
import { ipReservationCodec } from './codecs/ip-reservation.js';
import { ippoolCodec } from './codecs/ippool.js';
import { nodeCodec } from './codecs/node.js';
import { profileCodec } from './codecs/profile.js';
import { routeReflectorCodec } from './codecs/route-reflector.js';
import { tierCodec } from './codecs/tier.js';
import { workloadEndpointCodec } from './codecs/workload-endpoint.js';
import type { Codec } from './layout.js';

/** Kinds that have keys in the store. */
export type StoredKind = {
  [K in Kind]: (typeof KINDS)[K]['stored'] extends true ? K : never;
}[Kind];

export const CODECS: { readonly [K in StoredKind]: Codec<K> } = {
  IPPool: ippoolCodec,
  Profile: profileCodec,
  Tier: tierCodec,
  GlobalNetworkPolicy: globalNetworkPolicyCodec,
  GlobalNetworkSet: globalNetworkSetCodec,
  WorkloadEndpoint: workloadEndpointCodec,
  HostEndpoint: hostEndpointCodec,
  Node: nodeCodec,
  BGPConfiguration: bgpConfigurationCodec,
  BGPPeer: bgpPeerCodec,
  RouteReflector: routeReflectorCodec,
  BGPFilter: bgpFilterCodec,
  IPReservation: ipReservationCodec,
  AgentConfiguration: agentConfigurationCodec,
};
