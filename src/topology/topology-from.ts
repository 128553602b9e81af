/** What BGP is decided from, picked out of the resources of a network. */
import type { IpamBlock } from '../model/ipam-block.js';
import { type Kind, type Resource, type ResourceOf, resourcesOf } from '../model/resource.js';
import type { TopologyInput } from './topology-input.js';

/** The kinds that shape BGP. */
export const BGP_KINDS = [
  'Node',
  'RouteReflector',
  'BGPPeer',
  'BGPFilter',
  'BGPConfiguration',
  'IPPool',
] as const satisfies readonly Kind[];

/** @param blocks - of the store; manifests have none */
export function topologyFrom(resources: Iterable<Resource>, blocks: Iterable<IpamBlock> = []): TopologyInput {
  const all = [...resources];
  const named = <K extends Kind>(kind: K): ReadonlyMap<string, ResourceOf<K>> =>
    new Map(resourcesOf(all, kind).map((resource) => [resource.metadata.name, resource]));
  const settings = named('AgentConfiguration').get('default')?.spec;
  return {
    nodes: named('Node'),
    routeReflectors: named('RouteReflector'),
    bgpPeers: named('BGPPeer'),
    bgpFilters: named('BGPFilter'),
    bgpConfigurations: named('BGPConfiguration'),
    pools: named('IPPool'),
    blocks: new Map([...blocks].map((block) => [block.cidr, block])),
    interfacePrefix: settings?.interfacePrefix ?? 'cali',
  };
}
