/**
 * What `topology` decides from: the resources that shape BGP, and nothing else of the store.
 *
 * The same value is built from manifests (verify, render, diff) and from etcd (the agent's calculation graph), so
 * that both come to the same sessions. Maps, because lookups are by name; the order of their entries means nothing.
 */
import type { IpamBlock } from '../model/ipam-block.js';
import type { ResourceOf } from '../model/resource.js';

export interface TopologyInput {
  /** By node name. Nodes without a `bgp` part take no part in BGP. */
  readonly nodes: ReadonlyMap<string, ResourceOf<'Node'>>;
  /** By whatever tells reflectors apart where the input is built. One with the name of a node is not seen. */
  readonly routeReflectors: ReadonlyMap<string, ResourceOf<'RouteReflector'>>;
  /** By whatever tells peers apart where the input is built; their names order them. */
  readonly bgpPeers: ReadonlyMap<string, ResourceOf<'BGPPeer'>>;
  readonly bgpFilters: ReadonlyMap<string, ResourceOf<'BGPFilter'>>;
  /** `default`, and `node.<name>` which overrides it field by field. */
  readonly bgpConfigurations: ReadonlyMap<string, ResourceOf<'BGPConfiguration'>>;
  /** By whatever tells pools apart where the input is built: a manifest's name or the CIDR of a key. */
  readonly pools: ReadonlyMap<string, ResourceOf<'IPPool'>>;
  /** By whatever tells blocks apart. From manifests there are none: address assignment makes them as it goes. */
  readonly blocks: ReadonlyMap<string, IpamBlock>;
  /** How the names of workload interfaces begin: `cali`. */
  readonly interfacePrefix: string;
}
