/**
 * What a change of manifests means for BGP: which sessions come and go, and which hosts learn more routes, or fewer; and
 * for the way between hosts.
 *
 * Compared is what both sides know: a host or a pool that the change itself adds or removes is no news. Routes are told in
 * groups, because one session more or less is a route more or less for many hosts at once.
 */
import { type Cidr, compareCidrs, familyOf, IP_FAMILIES, type IpFamily } from '../../model/address.js';
import {
  addBit,
  type Bitset,
  countBits,
  deleteBit,
  emptyBitset,
  hasBit,
  isEmptyBitset,
  membersOf,
} from '../../model/bitset.js';
import type { TopologyInput } from '../topology-input.js';
import type { LinkedNetwork } from './linked-network.js';
import { newOutsideSessions, type OutsideSession } from './outside-sessions.js';
import { type OverlayChange, overlayChanges } from './overlay-change.js';
import { type Propagation, propagate } from './propagate.js';

export interface SessionPair {
  readonly hosts: readonly [string, string];
  readonly family: IpFamily;
}

/** Each of `to` learns, or no longer learns, what each of `from` announces of the network. */
export interface RouteGroup {
  readonly network: Cidr;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

export interface Amount<T> {
  /** Sessions; or routes, a host's of a network counting as one for each host that learns it. */
  readonly count: number;
  /** The first of them. */
  readonly shown: readonly T[];
}

export interface BgpImpact {
  readonly sessions: { readonly gained: Amount<SessionPair>; readonly lost: Amount<SessionPair> };
  /** With routers that are none of ours. */
  readonly outside: { readonly gained: Amount<OutsideSession>; readonly lost: Amount<OutsideSession> };
  readonly routes: {
    readonly gained: Amount<RouteGroup>;
    readonly lost: Amount<RouteGroup>;
    /** Of those that are lost: between hosts of which one at least has no session with a router outside, that may know. */
    readonly cutOff: Amount<RouteGroup>;
  };
  /** Sessions that the new manifests ask for and that cannot come up, a line each. */
  readonly broken: readonly string[];
  /** Pools whose packets will travel otherwise between hosts. */
  readonly overlays: readonly OverlayChange[];
}

const MAX_SHOWN = 50;

export function bgpImpact(before: TopologyInput, after: TopologyInput): BgpImpact {
  const [old, fresh] = [propagate(before), propagate(after)];
  const names = [
    ...new Set([old, fresh].flatMap(({ network }) => network.speakers.map(({ name }) => name))),
  ].sort();
  const [oldUp, freshUp] = [sessionsUp(old.network, names), sessionsUp(fresh.network, names)];
  return {
    sessions: { gained: newPairs(oldUp, freshUp, names), lost: newPairs(freshUp, oldUp, names) },
    outside: {
      gained: newOutsideSessions(old.network, fresh.network),
      lost: newOutsideSessions(fresh.network, old.network),
    },
    routes: {
      gained: newRoutes(old, fresh),
      lost: newRoutes(fresh, old),
      cutOff: newRoutes(fresh, old, meetOutside(fresh.network)),
    },
    broken: fresh.network.broken.map(
      ({ node, session, why }) => `${node} - ${session.peerName} (${session.peerAddress}): ${why}`,
    ),
    overlays: overlayChanges(before, after),
  };
}

/** By family and place in `names`: with whom there is a session. */
type SessionTable = ReadonlyMap<IpFamily, readonly Bitset[]>;

function sessionsUp(network: LinkedNetwork, names: readonly string[]): SessionTable {
  const places = new Map(names.map((name, place) => [name, place]));
  const placeOf = (speaker: number) => places.get(network.speakers[speaker]?.name ?? '') ?? 0;
  return new Map(
    IP_FAMILIES.map((family) => {
      const rows = names.map(() => emptyBitset(names.length));
      for (const from of network.speakers.keys()) {
        const explicit = (network.explicit[from] ?? []).filter(({ sender }) => sender.family === family);
        for (const { to } of [...explicit, ...network.meshLinks(from, family)]) {
          const row = rows[placeOf(from)];
          if (row) addBit(row, placeOf(to));
        }
      }
      return [family, rows];
    }),
  );
}

function newPairs(before: SessionTable, after: SessionTable, names: readonly string[]): Amount<SessionPair> {
  const shown: SessionPair[] = [];
  let count = 0;
  for (const family of IP_FAMILIES) {
    for (const [place, row] of (after.get(family) ?? []).entries()) {
      for (const other of membersOf(row)) {
        const old = before.get(family)?.[place];
        if (other < place || (old && hasBit(old, other))) continue;
        count += 1;
        if (shown.length < MAX_SHOWN) shown.push({ hosts: [names[place] ?? '', names[other] ?? ''], family });
      }
    }
  }
  return { count, shown };
}

/** Whether both hosts have sessions with routers outside, which may pass routes of the family from one to the other. */
function meetOutside({
  speakers,
  outside,
}: LinkedNetwork): (hosts: readonly string[], family: IpFamily) => boolean {
  const haveOne = new Map(
    IP_FAMILIES.map((family) => [
      family,
      new Set(
        speakers
          .filter((_, place) => outside[place]?.some((session) => session.family === family))
          .map(({ name }) => name),
      ),
    ]),
  );
  return (hosts, family) => hosts.every((host) => haveOne.get(family)?.has(host));
}

/** What `after` lets hosts learn and `before` does not, of what both know, but for pairs of hosts that are left out. */
function newRoutes(
  before: Propagation,
  after: Propagation,
  isLeftOut: (hosts: readonly string[], family: IpFamily) => boolean = () => false,
): Amount<RouteGroup> {
  const groups: RouteGroup[] = [];
  let count = 0;
  const oldPlaces = new Map(
    before.network.speakers.map(({ name, kind }, place) => [`${kind} ${name}`, place]),
  );
  const toOld = after.network.speakers.map(({ name, kind }) => oldPlaces.get(`${kind} ${name}`));
  const nameOf = (place: number) => after.network.speakers[place]?.name ?? '';
  const networks = [...after.learned.keys()]
    .filter((network) => before.learned.has(network))
    .sort(compareCidrs);
  for (const network of networks) {
    const byReceivers = new Map<string, { readonly from: number[]; readonly to: Bitset }>();
    for (const [origin, learners] of after.learned.get(network) ?? []) {
      const oldOrigin = toOld[origin];
      if (oldOrigin === undefined) continue;
      const old = before.learned.get(network)?.get(oldOrigin);
      const to = news(learners, old, toOld, after.network);
      for (const place of membersOf(to))
        if (isLeftOut([nameOf(origin), nameOf(place)], familyOf(network))) deleteBit(to, place);
      if (isEmptyBitset(to)) continue;
      count += countBits(to);
      const group = byReceivers.get(to.join()) ?? { from: [], to };
      group.from.push(origin);
      byReceivers.set(to.join(), group);
    }
    for (const { from, to } of byReceivers.values())
      groups.push({ network, from: from.map(nameOf), to: membersOf(to).map(nameOf) });
  }
  return { count, shown: groups.slice(0, MAX_SHOWN) };
}

/** Nodes among the learners that were there before and did not learn it then. Reflectors carry no packets. */
function news(
  learners: Bitset,
  old: Bitset | undefined,
  toOld: readonly (number | undefined)[],
  { speakers }: LinkedNetwork,
): Bitset {
  const bits = emptyBitset(speakers.length);
  for (const place of membersOf(learners)) {
    const oldPlace = toOld[place];
    if (oldPlace === undefined || speakers[place]?.kind !== 'Node') continue;
    if (!old || !hasBit(old, oldPlace)) addBit(bits, place);
  }
  return bits;
}
