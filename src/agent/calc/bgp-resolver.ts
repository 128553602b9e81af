/**
 * Collects what BGP is decided from, and has `topology` decide anew when any of it changed.
 *
 * In a full mesh one new node concerns every host, so the model is worked out whole, once per flush at most. That it
 * came out as before is found by the event sequencer.
 */
import type { StoredId } from '../../layout/layout.js';
import type { IpamBlock } from '../../model/ipam-block.js';
import type { ResourceOf } from '../../model/resource.js';
import type { BgpModel } from '../../topology/bgp-model.js';
import { speakingNodes } from '../../topology/topology-from.js';
import type { TopologyInput } from '../../topology/topology-input.js';
import type { ResolvedSettings } from './settings-resolver.js';

/** What BGP on the node should look like; undefined when it has no part in it. */
export type ComputeBgp = (node: string, input: TopologyInput) => BgpModel | undefined;

export class BgpResolver {
  readonly #node: string;
  readonly #computeBgp: ComputeBgp;
  readonly #listener: (model: BgpModel | undefined) => void;
  readonly #nodes = new Map<string, ResourceOf<'Node'>>();
  /** Of all hosts: some may have BGP turned off. */
  readonly #agents = new Map<string, ResourceOf<'AgentConfiguration'>>();
  readonly #bgpConfigurations = new Map<string, ResourceOf<'BGPConfiguration'>>();
  readonly #routeReflectors = new Map<string, ResourceOf<'RouteReflector'>>();
  readonly #bgpPeers = new Map<string, ResourceOf<'BGPPeer'>>();
  readonly #bgpFilters = new Map<string, ResourceOf<'BGPFilter'>>();
  readonly #pools = new Map<string, ResourceOf<'IPPool'>>();
  readonly #blocks = new Map<string, IpamBlock>();
  #enabled = false;
  #interfacePrefix = '';
  #dirty = true;

  constructor(node: string, computeBgp: ComputeBgp, listener: (model: BgpModel | undefined) => void) {
    this.#node = node;
    this.#computeBgp = computeBgp;
    this.#listener = listener;
  }

  onNode(resource: ResourceOf<'Node'> | undefined, previous: ResourceOf<'Node'> | undefined): void {
    this.#replace(this.#nodes, (resource ?? previous)?.metadata.name, resource);
  }

  /** By id: a reflector may change its name while its address, which is its id, stays. */
  onRouteReflector(id: StoredId, resource: ResourceOf<'RouteReflector'> | undefined): void {
    this.#replace(this.#routeReflectors, id, resource);
  }

  onBgpPeer(id: StoredId, resource: ResourceOf<'BGPPeer'> | undefined): void {
    this.#replace(this.#bgpPeers, id, resource);
  }

  onBgpFilter(
    resource: ResourceOf<'BGPFilter'> | undefined,
    previous: ResourceOf<'BGPFilter'> | undefined,
  ): void {
    this.#replace(this.#bgpFilters, (resource ?? previous)?.metadata.name, resource);
  }

  onBgpConfiguration(
    resource: ResourceOf<'BGPConfiguration'> | undefined,
    previous: ResourceOf<'BGPConfiguration'> | undefined,
  ): void {
    this.#replace(this.#bgpConfigurations, (resource ?? previous)?.metadata.name, resource);
  }

  onAgentConfiguration(
    resource: ResourceOf<'AgentConfiguration'> | undefined,
    previous: ResourceOf<'AgentConfiguration'> | undefined,
  ): void {
    this.#replace(this.#agents, (resource ?? previous)?.metadata.name, resource);
  }

  onPool(id: StoredId, resource: ResourceOf<'IPPool'> | undefined): void {
    this.#replace(this.#pools, id, resource);
  }

  /** Blocks come and go all over the network; only those of this host shape its BGP. */
  onBlock(id: StoredId, block: IpamBlock | undefined): void {
    const before = this.#blocks.get(id);
    if (block) this.#blocks.set(id, block);
    else this.#blocks.delete(id);
    if (this.#isOwn(before) || this.#isOwn(block)) this.#dirty = true;
  }

  #isOwn(block: IpamBlock | undefined): boolean {
    return block?.affinities.some(({ node }) => node === this.#node) ?? false;
  }

  onSettings({ settings, bgp }: ResolvedSettings): void {
    if (bgp === this.#enabled && settings.interfacePrefix === this.#interfacePrefix) return;
    this.#enabled = bgp;
    this.#interfacePrefix = settings.interfacePrefix;
    this.#dirty = true;
  }

  flush(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const input: TopologyInput = {
      nodes: speakingNodes(this.#nodes, this.#agents),
      routeReflectors: this.#routeReflectors,
      bgpPeers: this.#bgpPeers,
      bgpFilters: this.#bgpFilters,
      bgpConfigurations: this.#bgpConfigurations,
      pools: this.#pools,
      blocks: this.#blocks,
      interfacePrefix: this.#interfacePrefix,
    };
    this.#listener(this.#enabled ? this.#computeBgp(this.#node, input) : undefined);
  }

  #replace<T>(map: Map<string, T>, name: string | undefined, resource: T | undefined): void {
    if (name === undefined) return;
    if (resource) map.set(name, resource);
    else map.delete(name);
    this.#dirty = true;
  }
}
