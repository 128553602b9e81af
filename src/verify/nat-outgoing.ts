/**
 * Whom natOutgoing masquerades, as the chain does that agents write (rules/nat-outgoing.ts): what a workload with an
 * address in such a pool sends to an address in no pool.
 */
import { type Address, cidrContains } from '../model/address.js';
import type { Pool } from './network.js';

export function isMasqueradedSource(pools: readonly Pool[], address: Address): boolean {
  return pools.some(({ cidr, natOutgoing }) => natOutgoing && cidrContains(cidr, address));
}

export function isBeyondPools(pools: readonly Pool[], address: Address): boolean {
  return !pools.some(({ cidr }) => cidrContains(cidr, address));
}
