/**
 * What each point asks of packets, as chains: nobody polices who is outside, an inactive endpoint is closed, and all
 * others ask what policy says of them. A host asks before anything else whether who encapsulates is one too.
 */
import type { Direction } from '../../model/rule.js';
import type { Endpoint } from '../network.js';
import type { Party } from '../parties.js';
import { type Chain, type Chains, type ChainWriter, CLOSED, OPEN } from './chains.js';
import { ALL_CONNECTIONS, type ConnectionSet, NO_CONNECTIONS } from './connection-sets.js';
import { PairTable } from './pair-table.js';
import type { PolicyIndex } from './policy-index.js';

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
  /** By policy: most ask nothing of the endpoint's own address, and then one chain is for all. */
  readonly #forAll: (SelfChains | undefined)[] = [];
  /** The others, by policy and the endpoint's own peer. */
  readonly #pairs = new PairTable();
  readonly #forOne: (SelfChains | undefined)[] = [];
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

  /**
   * @param version - of the networks that the finder is for, the one that the party is in.
   * @param own - the peer that the party is.
   */
  find(version: number, party: Party | undefined, own: number): SelfChains {
    switch (party?.type) {
      case undefined:
        return this.#closed;
      case 'outside':
        return this.#open;
      case 'host':
        return party.hostEndpoint ? this.#policed(version, party.hostEndpoint, own) : this.#host;
      case 'workload':
        return party.endpoint.active ? this.#policed(version, party.endpoint, own) : this.#closed;
    }
  }

  #policed(version: number, endpoint: Endpoint, own: number): SelfChains {
    const policy = this.#context.policies.numberAt(version, endpoint);
    const forAll = this.#forAll[policy];
    if (forAll) return forAll;
    const pair = this.#pairs.numberOf(policy, own);
    const known = this.#forOne[pair];
    if (known) return known;
    const { chains, isForAll } = this.#write(policy, endpoint, own);
    if (isForAll) this.#forAll[policy] = chains;
    this.#forOne[pair] = chains;
    return chains;
  }

  #write(
    policy: number,
    { kind }: Endpoint,
    own: number,
  ): { readonly chains: SelfChains; readonly isForAll: boolean } {
    const { policies, writer, chains, sendable } = this.#context;
    const { ingress, egress } = policies.get(policy);
    const isWorkload = kind === 'WorkloadEndpoint';
    const arriving = writer.write(ingress, own, ALL_CONNECTIONS);
    const leaving = writer.write(egress, own, isWorkload ? sendable : ALL_CONNECTIONS);
    const received = isWorkload ? arriving.chain : this.#guarded(arriving.chain);
    return {
      chains: { ingress: chains.add(received), egress: chains.add(leaving.chain) },
      isForAll: arriving.isForAll && leaving.isForAll,
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
