/**
 * NAT for workloads that talk to the world: from a pool with natOutgoing, to an address in no pool at all.
 *
 * Every pool counts for the second condition, also disabled ones and those without natOutgoing: their addresses are
 * reachable as they are.
 */
import type { IpSetId } from '../../calc/updates.js';
import type { Chain, Match } from '../intent.js';
import { CHAINS } from './chain-names.js';
import { rule } from './chain-rule.js';

export const ALL_POOLS = 'all-ipam-pools' as IpSetId;
export const MASQUERADE_POOLS = 'masq-ipam-pools' as IpSetId;

/** @param masquerading - false while no pool asks for it; the sets need not exist then. */
export function natOutgoingChain(masquerading: boolean): Chain {
  const fromMasqueraded: Match = { type: 'ip-set', end: 'source', id: MASQUERADE_POOLS, negated: false };
  const toOutside: Match = { type: 'ip-set', end: 'destination', id: ALL_POOLS, negated: true };
  return {
    table: 'nat',
    name: CHAINS.natOutgoing,
    rules: masquerading ? [rule([fromMasqueraded, toOutside], { type: 'masquerade' })] : [],
  };
}
