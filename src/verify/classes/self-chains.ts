/**
 * What each point asks of packets, as chains: nobody polices who is outside, an inactive endpoint is closed, and all
 * others ask what policy says of them.
 *
 * Policies are matched with label groups, and put in order once for all endpoints that agree in group, profiles and
 * settings.
 */
import { membersOf } from '../../model/bitset.js';
import type { Direction } from '../../model/rule.js';
import { type EffectivePolicy, effective } from '../../policy/effective.js';
import type { Policy } from '../../policy/policy.js';
import type { Endpoint, Network } from '../network.js';
import type { Party } from '../parties.js';
import { type Chains, type ChainWriter, CLOSED, OPEN } from './chains.js';
import { ALL_CONNECTIONS, type ConnectionSet } from './connection-sets.js';
import type { LabelGroups } from './label-groups.js';

/** Numbers of chains. */
export type SelfChains = Readonly<Record<Direction, number>>;

export interface SelfChainContext {
  readonly network: Network;
  readonly groups: LabelGroups;
  readonly writer: ChainWriter;
  readonly chains: Chains;
  /** What a workload may send at all. */
  readonly sendable: ConnectionSet;
}

export class SelfChainFinder {
  readonly #context: SelfChainContext;
  readonly #policiesOf: readonly (readonly Policy[])[];
  readonly #effective = new Map<string, Readonly<Record<Direction, EffectivePolicy>>>();
  readonly #written = new Map<EffectivePolicy, Map<number, number>>();
  readonly #open: SelfChains;
  readonly #closed: SelfChains;

  constructor(context: SelfChainContext) {
    this.#context = context;
    const { network, groups, chains } = context;
    const policiesOf: Policy[][] = Array.from({ length: groups.size }, () => []);
    for (const policy of network.policies)
      for (const group of membersOf(groups.pickedBy(policy.selector))) policiesOf[group]?.push(policy);
    this.#policiesOf = policiesOf;
    const both = (chain: number): SelfChains => ({ ingress: chain, egress: chain });
    this.#open = both(chains.add(OPEN));
    this.#closed = both(chains.add(CLOSED));
  }

  /** @param own - the peer that the party is. */
  find(party: Party | undefined, own: number): SelfChains {
    switch (party?.type) {
      case undefined:
        return this.#closed;
      case 'outside':
        return this.#open;
      case 'host':
        return party.hostEndpoint ? this.#policed(party.hostEndpoint, own) : this.#open;
      case 'workload':
        return party.endpoint.active ? this.#policed(party.endpoint, own) : this.#closed;
    }
  }

  #policed(endpoint: Endpoint, own: number): SelfChains {
    const policies = this.#effectiveAt(endpoint);
    const sendable = endpoint.kind === 'WorkloadEndpoint' ? this.#context.sendable : ALL_CONNECTIONS;
    return {
      ingress: this.#write(policies.ingress, own, ALL_CONNECTIONS),
      egress: this.#write(policies.egress, own, sendable),
    };
  }

  #effectiveAt(endpoint: Endpoint): Readonly<Record<Direction, EffectivePolicy>> {
    const { network, groups } = this.#context;
    const group = groups.groupOf(endpoint);
    const { noPolicyEgress } = network.settingsOf(endpoint.node);
    const key = [group, endpoint.kind, noPolicyEgress, ...endpoint.profiles].join(' ');
    const known = this.#effective.get(key);
    if (known) return known;
    const { tiers, profiles } = network;
    const matches = { policies: this.#policiesOf[group] ?? [], tiers, profiles, noPolicyEgress };
    const found = {
      ingress: effective(endpoint, 'ingress', matches),
      egress: effective(endpoint, 'egress', matches),
    };
    this.#effective.set(key, found);
    return found;
  }

  #write(policy: EffectivePolicy, own: number, asked: ConnectionSet): number {
    const { writer, chains } = this.#context;
    const byPeer = this.#written.get(policy) ?? new Map<number, number>();
    this.#written.set(policy, byPeer);
    const known = byPeer.get(own) ?? chains.add(writer.write(policy, own, asked));
    byPeer.set(own, known);
    return known;
  }
}
