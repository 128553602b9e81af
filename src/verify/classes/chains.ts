/**
 * Chains: what an endpoint asks of packets in one direction, flattened to steps over numbers.
 *
 * The order of tiers, policies and profiles comes from policy/effective.ts; here it is only written down, each rule
 * as the peers and the connections that it is about. What a rule asks of the endpoint's own address is settled here,
 * once for all packets. Equal chains get one number, however many endpoints have them, and in both of two compared
 * networks: that is why a small change costs little.
 */
import type { IpFamily } from '../../model/address.js';
import type { BitsetInterner } from '../../model/bitset.js';
import { hasBit } from '../../model/bitset.js';
import type { Action, Direction, EntityMatch, Rule } from '../../model/rule.js';
import type { EffectivePolicy } from '../../policy/effective.js';
import { ruleFamilies } from '../../policy/rule-families.js';
import {
  ALL_CONNECTIONS,
  type ConnectionSet,
  type ConnectionSets,
  NO_CONNECTIONS,
} from './connection-sets.js';
import type { ConnectionSpace } from './connection-space.js';
import type { Peers } from './peers.js';

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
  readonly version: number;
  readonly space: ConnectionSpace;
  readonly sets: ConnectionSets;
  readonly peers: Peers;
  /** Of sets of peers. */
  readonly peerSets: BitsetInterner;
}

/** Writes policies down as chains of one network, for one family. */
export class ChainWriter {
  readonly #context: ChainContext;
  readonly #rules = new Map<Rule, WrittenRule | undefined>();

  constructor(context: ChainContext) {
    this.#context = context;
  }

  /** @param own - the peer that the endpoint itself is. */
  write(policy: EffectivePolicy, own: number, asked: ConnectionSet): Chain {
    const { direction } = policy;
    const steps: Step[] = [];
    for (const { policies, endOfTier } of policy.tiers) {
      for (const { rules } of policies) steps.push(...this.#steps(rules[direction], direction, own));
      steps.push({ type: 'end-of-tier', endOfTier });
    }
    for (const { profile } of policy.profiles) {
      if (!profile) return { asked, steps, default: 'Deny' };
      const rules = this.#steps(profile.rules[direction], direction, own);
      // Behind profiles there is no tier to pass to.
      steps.push(
        ...rules.map((step) => (step.action === 'Pass' ? { ...step, action: 'Allow' as const } : step)),
      );
    }
    return { asked, steps, default: policy.default };
  }

  #steps(rules: readonly Rule[], direction: Direction, own: number): Extract<Step, { type: 'rule' }>[] {
    return rules.flatMap((rule) => {
      if (rule.action === 'Log') return [];
      const written = this.#written(rule, direction);
      if (!written || !hasBit(this.#context.peerSets.get(written.own), own)) return [];
      const { peers, connections } = written;
      return [{ type: 'rule', peers, connections, action: rule.action }];
    });
  }

  #written(rule: Rule, direction: Direction): WrittenRule | undefined {
    if (this.#rules.has(rule)) return this.#rules.get(rule);
    const written = this.#write(rule, direction);
    this.#rules.set(rule, written);
    return written;
  }

  /** undefined: no packet of the family can match. */
  #write(rule: Rule, direction: Direction): WrittenRule | undefined {
    const { family, space, sets } = this.#context;
    if (!ruleFamilies(rule).includes(family)) return undefined;
    const connections = sets.add(space.matchesOf(rule));
    const [own, peer] =
      direction === 'egress' ? [rule.source, rule.destination] : [rule.destination, rule.source];
    return connections === NO_CONNECTIONS
      ? undefined
      : { own: this.#peerSet(own), peers: this.#peerSet(peer), connections };
  }

  #peerSet(match: EntityMatch): number {
    const { peers, peerSets, version } = this.#context;
    return peerSets.intern(peers.matching(version, match));
  }
}

interface WrittenRule {
  /** Numbers of sets of peers. */
  readonly own: number;
  readonly peers: number;
  readonly connections: ConnectionSet;
}

/** Gives equal chains one number. */
export class Chains {
  readonly #chains: Chain[] = [];
  readonly #byKey = new Map<string, number>();

  add(chain: Chain): number {
    const key = keyOf(chain);
    const known = this.#byKey.get(key) ?? this.#chains.push(chain) - 1;
    this.#byKey.set(key, known);
    return known;
  }

  get(number: number): Chain {
    const chain = this.#chains[number];
    if (!chain) throw new RangeError(`There is no chain ${number}`);
    return chain;
  }
}

function keyOf({ asked, steps, default: otherwise }: Chain): string {
  const words = steps.map((step) =>
    step.type === 'rule' ? `${step.action} ${step.peers} ${step.connections}` : step.endOfTier,
  );
  return [asked, otherwise, ...words].join(',');
}
