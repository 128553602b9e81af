/**
 * Points by what the rules at the other end can tell of their addresses.
 *
 * A rule looks at an address: which networks it lies in (its region), and which endpoints and network sets have it
 * (their label groups). Points that agree in both, in each of the compared networks, are one peer. What a rule asks
 * of one end is then a set of peers, worked out with a few operations on bits.
 */
import type { Address } from '../../model/address.js';
import {
  addBit,
  type Bitset,
  emptyBitset,
  fullBitset,
  hasBit,
  intersectWith,
  membersOf,
  subtractFrom,
} from '../../model/bitset.js';
import type { EntityMatch } from '../../model/rule.js';
import { type SelectorText, selectorAst } from '../../model/selector/selector.js';
import type { Network } from '../network.js';
import type { LabelGroups } from './label-groups.js';
import type { Point } from './points.js';
import type { Region, Regions } from './regions.js';

/** What one network knows of an address. */
interface PeerFacts {
  /** Of the endpoints that have the address, in ascending order. */
  readonly groups: readonly number[];
  readonly region: Region;
}

export interface Peers {
  readonly size: number;
  /** The peer of each point, by its position. */
  readonly ofPoint: readonly number[];
  /** The peers of which a rule in one of the networks says this. */
  matching(version: number, match: EntityMatch): Bitset;
}

export function peersOf(
  points: readonly Point[],
  networks: readonly Network[],
  groups: LabelGroups,
  regions: Regions,
): Peers {
  const holders = networks.map((network) => holderGroups(network, groups));
  const facts: (readonly (PeerFacts | undefined)[])[] = [];
  const byKey = new Map<string, number>();
  const ofPoint = points.map(({ parties }) => {
    const own = parties.map(
      (party, version): PeerFacts | undefined =>
        party && {
          groups: holders[version]?.get(party.address) ?? [],
          region: regions.regionOf(party.address),
        },
    );
    const key = own.map((one) => (one ? `${one.region.id}:${one.groups.join('+')}` : '')).join(' ');
    const peer = byKey.get(key) ?? facts.push(own) - 1;
    byKey.set(key, peer);
    return peer;
  });
  const matchers = networks.map(
    (network, version) =>
      new PeerMatcher(
        network,
        groups,
        regions,
        facts.map((own) => own[version]),
      ),
  );
  return {
    size: facts.length,
    ofPoint,
    matching(version, match) {
      const matcher = matchers[version];
      if (!matcher) throw new RangeError(`There is no network ${version}`);
      return matcher.matching(match);
    },
  };
}

function holderGroups({ endpoints }: Network, groups: LabelGroups): ReadonlyMap<Address, readonly number[]> {
  const byAddress = new Map<Address, number[]>();
  for (const endpoint of endpoints) {
    const group = groups.groupOf(endpoint);
    for (const address of endpoint.addresses) {
      const known = byAddress.get(address);
      if (!known) byAddress.set(address, [group]);
      else if (!known.includes(group)) known.push(group);
    }
  }
  for (const list of byAddress.values()) list.sort((a, b) => a - b);
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
    const ofGroup: number[][] = Array.from({ length: groups.size }, () => []);
    const within: number[][] = regions.all.map(() => []);
    for (const [peer, own] of facts.entries()) {
      for (const group of own?.groups ?? []) ofGroup[group]?.push(peer);
      for (let region = own?.region; region; region = region.parent) within[region.id]?.push(peer);
    }
    this.#peersOfGroup = ofGroup;
    this.#peersWithin = within;
  }

  matching(match: EntityMatch): Bitset {
    const key = keyOf(match);
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
    for (const set of this.#network.networkSets) {
      const group = this.#groups.groupOf(set);
      if (hasBit(picked, group)) for (const net of set.nets) this.#addWithin(bits, net);
    }
    this.#selected.set(selector, bits);
    return bits;
  }

  #inTag(tag: string): Bitset {
    const bits = this.#tagged.get(tag) ?? this.#havingGroup(this.#groups.taggedWith(tag));
    this.#tagged.set(tag, bits);
    return bits;
  }

  #havingGroup(picked: Bitset): Bitset {
    const bits = emptyBitset(this.#size);
    for (const group of membersOf(picked))
      for (const peer of this.#peersOfGroup[group] ?? []) addBit(bits, peer);
    return bits;
  }
}

function keyOf({ nets, notNets, selector, notSelector, tag, notTag }: EntityMatch): string {
  return JSON.stringify([nets, notNets, selector, notSelector, tag, notTag]);
}
