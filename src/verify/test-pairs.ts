/**
 * The pairs that a ConnectivityTest is about: how many there are, and one whose connections break it.
 *
 * Ends count once, however many addresses they have, and all of outside counts as one. An endpoint and itself are no
 * pair, and neither are two ends outside, of which we decide nothing.
 */
import type { FamilyConnectivity } from './classes/family-connectivity.js';
import type { Point } from './classes/points.js';
import { isSame, type Party } from './parties.js';

/** Whom a test means in one IP version, as positions of points. */
export interface SidePoints {
  readonly points: readonly Point[];
  readonly from: readonly number[];
  readonly to: readonly number[];
}

export interface PairCounts {
  readonly from: number;
  readonly to: number;
  readonly pairs: number;
}

/** Counts ends and pairs over all IP versions, each once. */
export function countPairs(sides: readonly SidePoints[]): PairCounts {
  const ends = sides.map(({ points, from, to }) => ({
    from: new Set(from.map((point) => endOf(points[point]))),
    to: new Set(to.map((point) => endOf(points[point]))),
  }));
  const [first, second] = ends;
  const sum = ends.reduce((total, { from, to }) => total + from.size * to.size, 0);
  const twice =
    first && second ? intersect(first.from, second.from).size * intersect(first.to, second.to).size : 0;
  const same = unite(ends.map(({ from, to }) => intersect(from, to)));
  return {
    from: unite(ends.map(({ from }) => from)).size,
    to: unite(ends.map(({ to }) => to)).size,
    pairs: sum - twice - same.size,
  };
}

/** What makes two points one end; outside all are. */
function endOf(point: Point | undefined): unknown {
  const party = point?.parties[0];
  switch (party?.type) {
    case 'workload':
      return party.endpoint;
    case 'host':
      return `host ${party.name}`;
    default:
      return 'outside';
  }
}

function intersect<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): ReadonlySet<T> {
  return new Set([...a].filter((one) => b.has(one)));
}

function unite<T>(sets: readonly ReadonlySet<T>[]): ReadonlySet<T> {
  return new Set(sets.flatMap((set) => [...set]));
}

export interface BrokenPair {
  readonly from: Party;
  readonly to: Party;
  /** Position of the atom that meets the wrong verdict. */
  readonly atom: number;
}

/**
 * The first pair of which `isBroken` finds an atom in what may pass.
 *
 * @param isBroken - by the number of a set of connections; it is asked again and again for the same ones.
 */
export function findBrokenPair(
  connectivity: FamilyConnectivity,
  { from, to }: SidePoints,
  isBroken: (connections: number) => number | undefined,
): BrokenPair | undefined {
  const destinations = groupByClass(connectivity, to);
  for (const sources of groupByClass(connectivity, from)) {
    for (const group of destinations) {
      const found = findIn(connectivity, sources, group, isBroken);
      if (found) return found;
    }
  }
  return undefined;
}

interface ClassMembers {
  readonly first: number;
  readonly members: readonly number[];
  /** What hosts and their own workloads say to each other depends on more than their classes. */
  readonly hosts: boolean;
}

function groupByClass({ classOf, points }: FamilyConnectivity, side: readonly number[]): ClassMembers[] {
  const groups = new Map<number, number[]>();
  for (const point of side) {
    const group = groups.get(classOf[point] ?? 0);
    if (group) group.push(point);
    else groups.set(classOf[point] ?? 0, [point]);
  }
  return [...groups.values()].map((members) => ({
    first: members[0] ?? 0,
    members,
    hosts: members.some((point) => points[point]?.type === 'host'),
  }));
}

function findIn(
  connectivity: FamilyConnectivity,
  sources: ClassMembers,
  destinations: ClassMembers,
  isBroken: (connections: number) => number | undefined,
): BrokenPair | undefined {
  const isLocal = sources.hosts || destinations.hosts;
  const general = isLocal
    ? undefined
    : isBroken(connectivity.betweenRemote(0, sources.first, destinations.first));
  if (!isLocal && general === undefined) return undefined;
  for (const source of sources.members) {
    for (const destination of destinations.members) {
      const from = connectivity.points[source]?.parties[0];
      const to = connectivity.points[destination]?.parties[0];
      if (!from || !to || isSame(from, to) || (from.type === 'outside' && to.type === 'outside')) continue;
      const atom = general ?? isBroken(connectivity.between(0, source, destination));
      if (atom !== undefined) return { from, to, atom };
    }
  }
  return undefined;
}
