/**
 * A block of addresses (Calico's IPAM v2): the part of a pool from which one host gives its workloads addresses.
 *
 * Blocks are made and kept by whoever assigns addresses, never by git. A host claims a block before it is its own
 * (`pending`), and says so before it gives it up (`pendingDeletion`).
 */
import type { Cidr } from './address.js';

export type BlockState = 'confirmed' | 'pending' | 'pendingDeletion';

export interface BlockAffinity {
  readonly node: string;
  readonly state: BlockState;
}

export interface IpamBlock {
  readonly cidr: Cidr;
  /** Sorted by node. Several only while nobody has the block and more than one host claims it. */
  readonly affinities: readonly BlockAffinity[];
}
