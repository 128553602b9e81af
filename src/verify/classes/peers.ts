/**
 * Points by what the rules at the other end can tell of their addresses.
 *
 * A rule looks at an address: which networks it lies in (its region), and which endpoints and network sets have it
 * (their label groups); where hosts encapsulate, a host looks whether it is another host's. Points that agree in all of it,
 * in each of the compared networks, are one peer. What a rule asks of one end is then a set of peers, worked out with a few
 * operations on bits.
 */
import type { Cidr } from '../../model/address.js';
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
import { encapsulateAlike, mayEncapsulate } from '../encapsulated.js';
import type { EndpointIndex } from '../endpoint-index.js';
import type { Endpoint, Network } from '../network.js';
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
  /** By network; one and the same for networks whose rules see the same. */
  readonly matchers: readonly PeerMatcher[];
}

export function peersOf(
  points: readonly Point[],
  networks: readonly Network[],
  groups: LabelGroups,
  regions: Regions,
): Peers {
  const readers: FactReader[] = [];
  for (const network of networks)
    readers.push(readers.find((reader) => reader.isFor(network)) ?? new FactReader(network, groups, regions));
  const tuples = new TupleInterner();
  const samples: number[][] = [];
  const facts: number[] = [];
  const ofPoint = points.map(({ parties }) => {
    for (let version = 0; version < parties.length; version += 1) {
      const isKnown = version > 0 && parties[version] === parties[0] && readers[version] === readers[0];
      facts[version] = (isKnown ? facts[0] : readers[version]?.factsOf(parties[version])) ?? NOBODY;
    }
    const peer = tuples.intern(facts);
    if (peer === samples.length) samples.push([...facts]);
    return peer;
  });
  const matchers: PeerMatcher[] = [];
  for (const [version, network] of networks.entries()) {
    const known = samples.map((own) => readers[version]?.get(own[version] ?? NOBODY));
    matchers.push(
      matchers.find((one, earlier) => readers[earlier] === readers[version] && one.isFor(network)) ??
        new PeerMatcher(network, groups, regions, known),
    );
  }
  return { size: samples.length, ofPoint, matchers };
}

/** Numbers what one network knows of addresses. */
class FactReader {
  readonly #network: Network;
  readonly #index: EndpointIndex;
  readonly #groups: LabelGroups;
  readonly #regions: Regions;
  readonly #tuples = new TupleInterner();
  readonly #facts: PeerFacts[] = [];
  readonly #tuple: number[] = [];
  /** Whether hosts of the network encapsulate in the family. */
  readonly #encapsulate: boolean;

  constructor(network: Network, groups: LabelGroups, regions: Regions) {
    this.#network = network;
    this.#index = network.index;
    this.#groups = groups;
    this.#encapsulate = network.encapsulations[regions.family].length > 0;
    this.#regions = regions;
  }

  isFor(network: Network): boolean {
    return network.endpoints === this.#network.endpoints && encapsulateAlike(network, this.#network);
  }

  factsOf(party: Party | undefined): number {
    if (!party) return NOBODY;
    const region = this.#regions.regionOf(party.address);
    const encapsulates = this.#encapsulate && mayEncapsulate(this.#network, party.address);
    const tuple = this.#tuple;
    tuple.length = 0;
    tuple.push(2 * region.id + Number(encapsulates));
    const holders = this.#index.holdersOf(party.address);
    if (holders[0]) tuple.push(this.#groups.groupOf(holders[0]));
    if (holders.length > 1) this.#addGroups(tuple, holders);
    const number = this.#tuples.intern(tuple);
    if (number === this.#facts.length) this.#facts.push({ groups: tuple.slice(1), region, encapsulates });
    return number;
  }

  get(number: number): PeerFacts | undefined {
    return this.#facts[number];
  }

  #addGroups(tuple: number[], holders: readonly Endpoint[]): void {
    const all = new Set(holders.map((holder) => this.#groups.groupOf(holder)));
    tuple.length = 1;
    for (const group of [...all].sort((a, b) => a - b)) tuple.push(group);
  }
}

const NOBODY = -1;

/** Works out the peers of which a rule says something, and remembers those that many rules ask for. */
export class PeerMatcher {
  readonly #network: Network;
  readonly #groups: LabelGroups;
  readonly #regions: Regions;
  readonly #size: number;
  readonly #peersOfGroup: readonly (readonly number[])[];
  /** By region: the peers in it, narrower regions included. */
  readonly #peersWithin: readonly (readonly number[])[];
  /** Of the network sets of each group, the networks. */
  readonly #netsOfGroup = new Map<number, Cidr[]>();
  readonly #selected = new Map<SelectorText, Bitset>();
  readonly #tagged = new Map<string, Bitset>();
  readonly #matched = new Map<string, Bitset>();
  readonly #everybody: Bitset;
  /** The peers from which hosts take nothing encapsulated. */
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
    const ofGroup: number[][] = Array.from({ length: groups.size }, () => []);
    const within: number[][] = regions.all.map(() => []);
    facts.forEach((own, peer) => {
      if (!own?.encapsulates) addBit(this.strangers, peer);
      for (const group of own?.groups ?? []) ofGroup[group]?.push(peer);
      for (let region = own?.region; region; region = region.parent) within[region.id]?.push(peer);
    });
    this.#peersOfGroup = ofGroup;
    this.#peersWithin = within;
    for (const set of network.networkSets) {
      const group = groups.groupOf(set);
      this.#netsOfGroup.set(group, [...(this.#netsOfGroup.get(group) ?? []), ...set.nets]);
    }
  }

  /** @param network - one with the same endpoints. */
  isFor({ networkSets }: Network): boolean {
    return this.#network.networkSets === networkSets;
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
    if (this.#netsOfGroup.size > 0)
      for (const group of picked)
        for (const net of this.#netsOfGroup.get(group) ?? []) this.#addWithin(bits, net);
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
