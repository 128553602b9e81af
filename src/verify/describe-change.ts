/**
 * A change of connectivity in one IP version, told: who, what, how many pairs, and a packet that shows it.
 *
 * Endpoints, policed hosts, and whoever nobody polices (outside, and most hosts) are told apart even where the same is
 * true of all of them. Of what passes between two whom nobody polices we decide nothing, and nothing is told.
 */
import { membersOf } from '../model/bitset.js';
import type { ConnectionSet } from './classes/connection-sets.js';
import type { FamilyConnectivity } from './classes/family-connectivity.js';
import type { OwnHostChange } from './classes/own-host-changes.js';
import type { Point } from './classes/points.js';
import { describeConnections } from './describe-connections.js';
import type { GroupDescriber, GroupParts } from './describe-group.js';
import { type Ends, isOwnHost, ownHosts } from './ends.js';
import type { Judge } from './judge.js';
import type { Rectangle } from './rectangles.js';
import { nameOf, showPacket, USUAL_PORTS } from './show-packet.js';
import { type Trace, traceBetween } from './trace.js';

/** What is said of a change in one IP version. */
export interface FamilyChange {
  readonly from: GroupParts;
  readonly to: GroupParts;
  readonly connections: readonly string[];
  readonly pairs: number;
  readonly sample: Trace;
  /** Equal for changes that are one in both IP versions. */
  readonly key: string;
}

export interface ChangeContext {
  readonly connectivity: FamilyConnectivity;
  readonly judges: readonly [before: Judge, after: Judge];
  readonly ends: Ends;
  /** The network in which the connections are possible. */
  readonly version: 0 | 1;
  readonly describe: GroupDescriber;
}

export function describeRectangle(
  { from, to, connections }: Rectangle,
  context: ChangeContext,
): readonly FamilyChange[] {
  const sources = splitByType(from, context);
  const destinations = splitByType(to, context);
  return sources.flatMap((source) =>
    destinations.flatMap((destination) =>
      source.isPoliced || destination.isPoliced
        ? (describeChange(source.points, destination.points, connections, context) ?? [])
        : [],
    ),
  );
}

interface Side {
  readonly points: readonly Point[];
  readonly isPoliced: boolean;
}

function splitByType(classes: readonly number[], { connectivity }: ChangeContext): readonly Side[] {
  const points = classes.flatMap((one) =>
    (connectivity.classes[one]?.points ?? []).flatMap((point) => connectivity.points[point] ?? []),
  );
  const ofType = (type: Point['type']) => points.filter((point) => point.type === type);
  const hosts = ofType('host');
  return [
    { points: ofType('workload'), isPoliced: true },
    { points: hosts.filter(isPolicedHost), isPoliced: true },
    // Outside first: of these, the sample shows what matters most.
    { points: [...ofType('outside'), ...hosts.filter((host) => !isPolicedHost(host))], isPoliced: false },
  ].filter((side) => side.points.length > 0);
}

function isPolicedHost({ parties }: Point): boolean {
  return parties.some((party) => party?.type === 'host' && party.hostEndpoint !== undefined);
}

function describeChange(
  senders: readonly Point[],
  receivers: readonly Point[],
  connections: ConnectionSet,
  context: ChangeContext,
): FamilyChange | undefined {
  const { ends, describe } = context;
  const from = senders.filter(isNoOwnHostOfAll(receivers));
  const to = receivers.filter(isNoOwnHostOfAll(senders));
  const pairs = ends.countPairs(from, to);
  const sample = pairs > 0 ? showSample(findPair(from, to, ends), connections, context) : undefined;
  if (!sample) return undefined;
  const [sources, destinations] = [ends.of(from), ends.of(to)];
  const sender = describe(withoutOnly(from, destinations, ends));
  const receiver = describe(withoutOnly(to, sources, ends));
  return {
    ...told(sender, receiver, connections, context, {
      senders: sendersOf(from),
      groups: `${ends.groupOf(sources)} ${ends.groupOf(destinations)}`,
    }),
    pairs,
    sample,
  };
}

/** A host all of whose partners are on it has no part in what passes between hosts. */
function isNoOwnHostOfAll(others: readonly Point[]): (point: Point) => boolean {
  const [first] = others;
  const common = new Set(first ? ownHosts(first) : []);
  for (const name of common) if (!others.every((one) => ownHosts(one).includes(name))) common.delete(name);
  return ({ type, name }) => type !== 'host' || !common.has(name);
}

function told(
  from: GroupParts,
  to: GroupParts,
  set: ConnectionSet,
  { connectivity: { sets, space } }: ChangeContext,
  { senders, groups }: { readonly senders: Senders; readonly groups: string },
): Omit<FamilyChange, 'pairs' | 'sample'> {
  const connections = describeConnections(sets.atomsOf(set), space, senders);
  // Ping is one thing to people, whichever protocol carries it.
  const common = connections.map((text) => text.replace('icmpv6', 'icmp'));
  const key = [groups, reachOf(from), ...from.inside, '>', reachOf(to), ...to.inside, ...common].join('\n');
  return { from, to, connections, key };
}

type Senders = Parameters<typeof describeConnections>[2];

function sendersOf(points: readonly Point[]): Senders {
  return points.every(({ type }) => type === 'workload') ? 'workloads' : 'anybody';
}

/** All of outside and a network in it are never one, or the text would say too much of one IP version. */
function reachOf({ networks }: GroupParts): string {
  return networks.some(({ net }) => net === undefined) ? 'outside' : '';
}

/** Where the other side is one end alone, the group is told without it: it talks to the rest. */
function withoutOnly(points: readonly Point[], others: ReadonlySet<number>, ends: Ends): readonly Point[] {
  if (others.size !== 1) return points;
  const rest = points.filter((point) => !others.has(ends.endOf(point)));
  return rest.length === 0 ? points : rest;
}

type Pair = readonly [source: Point, destination: Point];

/** The first two different ends. */
function findPair(from: readonly Point[], to: readonly Point[], ends: Ends): Pair | undefined {
  const isPair = (source: Point, destination: Point): boolean =>
    ends.endOf(source) !== ends.endOf(destination) && !isOwnHost(source, destination);
  for (const source of from) {
    const destination = to.find((one) => isPair(source, one));
    if (destination) return [source, destination];
  }
  return undefined;
}

/** The first packet of what changed between two: as the new network judges it, while both are there. */
function showSample(
  pair: Pair | undefined,
  connections: ConnectionSet,
  { connectivity, judges, version }: ChangeContext,
): Trace | undefined {
  if (!pair) return undefined;
  const asked = pair.every(({ parties }) => parties[1] !== undefined) ? 1 : version;
  const [sender, receiver] = pair.map(({ parties }) => parties[asked]);
  const atoms = membersOf(connectivity.sets.atomsOf(connections)).flatMap(
    (atom) => connectivity.space.atoms[atom] ?? [],
  );
  const usual = atoms.find(
    ({ destinationPorts: ports }) =>
      ports && USUAL_PORTS.some((port) => ports.first <= port && port <= ports.last),
  );
  const shown = usual ?? atoms[0];
  if (!sender || !receiver || !shown) return undefined;
  const names = { src: nameOf(sender), dst: nameOf(receiver) };
  return traceBetween(judges[asked], names, {
    from: sender,
    to: receiver,
    packet: showPacket(shown, sender, receiver),
  });
}

/** Changes between workloads and their own hosts, those that are alike in one. */
export function describeOwnHosts(
  changes: Iterable<OwnHostChange>,
  kind: 'gained' | 'lost',
  context: ChangeContext,
): readonly FamilyChange[] {
  const alike = new Map<string, OwnHostChange[]>();
  for (const change of changes) {
    const key = `${change.direction} ${change[kind]}`;
    const known = alike.get(key);
    if (known) known.push(change);
    else alike.set(key, [change]);
  }
  return [...alike.values()].flatMap((group) => describeOwnHostGroup(group, kind, context) ?? []);
}

function describeOwnHostGroup(
  changes: readonly OwnHostChange[],
  kind: 'gained' | 'lost',
  context: ChangeContext,
): FamilyChange | undefined {
  const [first] = changes;
  if (!first) return undefined;
  const { connectivity, ends, describe } = context;
  const pointOf = (position: number): Point[] => connectivity.points.slice(position, position + 1);
  const workloads = changes.flatMap(({ workload }) => pointOf(workload));
  const hosts = [...new Set(changes.flatMap(({ host }) => pointOf(host)))];
  const isToHost = first.direction === 'to-host';
  const [pair] = changes.map(({ workload, host }): Pair | undefined => {
    const [one, other] = [...pointOf(workload), ...pointOf(host)];
    return one && other && (isToHost ? [one, other] : [other, one]);
  });
  const sample = showSample(pair, first[kind], context);
  if (!sample) return undefined;
  const whose = ends.of(workloads).size === 1 ? 'its own host' : 'their own hosts';
  const own: GroupParts = { ...describe(hosts), inside: [whose] };
  const group = describe(workloads);
  const [from, to] = isToHost ? [group, own] : [own, group];
  const words = told(from, to, first[kind], context, {
    senders: isToHost ? 'workloads' : 'anybody',
    groups: `own ${ends.groupOf(ends.of(workloads))}`,
  });
  const pairs = new Set(
    changes.map(({ workload, host }) =>
      [...pointOf(workload), ...pointOf(host)].map((point) => ends.endOf(point)).join(' '),
    ),
  );
  return { ...words, pairs: pairs.size, sample };
}
