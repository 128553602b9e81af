/**
 * Groups of people in words: the selector that picks exactly them where there is one (describe-endpoints.ts), else
 * their names; hosts by name; outside by networks, with those cut out that are treated differently.
 *
 * What a group is in one IP version are parts, which are put together once it is known that both versions agree.
 */
import type { Point } from './classes/points.js';
import type { Region } from './classes/regions.js';
import { describeEndpoints, listOf } from './describe-endpoints.js';
import type { EndpointIndex } from './endpoint-index.js';
import type { Endpoint } from './network.js';

export interface Group {
  /** `app == 'web'`, `web-1, web-2 and 3 more`, `outside`. */
  readonly text: string;
  /** How many endpoints and hosts; all of outside is one more. */
  readonly count: number;
  /** Whether somebody outside is among them. */
  readonly outside: boolean;
  /** Picks exactly the endpoints of the group, where a short one does. */
  readonly selector?: string;
  /** Names of endpoints and hosts, the first of them where there are many. */
  readonly members: readonly string[];
  /** Of those outside: `198.51.100.0/24`, `outside except 203.0.113.0/24`. */
  readonly networks?: readonly string[];
}

/** A group in one IP version. */
export interface GroupParts {
  /** Texts of the endpoints and of the hosts. */
  readonly inside: readonly string[];
  readonly selector?: string;
  readonly names: readonly string[];
  readonly networks: readonly NamedNetwork[];
}

interface NamedNetwork {
  /** undefined: all of outside. */
  readonly net: string | undefined;
  readonly except: readonly string[];
}

export type GroupDescriber = (members: readonly Point[]) => GroupParts;

/**
 * @param endpoints - all that the network has in the IP version.
 * @param all - every point of it that may be a member.
 */
export function createDescriber(
  endpoints: EndpointIndex,
  all: readonly Point[],
  version: number,
): GroupDescriber {
  const hosts = new Set(hostsOf(all, version));
  const regions = new Set(all.flatMap(({ region }) => region ?? []));
  return (members) => {
    const ofWorkloads = endpointsOf(members, version);
    const ofHosts = [...new Set(hostsOf(members, version))].sort();
    const ofRegions = members.flatMap(({ region }) => region ?? []);
    const described = ofWorkloads.length > 0 ? describeEndpoints(ofWorkloads, endpoints) : undefined;
    return {
      inside: [
        ...(described ? [described.text] : []),
        ...(ofHosts.length > 0 ? [describeHosts(ofHosts, hosts.size)] : []),
      ],
      ...(described?.selector !== undefined && { selector: described.selector }),
      names: [...ofWorkloads.map(({ name }) => name).sort(), ...ofHosts],
      networks: nameRegions(ofRegions, regions),
    };
  };
}

const MEMBERS_LISTED = 50;

/** @param parts - of the IP versions, which agree in everything but networks. */
export function groupFrom(parts: readonly GroupParts[]): Group {
  const [{ inside, selector, names } = NOBODY] = parts;
  const joined = joinNetworks(parts.flatMap((part) => part.networks));
  const networks = joined.map((one) => textOf(one, inside.length + joined.length > 1));
  const outside = networks.length > 0;
  return {
    text: [...(outside ? [listOf(networks)] : []), ...inside].join(' and '),
    count: names.length + Number(outside),
    outside,
    ...(selector !== undefined && { selector }),
    members: names.slice(0, MEMBERS_LISTED),
    ...(outside && { networks }),
  };
}

const NOBODY: GroupParts = { inside: [], names: [], networks: [] };

/** What is cut out of outside in each IP version is cut out of it. */
function joinNetworks(networks: readonly NamedNetwork[]): readonly NamedNetwork[] {
  const joined = new Map<string | undefined, NamedNetwork>();
  for (const { net, except } of networks)
    joined.set(net, { net, except: [...(joined.get(net)?.except ?? []), ...except] });
  return [...joined.values()];
}

/** @param isOneOfMany - what is cut out must not seem to go on with what follows. */
function textOf({ net, except }: NamedNetwork, isOneOfMany: boolean): string {
  const text = net ?? 'outside';
  if (except.length === 0) return text;
  const cut = `except ${listOf(except)}`;
  return isOneOfMany ? `${text} (${cut})` : `${text} ${cut}`;
}

function endpointsOf(points: readonly Point[], version: number): readonly Endpoint[] {
  const found = new Set<Endpoint>();
  for (const { parties } of points) {
    const party = parties[version];
    if (party?.type === 'workload') found.add(party.endpoint);
  }
  return [...found];
}

function hostsOf(points: readonly Point[], version: number): readonly string[] {
  return points.flatMap(({ parties }) => {
    const party = parties[version];
    return party?.type === 'host' ? [party.name] : [];
  });
}

function describeHosts(names: readonly string[], all: number): string {
  if (names.length === all && all > 1) return 'all other hosts';
  return `${names.length === 1 ? 'host' : 'hosts'} ${listOf(names)}`;
}

/** @param all - every region in which somebody outside is. */
function nameRegions(members: readonly Region[], all: ReadonlySet<Region>): readonly NamedNetwork[] {
  const chosen = new Set<Region | undefined>(members);
  const excepted = new Map<Region, Region[]>();
  for (const inner of all) {
    const around = aroundOf(inner, all);
    if (!chosen.has(inner) && around && chosen.has(around))
      excepted.set(around, [...(excepted.get(around) ?? []), inner]);
  }
  // A region is named unless it is in one that is, and nothing between the two is left out.
  const named = members.filter((region) => !chosen.has(aroundOf(region, all)));
  return named.map((region) => {
    const inside = members.filter((member) => isWithin(member, region));
    const left = inside.flatMap((member) => excepted.get(member) ?? []);
    return { net: region.cidr, except: left.flatMap(({ cidr }) => cidr ?? []) };
  });
}

/** The narrowest region around it in which somebody outside is. */
function aroundOf({ parent }: Region, all: ReadonlySet<Region>): Region | undefined {
  let around = parent;
  while (around && !all.has(around)) around = around.parent;
  return around;
}

function isWithin(inner: Region, outer: Region): boolean {
  for (let region: Region | undefined = inner; region; region = region.parent)
    if (region === outer) return true;
  return false;
}
