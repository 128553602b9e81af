/**
 * What a change of manifests means: who could then talk to whom, and could not before, and the other way round.
 *
 * Both networks are put into classes together, pairs that changed are folded into groups that people can read, and
 * each group comes with a packet that shows it and the rule that decides on it. What concerns addresses outside stands
 * first. Hosts count as others meet them: what a host and its own workloads say to each other is decided by fixed
 * rules, not by policy.
 */
import { IP_FAMILIES, type IpFamily } from '../model/address.js';
import { membersOf } from '../model/bitset.js';
import { changedPairs } from './classes/changed-pairs.js';
import type { ConnectionSet } from './classes/connection-sets.js';
import { connectivityOf } from './classes/connectivity.js';
import type { FamilyConnectivity } from './classes/family-connectivity.js';
import type { Point } from './classes/points.js';
import { TupleInterner } from './classes/tuple-interner.js';
import { describeConnections } from './describe-connections.js';
import { createDescriber, type Group, type GroupDescriber } from './describe-group.js';
import { createJudge, type Judge } from './judge.js';
import type { Network } from './network.js';
import { hostOf } from './parties.js';
import { type Rectangle, RectangleFolder } from './rectangles.js';
import { nameOf, showPacket } from './show-packet.js';
import { type Trace, traceBetween } from './trace.js';

export interface ConnectivityDiff {
  readonly gained: readonly ConnectivityChange[];
  readonly lost: readonly ConnectivityChange[];
}

export interface ConnectivityChange {
  readonly from: Group;
  readonly to: Group;
  /** `tcp/80`, `all protocols`. */
  readonly connections: readonly string[];
  readonly families: readonly IpFamily[];
  /** Of endpoints and hosts; all of outside counts as one. */
  readonly pairs: number;
  /** One packet, as the new network judges it; as the old one did, where an end of it is gone. */
  readonly sample: Trace;
}

const BEFORE = 0;
const AFTER = 1;

export function diffConnectivity(before: Network, after: Network): ConnectivityDiff {
  const connectivity = connectivityOf([before, after]);
  const judges = [createJudge(before), createJudge(after)] as const;
  const ends = new Ends();
  const changes = IP_FAMILIES.map((family) => changesOf(connectivity[family], judges, ends));
  return {
    gained: mergeFamilies(changes.flatMap(({ gained }) => gained)),
    lost: mergeFamilies(changes.flatMap(({ lost }) => lost)),
  };
}

type Judges = readonly [before: Judge, after: Judge];

/** A change in one IP version, with the numbers of its groups, which are equal for equal members. */
interface FamilyChange extends ConnectivityChange {
  readonly key: string;
}

function changesOf(connectivity: FamilyConnectivity, judges: Judges, ends: Ends) {
  const gained = new RectangleFolder(connectivity.classes.length);
  const lost = new RectangleFolder(connectivity.classes.length);
  for (const pair of changedPairs(connectivity)) {
    gained.add(pair.from, pair.to, pair.gained);
    lost.add(pair.from, pair.to, pair.lost);
  }
  const describe = (folder: RectangleFolder, version: number): readonly FamilyChange[] => {
    const context = {
      connectivity,
      judges,
      ends,
      version,
      describe: createDescriber(connectivity.points, version),
    };
    return folder.fold().flatMap((rectangle) => describeRectangle(rectangle, context));
  };
  return { gained: describe(gained, AFTER), lost: describe(lost, BEFORE) };
}

interface Context {
  readonly connectivity: FamilyConnectivity;
  readonly judges: Judges;
  readonly ends: Ends;
  /** The network in which the connections are possible. */
  readonly version: number;
  readonly describe: GroupDescriber;
}

/** Endpoints, and whoever else: these are told apart even where the same is true of both. */
function describeRectangle({ from, to, connections }: Rectangle, context: Context): readonly FamilyChange[] {
  const sources = splitByType(from, context.connectivity);
  const destinations = splitByType(to, context.connectivity);
  return sources.flatMap((source) =>
    destinations.flatMap((destination) => describeChange(source, destination, connections, context) ?? []),
  );
}

function splitByType(
  classes: readonly number[],
  connectivity: FamilyConnectivity,
): readonly (readonly Point[])[] {
  const points = classes.flatMap((one) =>
    (connectivity.classes[one]?.points ?? []).flatMap((point) => connectivity.points[point] ?? []),
  );
  const endpoints = points.filter(({ type }) => type === 'workload');
  // Outside first: of these, the sample shows what matters most.
  const others = ['outside', 'host'].flatMap((type) => points.filter((point) => point.type === type));
  return [endpoints, others].filter(({ length }) => length > 0);
}

function describeChange(
  from: readonly Point[],
  to: readonly Point[],
  connections: ConnectionSet,
  context: Context,
): FamilyChange | undefined {
  const { connectivity, ends, describe, version } = context;
  const sources = ends.of(from);
  const destinations = ends.of(to);
  const pairs =
    sources.size * destinations.size - countSame(sources, destinations) - countLocal(from, to, version);
  const sample = pairs > 0 ? showSample(from, to, connections, context) : undefined;
  if (!sample) return undefined;
  const sender = describe(withoutOnly(from, destinations, context, sources));
  const receiver = describe(withoutOnly(to, sources, context, destinations));
  const texts = describeConnections(connectivity.sets.atomsOf(connections), connectivity.space);
  const groups = `${ends.groupOf(sources)} ${ends.groupOf(destinations)}`;
  return {
    from: sender,
    to: receiver,
    connections: texts,
    families: [connectivity.family],
    pairs,
    sample,
    key: [groups, sender.text, receiver.text, ...texts].join('\n'),
  };
}

/** Nobody is a pair with himself. */
function countSame(sources: ReadonlySet<number>, destinations: ReadonlySet<number>): number {
  let count = 0;
  for (const end of sources) if (destinations.has(end)) count += 1;
  return count;
}

/** Pairs of a host and its own workload, where not policy decides. */
function countLocal(from: readonly Point[], to: readonly Point[], version: number): number {
  const localPairs = (workloads: readonly Point[], hosts: readonly Point[]): number => {
    const names = new Set(hosts.filter(({ type }) => type === 'host').map(({ name }) => name));
    const local = workloads.filter(
      ({ type, parties }) => type === 'workload' && names.has(hostOf(parties[version]) ?? ''),
    );
    return new Set(local.map(({ name }) => name)).size;
  };
  return localPairs(from, to) + localPairs(to, from);
}

/** Where the other side is one end alone, the group is told without it: it talks to the rest. */
function withoutOnly(
  points: readonly Point[],
  others: ReadonlySet<number>,
  { ends }: Context,
  own: ReadonlySet<number>,
): readonly Point[] {
  if (others.size !== 1 || own.size === 1) return points;
  return points.filter((point) => !others.has(ends.endOf(point)));
}

/** The first pair of two different ends, and the first packet of what changed between them. */
function showSample(
  from: readonly Point[],
  to: readonly Point[],
  connections: ConnectionSet,
  { connectivity, judges, ends, version }: Context,
): Trace | undefined {
  const isPair = (source: Point, destination: Point): boolean =>
    ends.endOf(source) !== ends.endOf(destination) && !isLocal(source, destination, version);
  const source = from.find((one) => to.some((other) => isPair(one, other)));
  const destination = source && to.find((one) => isPair(source, one));
  const [atom] = membersOf(connectivity.sets.atomsOf(connections));
  const shown = atom === undefined ? undefined : connectivity.space.atoms[atom];
  if (!source || !destination || !shown) return undefined;
  const isThereAfter = source.parties[AFTER] !== undefined && destination.parties[AFTER] !== undefined;
  const isMadeLocal = isThereAfter && isLocal(source, destination, AFTER);
  const asked = isThereAfter && !isMadeLocal ? AFTER : version;
  const [sender, receiver] = [source.parties[asked], destination.parties[asked]];
  if (!sender || !receiver) return undefined;
  const packet = showPacket(shown, sender, receiver);
  const names = { src: nameOf(sender), dst: nameOf(receiver) };
  return traceBetween(judges[asked === AFTER ? 1 : 0], names, sender, receiver, packet);
}

/** A host and its own workload. */
function isLocal(source: Point, destination: Point, version: number): boolean {
  const [sender, receiver] = [source.parties[version], destination.parties[version]];
  const areBoth = source.type === 'workload' ? destination.type === 'host' : source.type === 'host';
  return areBoth && hostOf(sender) !== undefined && hostOf(sender) === hostOf(receiver);
}

/** Numbers ends, each once for all of its addresses, and groups of them. Outside is one end. */
class Ends {
  readonly #numbers = new Map<string, number>();
  readonly #groups = new TupleInterner();

  endOf({ type, name }: Point): number {
    const key = `${type} ${name}`;
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }

  of(points: readonly Point[]): ReadonlySet<number> {
    return new Set(points.map((point) => this.endOf(point)));
  }

  groupOf(ends: ReadonlySet<number>): number {
    return this.#groups.intern([...ends].sort((a, b) => a - b));
  }
}

/** What changed alike in both IP versions is one change. */
function mergeFamilies(changes: readonly FamilyChange[]): readonly ConnectivityChange[] {
  const merged = new Map<string, ConnectivityChange>();
  for (const { key, ...change } of changes) {
    const known = merged.get(key);
    merged.set(key, known ? { ...known, families: [...known.families, ...change.families] } : change);
  }
  return [...merged.values()].sort(
    (a, b) => Number(isExposure(b)) - Number(isExposure(a)) || b.pairs - a.pairs || compareTexts(a, b),
  );
}

/** Whether somebody outside is concerned. */
export function isExposure({ from, to }: Pick<ConnectivityChange, 'from' | 'to'>): boolean {
  return from.outside || to.outside;
}

function compareTexts(a: ConnectivityChange, b: ConnectivityChange): number {
  const [left, right] = [a, b].map(({ from, to, connections }) =>
    [from.text, to.text, ...connections].join(' '),
  );
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
