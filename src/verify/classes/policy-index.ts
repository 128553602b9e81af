/**
 * What policy says at each endpoint, worked out once for all endpoints that the same policies select and that agree in
 * profiles and in the settings of their host: once for both of two compared networks, where these have the same
 * policies, tiers and profiles for them.
 */
import type { Direction } from '../../model/rule.js';
import { type EffectivePolicy, effective } from '../../policy/effective.js';
import type { Policy } from '../../policy/policy.js';
import type { Endpoint, Network } from '../network.js';
import type { LabelGroups } from './label-groups.js';
import { TupleInterner } from './tuple-interner.js';

export type DirectedPolicy = Readonly<Record<Direction, EffectivePolicy>>;

export class PolicyIndex {
  readonly #networks: readonly Network[];
  readonly #groups: LabelGroups;
  /** Of each network, the number of the list of policies of each group: many groups have the same. */
  readonly #listsOf: readonly (readonly number[])[];
  readonly #lists: (readonly Policy[])[] = [];
  /** Of each network, the first that has the same tiers and profiles. */
  readonly #frames: readonly number[];
  readonly #tuples = new TupleInterner();
  readonly #profileLists = new Map<string, number>();
  readonly #found: DirectedPolicy[] = [];

  constructor(networks: readonly Network[], groups: LabelGroups) {
    this.#networks = networks;
    this.#groups = groups;
    const numbers = new Map<Policy, number>();
    const tuples = new TupleInterner();
    this.#listsOf = networks.map(({ policies }) => {
      const ofGroup: number[][] = Array.from({ length: groups.size }, () => []);
      for (const policy of policies) {
        const number = numbers.get(policy) ?? numbers.size;
        numbers.set(policy, number);
        for (const group of groups.pickedBy(policy.selector)) ofGroup[group]?.push(number);
      }
      const all = [...numbers.keys()];
      return ofGroup.map((own) => {
        const list = tuples.intern(own);
        if (list === this.#lists.length) this.#lists.push(own.flatMap((number) => all[number] ?? []));
        return list;
      });
    });
    this.#frames = networks.map(({ tiers, profiles }) =>
      networks.findIndex((one) => one.tiers === tiers && one.profiles === profiles),
    );
  }

  /** The number of what policy says at an endpoint of one of the networks. */
  numberAt(version: number, endpoint: Endpoint): number {
    const network = this.#networks[version];
    if (!network) throw new RangeError(`There is no network ${version}`);
    const { noPolicyEgress } = network.settingsOf(endpoint.node);
    const list = this.#listsOf[version]?.[this.#groups.groupOf(endpoint)] ?? 0;
    const isHost = Number(endpoint.kind === 'HostEndpoint');
    const isClosed = Number(noPolicyEgress === 'Deny');
    const frame = (this.#frames[version] ?? version) * 4 + isHost * 2 + isClosed;
    const number = this.#tuples.intern([list, frame, this.#profileList(endpoint.profiles)]);
    if (number < this.#found.length) return number;
    const { tiers, profiles: all } = network;
    const matches = { policies: this.#lists[list] ?? [], tiers, profiles: all, noPolicyEgress };
    this.#found.push({
      ingress: effective(endpoint, 'ingress', matches),
      egress: effective(endpoint, 'egress', matches),
    });
    return number;
  }

  /** The same value for all endpoints that policy treats alike. */
  get(number: number): DirectedPolicy {
    const found = this.#found[number];
    if (!found) throw new RangeError(`Nothing has the number ${number}`);
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
