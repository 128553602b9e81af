/**
 * Chains: what an endpoint asks of packets in one direction, flattened to steps over numbers.
 *
 * The order of tiers, policies and profiles comes from policy/effective.ts; here it is only written down, each rule
 * as the peers and the connections that it is about. What a rule asks of the endpoint's own address is settled here,
 * once for all packets. Equal chains get one number, however many endpoints have them, and in both of two compared
 * networks: that is why a small change costs little.
 */
import type { IpFamily } from '../../model/address.js';
import { type Bitset, type BitsetInterner, hasBit } from '../../model/bitset.js';
import type { Action, Direction, Rule } from '../../model/rule.js';
import type { EffectivePolicy } from '../../policy/effective.js';
import { isInFamily } from '../../policy/rule-families.js';
import {
  ALL_CONNECTIONS,
  type ConnectionSet,
  type ConnectionSets,
  NO_CONNECTIONS,
} from './connection-sets.js';
import type { ConnectionSpace } from './connection-space.js';
import { asksAddress, type PeerMatcher } from './peers.js';
import { TupleInterner } from './tuple-interner.js';

export type Step =
  | {
      readonly type: 'rule';
      /** Number of a set of peers. */
      readonly peers: number;
      readonly connections: ConnectionSet;
      readonly action: Exclude<Action, 'Log'>;
    }
  | { readonly type: 'end-of-tier'; readonly endOfTier: 'Deny' | 'Pass' };

export interface Chain {
  /** What is asked about at all; the rest is denied. */
  readonly asked: ConnectionSet;
  readonly steps: readonly Step[];
  /** Of what no step decided. */
  readonly default: 'Allow' | 'Deny';
}

/** Nobody polices: everything passes. */
export const OPEN: Chain = { asked: ALL_CONNECTIONS, steps: [], default: 'Allow' };
/** Nothing passes, or nobody is there. */
export const CLOSED: Chain = { asked: NO_CONNECTIONS, steps: [], default: 'Deny' };

export interface ChainContext {
  readonly family: IpFamily;
  readonly space: ConnectionSpace;
  readonly sets: ConnectionSets;
  /** Of the networks that chains are written for. */
  readonly peers: PeerMatcher;
  /** Of sets of peers. */
  readonly peerSets: BitsetInterner;
}

export interface WrittenChain {
  readonly chain: Chain;
  /** False: an endpoint with another address may have another chain of the same policy. */
  readonly isForAll: boolean;
}

/** Writes policies down as chains, for one family: of one network, or of two whose rules see the same peers. */
export class ChainWriter {
  readonly #context: ChainContext;
  readonly #rules = new Map<Rule, WrittenRule | undefined>();
  readonly #numbers = new Map<Bitset, number>();

  constructor(context: ChainContext) {
    this.#context = context;
  }

  /** Number of the set of peers from which hosts take nothing encapsulated. */
  get strangers(): number {
    return this.#numberOf(this.#context.peers.strangers);
  }

  /** @param own - the peer that the endpoint itself is. */
  write(policy: EffectivePolicy, own: number, asked: ConnectionSet): WrittenChain {
    const { direction } = policy;
    const steps: Step[] = [];
    let isForAll = true;
    for (const { policies, endOfTier } of policy.tiers) {
      for (const { rules } of policies)
        for (const rule of rules[direction])
          if (this.#addStep(steps, rule, direction, own, rule.action)) isForAll = false;
      steps.push({ type: 'end-of-tier', endOfTier });
    }
    for (const { profile } of policy.profiles) {
      if (!profile) return { chain: { asked, steps, default: 'Deny' }, isForAll };
      for (const rule of profile.rules[direction]) {
        // Behind profiles there is no tier to pass to.
        const last = rule.action === 'Pass' ? 'Allow' : rule.action;
        if (this.#addStep(steps, rule, direction, own, last)) isForAll = false;
      }
    }
    return { chain: { asked, steps, default: policy.default }, isForAll };
  }

  /** @returns whether the rule asks for the endpoint's own address. */
  #addStep(steps: Step[], rule: Rule, direction: Direction, own: number, action: Action): boolean {
    if (action === 'Log') return false;
    const written = this.#written(rule, direction);
    if (!written) return false;
    const { peers, connections, own: asked } = written;
    if (!asked || hasBit(asked, own)) steps.push({ type: 'rule', peers, connections, action });
    return asked !== undefined;
  }

  /** undefined: no packet of the family can match. */
  #written(rule: Rule, direction: Direction): WrittenRule | undefined {
    const known = this.#rules.get(rule);
    if (known || this.#rules.has(rule)) return known;
    const written = this.#write(rule, direction);
    this.#rules.set(rule, written);
    return written;
  }

  #write(rule: Rule, direction: Direction): WrittenRule | undefined {
    const { family, space, sets, peers } = this.#context;
    if (!isInFamily(rule, family)) return undefined;
    const connections = sets.add(space.matchesOf(rule));
    if (connections === NO_CONNECTIONS) return undefined;
    const [own, peer] =
      direction === 'egress' ? [rule.source, rule.destination] : [rule.destination, rule.source];
    return {
      own: asksAddress(own) ? peers.matching(own) : undefined,
      peers: this.#numberOf(peers.matching(peer)),
      connections,
    };
  }

  #numberOf(peers: Bitset): number {
    const number = this.#numbers.get(peers) ?? this.#context.peerSets.intern(peers);
    this.#numbers.set(peers, number);
    return number;
  }
}

interface WrittenRule {
  /** The peers that the endpoint itself must be one of; undefined: any. */
  readonly own: Bitset | undefined;
  /** Number of a set of peers. */
  readonly peers: number;
  readonly connections: ConnectionSet;
}

/** Gives equal chains one number. */
export class Chains {
  readonly #chains: Chain[] = [];
  readonly #tuples = new TupleInterner();

  add(chain: Chain): number {
    const number = this.#tuples.intern(tupleOf(chain));
    if (number === this.#chains.length) this.#chains.push(chain);
    return number;
  }

  get(number: number): Chain {
    const chain = this.#chains[number];
    if (!chain) throw new RangeError(`There is no chain ${number}`);
    return chain;
  }
}

const WORDS = ['Allow', 'Deny', 'Pass'] as const;

function tupleOf({ asked, steps, default: otherwise }: Chain): number[] {
  const tuple = [asked, WORDS.indexOf(otherwise)];
  for (const step of steps) {
    if (step.type === 'rule') tuple.push(WORDS.indexOf(step.action), step.peers, step.connections);
    else tuple.push(WORDS.length + WORDS.indexOf(step.endOfTier));
  }
  return tuple;
}
