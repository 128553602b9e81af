/**
 * The blocks of addresses that a host has, and which of them it announces as a whole.
 *
 * A block is announced only while it is confirmed. One that is pending may still go to another host, and one that is
 * to be deleted is about to: until either is settled its addresses are announced one by one, which is right whoever
 * has the rest. Whatever its state, packets for an address of it that no workload has end here and do not take the
 * default route, because nobody else may have that address meanwhile.
 */
import { addressLength, compareCidrs, familyOf, prefixLength } from '../model/address.js';
import type { HostBlock } from './bgp-model.js';
import type { TopologyInput } from './topology-input.js';

/** Sorted. A block of one address is no more than its workload's own route, and is left out. */
export function blocksOf(node: string, { blocks }: Pick<TopologyInput, 'blocks'>): readonly HostBlock[] {
  return [...blocks.values()]
    .flatMap(({ cidr, affinities }) => {
      const own = affinities.find((affinity) => affinity.node === node);
      if (!own || prefixLength(cidr) === addressLength(familyOf(cidr))) return [];
      return { cidr, aggregated: own.state === 'confirmed' };
    })
    .sort((a, b) => compareCidrs(a.cidr, b.cidr));
}
