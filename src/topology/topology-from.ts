/** What BGP is decided from, picked out of the resources of a network. */
import type { IpamBlock } from '../model/ipam-block.js';
import { type Kind, type Resource, type ResourceOf, resourcesOf } from '../model/resource.js';
import type { TopologyInput } from './topology-input.js';

/** The kinds that shape BGP. */
export const BGP_KINDS = [
  'AgentConfiguration',
  'Node',
  'RouteReflector',
  'BGPPeer',
  'BGPFilter',
  'BGPConfiguration',
  'IPPool',
] as const satisfies readonly Kind[];

/** Nodes on which BGP is turned off are left out. @param blocks - of the store; manifests have none */
export function topologyFrom(resources: Iterable<Resource>, blocks: Iterable<IpamBlock> = []): TopologyInput {
  const all = [...resources];
  const named = <K extends Kind>(kind: K): ReadonlyMap<string, ResourceOf<K>> =>
    new Map(resourcesOf(all, kind).map((resource) => [resource.metadata.name, resource]));
  const agents = named('AgentConfiguration');
  return {
    nodes: speakingNodes(named('Node'), agents),
    routeReflectors: named('RouteReflector'),
    bgpPeers: named('BGPPeer'),
    bgpFilters: named('BGPFilter'),
    bgpConfigurations: named('BGPConfiguration'),
    pools: named('IPPool'),
    blocks: new Map([...blocks].map((block) => [block.cidr, block])),
    interfacePrefix: agents.get('default')?.spec.interfacePrefix ?? 'cali',
  };
}

/** Those on which BGP is not turned off: nobody waits for a session with one that will never answer. */
export function speakingNodes(
  nodes: ReadonlyMap<string, ResourceOf<'Node'>>,
  agents: ReadonlyMap<string, ResourceOf<'AgentConfiguration'>>,
): ReadonlyMap<string, ResourceOf<'Node'>> {
  const byDefault = agents.get('default')?.spec.bgpMode;
  const speaks = (node: string) => (agents.get(`node.${node}`)?.spec.bgpMode ?? byDefault) !== 'none';
  return new Map([...nodes].filter(([name]) => speaks(name)));
}
