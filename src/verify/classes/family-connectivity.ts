/**
 * Who may talk to whom in one IP version, for all at once: exact, and far cheaper than asking for every pair.
 *
 * Whatever rules cannot tell apart is treated as one: packets as atoms, addresses as peers, endpoints with equal
 * rules as classes. What may pass between two classes is what the egress row of the one and the ingress row of the
 * other have in common. Two networks can be held at once, and then share all numbers, so that equal numbers mean
 * equal policy.
 */
import type { Cidr, IpFamily } from '../../model/address.js';
import { addBit, type Bitset, BitsetInterner, emptyBitset } from '../../model/bitset.js';
import type { Rule } from '../../model/rule.js';
import { encapsulatedRules, isEncapsulated } from '../encapsulated.js';
import { NEIGHBOR_DISCOVERY, ROUTER_ADVERTISEMENT } from '../neighbor-discovery.js';
import type { Network } from '../network.js';
import { icmpProtocol } from '../packets.js';
import { hostOf, isSame, type Party } from '../parties.js';
import { Chains, ChainWriter } from './chains.js';
import { ALL_CONNECTIONS, type ConnectionSet, ConnectionSets, NO_CONNECTIONS } from './connection-sets.js';
import { atomsWhere, type ConnectionSpace, connectionSpace } from './connection-space.js';
import type { LabelGroups } from './label-groups.js';
import { type Masquerade, masqueradeIn, NO_MASQUERADE } from './masquerade.js';
import { mergePeers } from './merge-peers.js';
import { type PeerMatcher, peersOf } from './peers.js';
import { type Point, pointsOf } from './points.js';
import type { PolicyIndex } from './policy-index.js';
import { type Row, RowBuilder, rowAt } from './rows.js';
import { SelfChainFinder, type SelfChains } from './self-chains.js';
import { TupleInterner } from './tuple-interner.js';

/** Points that no rule tells apart, at either end of a packet. */
export interface PointClass {
  /** Positions of points; at least one. */
  readonly points: readonly number[];
  /** What the rules of others see. */
  readonly peer: number;
  /** In each network, the numbers of its chains. */
  readonly chains: readonly SelfChains[];
  /** Masquerading tells it from others that rules do not. */
  readonly isMarked: boolean;
}

/** What both IP versions have in common. */
export interface Subject {
  readonly networks: readonly Network[];
  readonly groups: LabelGroups;
  readonly policies: PolicyIndex;
  /** All that can decide on a connection. */
  readonly rules: readonly Rule[];
  /** Networks that are told apart. */
  readonly nets: readonly Cidr[];
}

export class FamilyConnectivity {
  readonly family: IpFamily;
  readonly space: ConnectionSpace;
  readonly sets: ConnectionSets;
  readonly points: readonly Point[];
  readonly classes: readonly PointClass[];
  /** The class of each point. */
  readonly classOf: readonly number[];
  /** How many peers there are: what rules can tell apart at the other end. */
  readonly peers: number;
  readonly #networks: readonly Network[];
  readonly #chains: readonly (readonly SelfChains[])[];
  readonly #allChains = new Chains();
  readonly #masquerade: readonly Masquerade[];
  readonly #discovery: ConnectionSet;
  readonly #peerOf: readonly number[];
  readonly #builder: RowBuilder;
  readonly #rows: Row[] = [];

  constructor(family: IpFamily, { networks, groups, policies, rules, nets }: Subject) {
    this.#networks = networks;
    this.family = family;
    const { points, regions } = pointsOf(networks, family, nets);
    this.points = points;
    const isEmpty = points.every(({ type }) => type === 'outside');
    const outer = networks.flatMap((network) => encapsulatedRules(network, family));
    this.space = connectionSpace(family, isEmpty ? [] : [...rules, ...outer], (packet) =>
      networks.every((network) => isEncapsulated(network, packet)),
    );
    this.sets = new ConnectionSets(this.space.atoms.length);
    const isAllowed = (type: number | undefined): boolean => type !== ROUTER_ADVERTISEMENT;
    const unfixed = family === 6 ? this.#icmpAtoms(isAllowed, true) : ALL_CONNECTIONS;
    this.#discovery =
      family === 6
        ? this.#icmpAtoms((type) => type !== undefined && NEIGHBOR_DISCOVERY.has(type), false)
        : NO_CONNECTIONS;
    const peers = peersOf(points, networks, groups, regions);
    const peerSets = new BitsetInterner();
    const { space, sets } = this;
    const finders = new Map<PeerMatcher, SelfChainFinder>();
    for (const [version, matcher] of peers.matchers.entries()) {
      if (finders.has(matcher)) continue;
      const network = this.#networkOf(version);
      const encapsulated = sets.add(atomsWhere(space.atoms, (packet) => isEncapsulated(network, packet)));
      const writer = new ChainWriter({ family, space, sets, peers: matcher, peerSets });
      const rest = { sendable: sets.difference(unfixed, encapsulated), forHostsOnly: encapsulated };
      finders.set(matcher, new SelfChainFinder({ policies, writer, chains: this.#allChains, ...rest }));
    }
    this.#chains = peers.matchers.map((matcher, version) =>
      points.map(
        ({ parties }, point) =>
          finders.get(matcher)?.find(version, parties[version], peers.ofPoint[point] ?? 0) ?? NO_CHAINS,
      ),
    );
    const merged = mergePeers(peers.size, peerSets.all);
    this.peers = merged.size;
    this.#builder = new RowBuilder(merged.size, this.sets, (set) => merged.merge(peerSets.get(set)));
    this.#peerOf = peers.ofPoint.map((peer) => merged.of[peer] ?? 0);
    this.#masquerade = networks.map((network, version) => masqueradeIn(network, version, points));
    ({ classes: this.classes, classOf: this.classOf } = this.#classify());
  }

  /** What a chain says of every peer. */
  row(chain: number): Row {
    const row = this.#rows[chain] ?? this.#builder.build(this.#allChains.get(chain));
    this.#rows[chain] = row;
    return row;
  }

  /** What may pass from one point to another in one of the networks; within one endpoint or host, everything. */
  between(version: number, from: number, to: number): ConnectionSet {
    const decided = this.decided(version, from, to);
    const [source, destination] = [from, to].map((point) => this.points[point]?.parties[version]);
    if (!source || !destination) return decided;
    if (isSame(source, destination)) return ALL_CONNECTIONS;
    if (isHostAndOwn(source, destination))
      return destination.endpoint.active ? ALL_CONNECTIONS : NO_CONNECTIONS;
    const asksHost = isHostAndOwn(destination, source) && source.endpoint.active;
    return asksHost ? this.sets.union(decided, this.#discovery) : decided;
  }

  /** The same without what passes within one endpoint or host, or between a host and its workload, unasked. */
  decided(version: number, from: number, to: number): ConnectionSet {
    const [source, destination] = [from, to].map((point) => this.points[point]?.parties[version]);
    if (!source || !destination || isSame(source, destination)) return NO_CONNECTIONS;
    if (isHostAndOwn(source, destination)) return NO_CONNECTIONS;
    return isHostAndOwn(destination, source)
      ? this.#toOwnHost(version, from, to)
      : this.betweenRemote(version, from, to);
  }

  /** The same for two points that share no endpoint, and are not a host and its own workload. */
  betweenRemote(version: number, from: number, to: number): ConnectionSet {
    const seen = this.#masquerade[version]?.senderSeen(from, to) ?? from;
    const egress = rowAt(this.#rowOf(version, from, 'egress'), this.#peerOf[to] ?? 0);
    const ingress = rowAt(this.#rowOf(version, to, 'ingress'), this.#peerOf[seen] ?? 0);
    return this.sets.common(egress, ingress);
  }

  #toOwnHost(version: number, from: number, to: number): ConnectionSet {
    const party = this.points[from]?.parties[version];
    const { defaultEndpointToHostAction } = this.#networkOf(version).settingsOf(hostOf(party) ?? '');
    if (defaultEndpointToHostAction === 'Drop') return NO_CONNECTIONS;
    return rowAt(this.#rowOf(version, from, 'egress'), this.#peerOf[to] ?? 0);
  }

  #rowOf(version: number, point: number, direction: keyof SelfChains): Row {
    return this.row(this.#chains[version]?.[point]?.[direction] ?? 0);
  }

  #networkOf(version: number): Network {
    const network = this.#networks[version];
    if (!network) throw new RangeError(`There is no network ${version}`);
    return network;
  }

  #icmpAtoms(accepts: (type: number | undefined) => boolean, others: boolean): ConnectionSet {
    const { atoms, family } = this.space;
    const bits: Bitset = emptyBitset(atoms.length);
    for (const [index, { protocol, icmpType }] of atoms.entries())
      if (protocol === icmpProtocol(family) ? accepts(icmpType) : others) addBit(bits, index);
    return this.sets.add(bits);
  }

  #classify(): { readonly classes: readonly PointClass[]; readonly classOf: readonly number[] } {
    const classes: (PointClass & { readonly points: number[] })[] = [];
    const tuples = new TupleInterner();
    const tuple: number[] = [];
    const marks = this.#masquerade
      .filter((masquerade) => masquerade !== NO_MASQUERADE)
      .map((masquerade) => new MarkNumbers(masquerade));
    const classOf = this.points.map((_, point) => {
      const peer = this.#peerOf[point] ?? 0;
      tuple.length = 0;
      tuple.push(peer);
      for (let version = 0; version < this.#chains.length; version += 1) {
        const { ingress, egress } = this.#chains[version]?.[point] ?? NO_CHAINS;
        tuple.push(ingress, egress);
      }
      if (marks.length > 0) for (const mark of marks) tuple.push(mark.of(point));
      const known = tuples.intern(tuple);
      if (known === classes.length) {
        const chains = this.#chains.map((ofPoint) => ofPoint[point] ?? NO_CHAINS);
        classes.push({ points: [], peer, chains, isMarked: marks.some((mark) => mark.of(point) > 0) });
      }
      classes[known]?.points.push(point);
      return known;
    });
    return { classes, classOf };
  }
}

type Workload = Extract<Party, { type: 'workload' }>;

function isHostAndOwn(host: Party, workload: Party): workload is Workload {
  return host.type === 'host' && workload.type === 'workload' && workload.endpoint.node === host.name;
}

const NO_CHAINS: SelfChains = { ingress: 0, egress: 0 };

/** Marks as numbers; 0: none. */
class MarkNumbers {
  readonly #masquerade: Masquerade;
  readonly #numbers = new Map<string, number>([['', 0]]);

  constructor(masquerade: Masquerade) {
    this.#masquerade = masquerade;
  }

  of(point: number): number {
    const mark = this.#masquerade.markOf(point);
    const number = this.#numbers.get(mark) ?? this.#numbers.size;
    this.#numbers.set(mark, number);
    return number;
  }
}
