/**
 * NAT for pools that ask for it: two sets of pools and the one rule that looks into them.
 */
import { type Cidr, familyOf } from '../../../model/address.js';
import type { UpdateOf } from '../../calc/updates.js';
import { chainKey, type DesiredDataplane } from '../intent.js';
import { ALL_POOLS, MASQUERADE_POOLS, natOutgoingChain } from '../rules/nat-outgoing.js';

export class MasqueradeManager {
  readonly #desired: DesiredDataplane;
  readonly #pools = new Map<Cidr, UpdateOf<'pool-update'>>();
  #dirty = true;

  constructor(desired: DesiredDataplane) {
    this.#desired = desired;
  }

  onPoolUpdate(update: UpdateOf<'pool-update'>): void {
    this.#pools.set(update.cidr, update);
    this.#dirty = true;
  }

  onPoolRemove({ cidr }: UpdateOf<'pool-remove'>): void {
    this.#pools.delete(cidr);
    this.#dirty = true;
  }

  completeDeferredWork(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    for (const { family, ipSets, chains } of this.#desired.families) {
      const pools = [...this.#pools.values()].filter(({ cidr }) => familyOf(cidr) === family);
      const masqueraded = pools.filter(({ masquerade }) => masquerade);
      const chain = natOutgoingChain(masqueraded.length > 0);
      chains.set(chainKey(chain), chain);
      if (masqueraded.length > 0) {
        ipSets.replace(ALL_POOLS, 'hash:net', cidrsOf(pools));
        ipSets.replace(MASQUERADE_POOLS, 'hash:net', cidrsOf(masqueraded));
      } else {
        ipSets.delete(ALL_POOLS);
        ipSets.delete(MASQUERADE_POOLS);
      }
    }
  }
}

function cidrsOf(pools: readonly { readonly cidr: Cidr }[]): readonly Cidr[] {
  return pools.map(({ cidr }) => cidr);
}
