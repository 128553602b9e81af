/**
 * What policy says at each endpoint of a network, worked out once for all endpoints that the same policies select and
 * that agree in profiles and in the settings of their host.
 */
import type { Direction } from '../../model/rule.js';
import { type EffectivePolicy, effective } from '../../policy/effective.js';
import type { Policy } from '../../policy/policy.js';
import type { Endpoint, Network } from '../network.js';
import type { LabelGroups } from './label-groups.js';
import { TupleInterner } from './tuple-interner.js';

export type DirectedPolicy = Readonly<Record<Direction, EffectivePolicy>>;

export class PolicyIndex {
  readonly #network: Network;
  readonly #groups: LabelGroups;
  /** The number of the list of policies of each group: many groups have the same. */
  readonly #listOf: readonly number[];
  readonly #lists: (readonly Policy[])[] = [];
  readonly #tuples = new TupleInterner();
  readonly #profileLists = new Map<string, number>();
  readonly #found: DirectedPolicy[] = [];

  constructor(network: Network, groups: LabelGroups) {
    this.#network = network;
    this.#groups = groups;
    const { policies } = network;
    const ofGroup: number[][] = Array.from({ length: groups.size }, () => []);
    for (const [number, policy] of policies.entries())
      for (const group of groups.pickedBy(policy.selector)) ofGroup[group]?.push(number);
    const tuples = new TupleInterner();
    this.#listOf = ofGroup.map((numbers) => {
      const list = tuples.intern(numbers);
      if (list === this.#lists.length) this.#lists.push(numbers.flatMap((number) => policies[number] ?? []));
      return list;
    });
  }

  /** The same value for all endpoints that policy treats alike. */
  at(endpoint: Endpoint): DirectedPolicy {
    const { tiers, profiles, settingsOf } = this.#network;
    const { noPolicyEgress } = settingsOf(endpoint.node);
    const list = this.#listOf[this.#groups.groupOf(endpoint)] ?? 0;
    const isHost = Number(endpoint.kind === 'HostEndpoint');
    const key = [list, isHost, Number(noPolicyEgress === 'Deny'), this.#profileList(endpoint.profiles)];
    const number = this.#tuples.intern(key);
    const known = this.#found[number];
    if (known) return known;
    const matches = { policies: this.#lists[list] ?? [], tiers, profiles, noPolicyEgress };
    const found = {
      ingress: effective(endpoint, 'ingress', matches),
      egress: effective(endpoint, 'egress', matches),
    };
    this.#found[number] = found;
    return found;
  }

  #profileList(profiles: readonly string[]): number {
    if (profiles.length === 0) return 0;
    const text = profiles.join('\n');
    const known = this.#profileLists.get(text) ?? this.#profileLists.size + 1;
    this.#profileLists.set(text, known);
    return known;
  }
}
