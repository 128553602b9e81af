/**
 * Collects what the overlay is decided from, and has `topology` decide anew when any of it changed.
 *
 * A network without encapsulated pools pays for no more than the list of workloads, which is kept because a pool may come
 * after them. In one with an overlay the model is worked out whole, once per flush at most; blocks keep that small,
 * because a workload inside a block of its host adds nothing.
 */
import type { StoredId } from '../../layout/layout.js';
import { addressPart, type Cidr, cidrContains } from '../../model/address.js';
import type { IpamBlock } from '../../model/ipam-block.js';
import type { ResourceOf } from '../../model/resource.js';
import { type OverlayModel, type OverlayWorkload, overlayFor, overlayPools } from '../../topology/overlay.js';
import type { ResolvedSettings } from './settings-resolver.js';

export class OverlayResolver {
  readonly #node: string;
  readonly #listener: (model: OverlayModel | undefined) => void;
  readonly #nodes = new Map<string, ResourceOf<'Node'>>();
  readonly #pools = new Map<StoredId, ResourceOf<'IPPool'>>();
  readonly #blocks = new Map<StoredId, IpamBlock>();
  readonly #workloads = new Map<StoredId, ResourceOf<'WorkloadEndpoint'>>();
  #hasBgp = false;
  #dirty = false;

  constructor(node: string, listener: (model: OverlayModel | undefined) => void) {
    this.#node = node;
    this.#listener = listener;
  }

  onNode(resource: ResourceOf<'Node'> | undefined, previous: ResourceOf<'Node'> | undefined): void {
    const name = (resource ?? previous)?.metadata.name;
    if (name !== undefined) this.#replace(this.#nodes, name, resource);
  }

  onPool(id: StoredId, resource: ResourceOf<'IPPool'> | undefined): void {
    this.#replace(this.#pools, id, resource);
  }

  onBlock(id: StoredId, block: IpamBlock | undefined): void {
    this.#replace(this.#blocks, id, block);
  }

  onWorkload(id: StoredId, resource: ResourceOf<'WorkloadEndpoint'> | undefined): void {
    this.#replace(this.#workloads, id, resource);
  }

  onSettings({ bgp }: ResolvedSettings): void {
    if (bgp === this.#hasBgp) return;
    this.#hasBgp = bgp;
    this.#dirty = true;
  }

  flush(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const pools = overlayPools(this.#pools.values());
    const workloads = pools.length === 0 ? [] : this.#workloadsIn(pools);
    this.#listener(
      overlayFor(this.#node, {
        nodes: this.#nodes,
        pools: this.#pools,
        blocks: this.#blocks,
        workloads: new Map(workloads),
        hasBgp: this.#hasBgp,
      }),
    );
  }

  #workloadsIn(pools: readonly Cidr[]): readonly (readonly [StoredId, OverlayWorkload])[] {
    return [...this.#workloads].flatMap(([id, { spec }]) => {
      if (spec.state !== 'active') return [];
      const addresses = spec.ipNetworks
        .map(addressPart)
        .filter((one) => pools.some((pool) => cidrContains(pool, one)));
      return addresses.length === 0 ? [] : [[id, { node: spec.node, addresses }] as const];
    });
  }

  #replace<K, T>(map: Map<K, T>, key: K, value: T | undefined): void {
    if (value) map.set(key, value);
    else map.delete(key);
    this.#dirty = true;
  }
}
