/**
 * Which addresses a selector or a tag of a rule stands for: what the ipsets of the agents hold.
 *
 * An address belongs to every endpoint and network set that has it, on whatever host; the state of an endpoint plays
 * no part. Network sets have no tags.
 */
import { type Address, type Cidr, cidrContains } from '../model/address.js';
import { type Labels, matchesSelector } from '../model/selector/evaluate.js';
import { selectorAst } from '../model/selector/selector.js';
import type { Membership } from '../policy/match-rule.js';
import type { Network, NetworkSet } from './network.js';

export function membershipOf({ index, networkSets }: Network): Membership {
  const setsOf = setLookup(networkSets);
  return {
    inSelector(address, selector) {
      const expression = selectorAst(selector);
      const isPicked = ({ labels }: { readonly labels: Labels }): boolean =>
        matchesSelector(expression, labels);
      return index.holdersOf(address).some(isPicked) || setsOf(address).some(isPicked);
    },
    inTag(address, tag) {
      return index.holdersOf(address).some(({ tags }) => tags.has(tag));
    },
  };
}

/** Sets are few, their networks may be many, and one address is asked for again and again. */
function setLookup(networkSets: readonly NetworkSet[]): (address: Address) => readonly NetworkSet[] {
  const known = new Map<Address, readonly NetworkSet[]>();
  return (address) => {
    const found =
      known.get(address) ??
      networkSets.filter(({ nets }) => nets.some((net: Cidr) => cidrContains(net, address)));
    known.set(address, found);
    return found;
  };
}
