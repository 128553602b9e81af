/**
 * Points by what the rules at the other end can tell of their addresses.
 *
 * A rule looks at an address: which networks it lies in (its region), and which endpoints and network sets have it
 * (their label groups). Where hosts encapsulate they also look whether it is a host's. Points that agree in all, in each of the compared networks, are one peer. What a rule asks
 * of one end is then a set of peers, worked out with a few operations on bits.
 */
import type { Address } from '../../model/address.js';
import {
  addBit,
  type Bitset,
  emptyBitset,
  fullBitset,
  intersectWith,
  subtractFrom,
} from '../../model/bitset.js';
import type { EntityMatch } from '../../model/rule.js';
import { type SelectorText, selectorAst } from '../../model/selector/selector.js';
import { mayEncapsulate } from '../encapsulated.js';
import type { Network } from '../network.js';
import type { Party } from '../parties.js';
import type { LabelGroups } from './label-groups.js';
import type { Point } from './points.js';
import type { Region, Regions } from './regions.js';
import { TupleInterner } from './tuple-interner.js';

/** What one network knows of an address. */
interface PeerFacts {
  /** Of the endpoints that have the address, in ascending order. */
  readonly groups: readonly number[];
  readonly region: Region;
  /** Hosts of the network encapsulate, and would take what this one does. */
  readonly encapsulates: boolean;
}

export interface Peers {
  readonly size: number;
  /** The peer of each point, by its position. */
  readonly ofPoint: readonly number[];
  /** The peers of which a rule in one of the networks says this. */
  matching(version: number, match: EntityMatch): Bitset;
  /** The peers from which hosts of one of the networks take nothing encapsulated. */
  strangers(version: number): Bitset;
}

export function peersOf(
  points: readonly Point[],
  networks: readonly Network[],
  groups: LabelGroups,
  regions: Regions,
): Peers {
  const readers = networks.map((network) => new FactReader(network, groups, regions));
  const tuples = new TupleInterner();
  const samples: number[][] = [];
  const facts: number[] = [];
  const ofPoint = points.map(({ parties }) => {
    for (const [version, reader] of readers.entries()) facts[version] = reader.factsOf(parties[version]);
    const peer = tuples.intern(facts);
    if (peer === samples.length) samples.push([...facts]);
    return peer;
  });
  const matchers = networks.map((network, version) => {
    const known = samples.map((own) => readers[version]?.get(own[version] ?? NOBODY));
    return new PeerMatcher(network, groups, regions, known);
  });
  const matcherOf = (version: number): PeerMatcher => {
    const matcher = matchers[version];
    if (!matcher) throw new RangeError(`There is no network ${version}`);
    return matcher;
  };
  return {
    size: samples.length,
    ofPoint,
    matching: (version, match) => matcherOf(version).matching(match),
    strangers: (version) => matcherOf(version).strangers,
  };
}

/** Numbers what one network knows of addresses. */
class FactReader {
  readonly #network: Network;
  readonly #regions: Regions;
  readonly #holders: ReadonlyMap<Address, readonly number[]>;
  readonly #tuples = new TupleInterner();
  readonly #facts: PeerFacts[] = [];
  readonly #tuple: number[] = [];

  constructor(network: Network, groups: LabelGroups, regions: Regions) {
    this.#network = network;
    this.#regions = regions;
    this.#holders = holderGroups(network, groups);
  }

  factsOf(party: Party | undefined): number {
    if (!party) return NOBODY;
    const groups = this.#holders.get(party.address) ?? NO_GROUPS;
    const region = this.#regions.regionOf(party.address);
    const isInUse = this.#network.encapsulations[this.#regions.family].length > 0;
    const encapsulates = isInUse && mayEncapsulate(this.#network, party.address);
    this.#tuple.length = 0;
    this.#tuple.push(Number(encapsulates), region.id);
    for (const group of groups) this.#tuple.push(group);
    const number = this.#tuples.intern(this.#tuple);
    if (number === this.#facts.length) this.#facts.push({ groups, region, encapsulates });
    return number;
  }

  get(number: number): PeerFacts | undefined {
    return this.#facts[number];
  }
}

const NOBODY = -1;
const NO_GROUPS: readonly number[] = [];

function holderGroups({ endpoints }: Network, groups: LabelGroups): ReadonlyMap<Address, readonly number[]> {
  const byAddress = new Map<Address, readonly number[]>();
  const alone = Array.from({ length: groups.size }, (_, group): readonly number[] => [group]);
  for (const endpoint of endpoints) {
    const group = groups.groupOf(endpoint);
    for (const address of endpoint.addresses) {
      const known = byAddress.get(address);
      if (!known) byAddress.set(address, alone[group] ?? NO_GROUPS);
      else if (!known.includes(group))
        byAddress.set(
          address,
          [...known, group].sort((a, b) => a - b),
        );
    }
  }
  return byAddress;
}

/** Works out sets of peers in one network, and remembers those that many rules ask for. */
class PeerMatcher {
  readonly #network: Network;
  readonly #groups: LabelGroups;
  readonly #regions: Regions;
  readonly #size: number;
  readonly #peersOfGroup: readonly (readonly number[])[];
  /** By region: the peers in it, narrower regions included. */
  readonly #peersWithin: readonly (readonly number[])[];
  readonly #selected = new Map<SelectorText, Bitset>();
  readonly #tagged = new Map<string, Bitset>();
  readonly #matched = new Map<string, Bitset>();
  readonly #everybody: Bitset;
  readonly strangers: Bitset;

  constructor(
    network: Network,
    groups: LabelGroups,
    regions: Regions,
    facts: readonly (PeerFacts | undefined)[],
  ) {
    this.#network = network;
    this.#groups = groups;
    this.#regions = regions;
    this.#size = facts.length;
    this.#everybody = fullBitset(facts.length);
    this.strangers = emptyBitset(facts.length);
    for (const [peer, own] of facts.entries()) if (!own?.encapsulates) addBit(this.strangers, peer);
    const ofGroup: number[][] = Array.from({ length: groups.size }, () => []);
    const within: number[][] = regions.all.map(() => []);
    for (const [peer, own] of facts.entries()) {
      for (const group of own?.groups ?? []) ofGroup[group]?.push(peer);
      for (let region = own?.region; region; region = region.parent) within[region.id]?.push(peer);
    }
    this.#peersOfGroup = ofGroup;
    this.#peersWithin = within;
  }

  /** The set is shared, and must not change. */
  matching(match: EntityMatch): Bitset {
    const { nets, notNets, selector, notSelector, tag, notTag } = match;
    if (!asksAddress(match)) return this.#everybody;
    // By far most rules ask for a selector and no more.
    const others = nets.length + notNets.length > 0 || notSelector !== undefined;
    if (selector !== undefined && !others && tag === undefined && notTag === undefined)
      return this.#inSelector(selector);
    const key = JSON.stringify([nets, notNets, selector, notSelector, tag, notTag]);
    const known = this.#matched.get(key) ?? this.#match(match);
    this.#matched.set(key, known);
    return known;
  }

  #match({ nets, notNets, selector, notSelector, tag, notTag }: EntityMatch): Bitset {
    const bits = nets.length > 0 ? emptyBitset(this.#size) : fullBitset(this.#size);
    for (const net of nets) this.#addWithin(bits, net);
    if (notNets.length > 0) {
      const excluded = emptyBitset(this.#size);
      for (const net of notNets) this.#addWithin(excluded, net);
      subtractFrom(bits, excluded);
    }
    if (selector !== undefined) intersectWith(bits, this.#inSelector(selector));
    if (notSelector !== undefined) subtractFrom(bits, this.#inSelector(notSelector));
    if (tag !== undefined) intersectWith(bits, this.#inTag(tag));
    if (notTag !== undefined) subtractFrom(bits, this.#inTag(notTag));
    return bits;
  }

  /** Networks of the other family are no regions, and hold none of the peers. */
  #addWithin(bits: Bitset, net: EntityMatch['nets'][number]): void {
    const region = this.#regions.regionFor(net);
    for (const peer of (region && this.#peersWithin[region.id]) ?? []) addBit(bits, peer);
  }

  #inSelector(selector: SelectorText): Bitset {
    const known = this.#selected.get(selector);
    if (known) return known;
    const picked = this.#groups.pickedBy(selectorAst(selector));
    const bits = this.#havingGroup(picked);
    for (const set of this.#network.networkSets)
      if (picked.includes(this.#groups.groupOf(set))) for (const net of set.nets) this.#addWithin(bits, net);
    this.#selected.set(selector, bits);
    return bits;
  }

  #inTag(tag: string): Bitset {
    const bits = this.#tagged.get(tag) ?? this.#havingGroup(this.#groups.taggedWith(tag));
    this.#tagged.set(tag, bits);
    return bits;
  }

  #havingGroup(groups: readonly number[]): Bitset {
    const bits = emptyBitset(this.#size);
    for (const group of groups) for (const peer of this.#peersOfGroup[group] ?? []) addBit(bits, peer);
    return bits;
  }
}

/** Whether a rule asks anything of the address at this end. */
export function asksAddress({ nets, notNets, selector, notSelector, tag, notTag }: EntityMatch): boolean {
  const asksWho = selector !== undefined || notSelector !== undefined || tag !== undefined;
  return asksWho || notTag !== undefined || nets.length + notNets.length > 0;
}
