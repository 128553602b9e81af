/**
 * Which host would learn which routes, from manifests alone: BGP, played through.
 *
 * A route sets out at its host and goes from link to link by the rules of RFC 4271 and RFC 4456: what came by iBGP goes
 * on by iBGP only where somebody reflects; whoever finds its own AS, its own address as the originator or its own cluster
 * in it refuses it; what came through the mesh is not told to the mesh again; BGPFilters and pools are asked on either
 * side. All paths are followed, as our daemons send all of them (RFC 7911), except those that could lead nowhere new.
 *
 * Not judged: whether the network beneath carries a session or a packet, and daemons that are not ours.
 */
import { type Address, type Cidr, cidrContains, familyOf } from '../../model/address.js';
import { addBit, type Bitset, emptyBitset } from '../../model/bitset.js';
import { advertisementsOf } from '../advertisements.js';
import type { Advertisement, BgpSession } from '../bgp-model.js';
import type { TopologyInput } from '../topology-input.js';
import { blockDestinations, type Destination, poolDestinations } from './destinations.js';
import { type FilteredRoute, filterVerdict } from './filter-verdict.js';
import { type Link, type LinkedNetwork, linkNetwork } from './linked-network.js';

/** A route where it has come to. */
export interface Arrival {
  readonly at: number;
  readonly route: FilteredRoute;
  /** Over which it came; undefined: it is this host's own. */
  readonly link: Link | undefined;
  readonly before: Arrival | undefined;
  readonly clusters: readonly Address[];
  /** Who told the first reflector. */
  readonly originator: number | undefined;
}

export interface Propagation {
  readonly network: LinkedNetwork;
  /** By destination and by place of the host that announces it: the places of those that learn it. */
  readonly learned: ReadonlyMap<Cidr, ReadonlyMap<number, Bitset>>;
  /** How a route of this host comes to everyone that learns it: the first way found, by place. */
  arrivals(origin: number, destination: Destination): ReadonlyMap<number, Arrival>;
  /** What the host at this place announces. */
  destinations(origin: number): readonly Destination[];
}

/** Ways to one speaker that are alike but for the path are followed up to so many. */
const MAX_ALIKE = 4;

export function propagate(input: TopologyInput): Propagation {
  const network = linkNetwork(input);
  const { speakers } = network;
  const context: Context = {
    ...{ network, ...poolsOf(input), input },
    ...{ advertisements: new Map(), inPools: new Map() },
  };
  const ofPools = poolDestinations(input);
  const destinations = (origin: number): readonly Destination[] => {
    const speaker = speakers[origin];
    return speaker?.kind === 'Node' ? [...ofPools, ...blockDestinations(speaker.name, input)] : [];
  };
  const learned = new Map<Cidr, Map<number, Bitset>>();
  for (const origin of speakers.keys()) {
    for (const destination of destinations(origin)) {
      const bits = emptyBitset(speakers.length);
      for (const place of arrivalsOf(context, origin, destination.route).keys()) addBit(bits, place);
      const byOrigin = learned.get(destination.network) ?? new Map<number, Bitset>();
      learned.set(destination.network, byOrigin.set(origin, bits));
    }
  }
  return {
    network,
    learned,
    destinations,
    arrivals: (origin, { route }) => arrivalsOf(context, origin, route),
  };
}

interface Context {
  readonly network: LinkedNetwork;
  readonly input: TopologyInput;
  readonly announced: readonly Cidr[];
  readonly hidden: readonly Cidr[];
  readonly advertisements: Map<number, readonly Advertisement[]>;
  /** Filled as it goes: one network takes millions of ways. */
  readonly inPools: Map<Cidr, boolean>;
}

function poolsOf({ pools }: TopologyInput): Pick<Context, 'announced' | 'hidden'> {
  const specs = [...pools.values()].map(({ spec }) => spec);
  return {
    announced: specs.filter((pool) => !pool.disableBGPExport).map(({ cidr }) => cidr),
    hidden: specs.filter((pool) => pool.disableBGPExport).map(({ cidr }) => cidr),
  };
}

function arrivalsOf(context: Context, origin: number, route: Cidr): Map<number, Arrival> {
  const own: FilteredRoute = { network: route, asPath: [], communities: [], isRemote: false };
  const start: Arrival = {
    ...{ at: origin, route: own, link: undefined, before: undefined, clusters: [] },
    originator: undefined,
  };
  const first = new Map<number, Arrival>();
  const seen = new Map<string, Arrival[]>();
  const queue = [start];
  for (let next = 0; next < queue.length; next += 1) {
    const arrival = queue[next];
    if (!arrival) break;
    for (const link of linksToTell(context, arrival)) {
      const further = travel(context, arrival, link);
      if (!further || further.at === origin || !isNews(seen, further)) continue;
      if (!first.has(further.at)) first.set(further.at, further);
      queue.push(further);
    }
  }
  return first;
}

/** What leads further the same way and has passed through no more than this has makes it no news. */
function isNews(seen: Map<string, Arrival[]>, arrival: Arrival): boolean {
  const { at, link, route, clusters, originator } = arrival;
  const key = [at, link?.receiver.origin === 'Mesh', isInternal(link?.receiver), link?.receiver.reflectsFor];
  const alike = seen.get([...key, originator, ...route.communities].join(' ')) ?? [];
  const isCovered = ({ route: known, clusters: knownClusters }: Arrival) =>
    known.asPath.every((as) => route.asPath.includes(as)) &&
    knownClusters.every((id) => clusters.includes(id));
  if (alike.length >= MAX_ALIKE || alike.some(isCovered)) return false;
  seen.set([...key, originator, ...route.communities].join(' '), [...alike, arrival]);
  return true;
}

function linksToTell({ network }: Context, { at, route, link }: Arrival): readonly Link[] {
  const family = familyOf(route.network);
  const explicit = (network.explicit[at] ?? []).filter(({ sender }) => sender.family === family);
  // No node of the mesh reflects, so what came by iBGP goes on in it by eBGP alone.
  const fromMesh = link?.receiver.origin === 'Mesh';
  if (fromMesh || (isInternal(link?.receiver) && network.isMeshInternal)) return explicit;
  return [...explicit, ...network.meshLinks(at, family)];
}

function isInternal(session: BgpSession | undefined): boolean {
  return session !== undefined && session.localAs === session.peerAs;
}

/** The route at the other end of the link; undefined: it is not told, or not believed. */
function travel(context: Context, arrival: Arrival, link: Link): Arrival | undefined {
  const { sender, receiver, from, to } = link;
  const came = arrival.link?.receiver;
  if (came === sender || (sender.origin === 'Mesh' && came?.origin === 'Mesh')) return undefined;
  const isReflected = isInternal(came) && isInternal(sender);
  if (isReflected && came?.reflectsFor === undefined && sender.reflectsFor === undefined) return undefined;
  const told = exported(context, arrival, link);
  if (!told) return undefined;
  const { clusterId } = context.network.speakers[from] ?? {};
  const clusters =
    isReflected && clusterId !== undefined ? [clusterId, ...arrival.clusters] : arrival.clusters;
  const originator = isReflected ? (arrival.originator ?? arrival.link?.from) : arrival.originator;
  const asPath = isInternal(sender) ? told.asPath : [sender.localAs, ...told.asPath];
  if (isLoop(context, { asPath, clusters, originator }, link)) return undefined;
  const believed = imported(context, { ...told, asPath, isRemote: true }, receiver);
  return believed && { at: to, route: believed, link, before: arrival, clusters, originator };
}

/** RFC 4271 section 9.1.2, RFC 4456 section 8. */
function isLoop(
  { network }: Context,
  { asPath, clusters, originator }: Pick<Arrival, 'clusters' | 'originator'> & Pick<FilteredRoute, 'asPath'>,
  { receiver, to }: Link,
): boolean {
  const { localAs, allowedLocalAs = 0, reflectsFor } = receiver;
  if (asPath.filter((as) => as === localAs).length > allowedLocalAs) return true;
  if (!isInternal(receiver)) return false;
  const { clusterId } = network.speakers[to] ?? {};
  return (
    originator === to ||
    (reflectsFor !== undefined && clusterId !== undefined && clusters.includes(clusterId))
  );
}

function exported(context: Context, { route }: Arrival, { from, sender }: Link): FilteredRoute | undefined {
  const marked = {
    ...route,
    communities: [...route.communities, ...communitiesOf(context, from, route.network)],
  };
  const verdict = throughFilters(context, marked, sender, 'export');
  if (verdict !== 'pools') return verdict;
  return isInPools(context, route.network) ? marked : undefined;
}

function imported(context: Context, route: FilteredRoute, receiver: BgpSession): FilteredRoute | undefined {
  const verdict = throughFilters(context, route, receiver, 'import');
  if (verdict !== 'pools') return verdict;
  return isInPools(context, route.network) ? route : undefined;
}

/** What the filters of the session decide; `pools`: nothing, the pools do. */
function throughFilters(
  { input }: Context,
  route: FilteredRoute,
  session: BgpSession,
  direction: 'import' | 'export',
): FilteredRoute | undefined | 'pools' {
  for (const name of session.filters ?? []) {
    const spec = input.bgpFilters.get(name)?.spec;
    const verdict = filterVerdict(spec, direction, isInternal(session), route);
    if (verdict.decision === 'accept') return verdict.route;
    if (verdict.decision === 'reject') return undefined;
  }
  return 'pools';
}

function isInPools({ announced, hidden, inPools }: Context, network: Cidr): boolean {
  const known = inPools.get(network);
  if (known !== undefined) return known;
  const isIn =
    !hidden.some((pool) => cidrContains(pool, network)) &&
    announced.some((pool) => cidrContains(pool, network));
  inPools.set(network, isIn);
  return isIn;
}

function communitiesOf({ network, advertisements }: Context, place: number, route: Cidr): readonly string[] {
  const settings = network.speakers[place]?.settings;
  const known = advertisements.get(place) ?? (settings ? advertisementsOf(settings) : []);
  advertisements.set(place, known);
  return known.filter(({ cidr }) => cidrContains(cidr, route)).flatMap(({ communities }) => communities);
}
