/**
 * What each point asks of packets, as chains: nobody polices who is outside, an inactive endpoint is closed, and all
 * others ask what policy says of them. A host asks before anything else whether who encapsulates is one too.
 */
import type { Direction } from '../../model/rule.js';
import type { Endpoint } from '../network.js';
import type { Party } from '../parties.js';
import { type Chain, type Chains, type ChainWriter, CLOSED, OPEN } from './chains.js';
import { ALL_CONNECTIONS, type ConnectionSet, NO_CONNECTIONS } from './connection-sets.js';
import type { DirectedPolicy, PolicyIndex } from './policy-index.js';

/** Numbers of chains. */
export type SelfChains = Readonly<Record<Direction, number>>;

export interface SelfChainContext {
  readonly policies: PolicyIndex;
  readonly writer: ChainWriter;
  readonly chains: Chains;
  /** What a workload may send at all. */
  readonly sendable: ConnectionSet;
  /** What a host takes from hosts only. */
  readonly forHostsOnly: ConnectionSet;
}

export class SelfChainFinder {
  readonly #context: SelfChainContext;
  /** By policy, and then by the endpoint's own peer where that matters. */
  readonly #written = new Map<DirectedPolicy, Map<number, SelfChains>>();
  readonly #open: SelfChains;
  readonly #host: SelfChains;
  readonly #closed: SelfChains;

  constructor(context: SelfChainContext) {
    this.#context = context;
    const both = (chain: number): SelfChains => ({ ingress: chain, egress: chain });
    this.#open = both(context.chains.add(OPEN));
    this.#host = { ...this.#open, ingress: context.chains.add(this.#guarded(OPEN)) };
    this.#closed = both(context.chains.add(CLOSED));
  }

  /** @param own - the peer that the party is. */
  find(party: Party | undefined, own: number): SelfChains {
    switch (party?.type) {
      case undefined:
        return this.#closed;
      case 'outside':
        return this.#open;
      case 'host':
        return party.hostEndpoint ? this.#policed(party.hostEndpoint, own) : this.#host;
      case 'workload':
        return party.endpoint.active ? this.#policed(party.endpoint, own) : this.#closed;
    }
  }

  #policed(endpoint: Endpoint, own: number): SelfChains {
    const { policies, writer } = this.#context;
    const policy = policies.at(endpoint);
    let byPeer = this.#written.get(policy);
    if (!byPeer) {
      byPeer = new Map();
      this.#written.set(policy, byPeer);
    }
    // Most policies ask nothing of the endpoint's own address, and then one chain is for all.
    const known = byPeer.get(ANYBODY) ?? byPeer.get(own);
    if (known) return known;
    const isForAll = !writer.asksOwnAddress(policy.ingress) && !writer.asksOwnAddress(policy.egress);
    const written = this.#write(policy, endpoint, own);
    byPeer.set(isForAll ? ANYBODY : own, written);
    return written;
  }

  #write({ ingress, egress }: DirectedPolicy, { kind }: Endpoint, own: number): SelfChains {
    const { writer, chains, sendable } = this.#context;
    const isWorkload = kind === 'WorkloadEndpoint';
    const received = writer.write(ingress, own, ALL_CONNECTIONS);
    return {
      ingress: chains.add(isWorkload ? received : this.#guarded(received)),
      egress: chains.add(writer.write(egress, own, isWorkload ? sendable : ALL_CONNECTIONS)),
    };
  }

  #guarded(chain: Chain): Chain {
    const { writer, forHostsOnly } = this.#context;
    if (forHostsOnly === NO_CONNECTIONS) return chain;
    const denied = {
      type: 'rule',
      peers: writer.strangers,
      connections: forHostsOnly,
      action: 'Deny',
    } as const;
    return { ...chain, steps: [denied, ...chain.steps] };
  }
}

const ANYBODY = -1;
