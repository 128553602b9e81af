/**
 * Groups of people in words: the selector that picks exactly them where there is a short one, else their names.
 *
 * The text is one that can be pasted into a manifest: a label that they share and nobody else has, two labels, a few
 * values of one label. Outside is told by networks, with those cut out that are treated differently.
 */
import type { Point } from './classes/points.js';
import type { Region } from './classes/regions.js';
import type { Endpoint } from './network.js';

export interface Group {
  /** `app == 'web'`, `web-1, web-2 and 3 more`, `outside`. */
  readonly text: string;
  /** How many endpoints and hosts; all of outside is one more. */
  readonly count: number;
  /** Whether somebody outside is among them. */
  readonly outside: boolean;
}

/** @param all - every point of the network that the group is of. */
export type GroupDescriber = (members: readonly Point[]) => Group;

export function createDescriber(all: readonly Point[], version: number): GroupDescriber {
  const endpoints = new EndpointIndex(endpointsOf(all, version));
  const hosts = new Set(hostsOf(all, version));
  const regions = new Set(all.flatMap(({ region }) => region ?? []));
  return (members) => {
    const ofWorkloads = endpointsOf(members, version);
    const ofHosts = [...new Set(hostsOf(members, version))];
    const ofRegions = members.flatMap(({ region }) => region ?? []);
    const texts = [
      ...(ofWorkloads.length > 0 ? [describeEndpoints(ofWorkloads, endpoints)] : []),
      ...(ofHosts.length > 0 ? [describeHosts(ofHosts, hosts.size)] : []),
      ...(ofRegions.length > 0 ? [describeRegions(ofRegions, regions)] : []),
    ];
    const outside = ofRegions.length > 0;
    const count = ofWorkloads.length + ofHosts.length + Number(outside);
    return { text: texts.join(' and '), count, outside };
  };
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

/** Finds out what labels say about sets of endpoints. */
class EndpointIndex {
  readonly size: number;
  readonly #byLabel = new Map<string, Endpoint[]>();

  constructor(endpoints: readonly Endpoint[]) {
    this.size = endpoints.length;
    for (const endpoint of endpoints) {
      for (const [key, value] of Object.entries(endpoint.labels)) {
        const label = conditionOf(key, value);
        const having = this.#byLabel.get(label);
        if (having) having.push(endpoint);
        else this.#byLabel.set(label, [endpoint]);
      }
    }
  }

  having(label: string): readonly Endpoint[] {
    return this.#byLabel.get(label) ?? [];
  }
}

function conditionOf(key: string, value: string): string {
  return `${key} == ${quote(value)}`;
}

/** Label values never hold both kinds of quotes. */
function quote(value: string): string {
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}

function describeEndpoints(members: readonly Endpoint[], index: EndpointIndex): string {
  if (members.length === index.size && index.size > 1) return 'all endpoints';
  if (members.length === 1) return namesOf(members);
  const shared = sharedLabels(members);
  return (
    shared.find((label) => index.having(label).length === members.length) ??
    twoLabels(members, shared, index) ??
    valuesOfOneLabel(members, index) ??
    namesOf(members)
  );
}

/** Conditions that all members meet, the shortest first. */
function sharedLabels([first, ...others]: readonly Endpoint[]): readonly string[] {
  if (!first) return [];
  return Object.entries(first.labels)
    .filter(([key, value]) =>
      others.every(({ labels }) => Object.hasOwn(labels, key) && labels[key] === value),
    )
    .map(([key, value]) => conditionOf(key, value))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

const MAX_LABELS_TRIED = 8;

function twoLabels(
  members: readonly Endpoint[],
  shared: readonly string[],
  index: EndpointIndex,
): string | undefined {
  const tried = shared.slice(0, MAX_LABELS_TRIED);
  for (const [position, first] of tried.entries()) {
    const having = new Set(index.having(first));
    for (const second of tried.slice(position + 1)) {
      const both = index.having(second).filter((endpoint) => having.has(endpoint));
      if (both.length === members.length) return `${first} && ${second}`;
    }
  }
  return undefined;
}

const MAX_VALUES = 4;

/** `app in {'api', 'web'}`. */
function valuesOfOneLabel(members: readonly Endpoint[], index: EndpointIndex): string | undefined {
  for (const key of Object.keys(members[0]?.labels ?? {}).sort()) {
    const values = new Set<string | undefined>();
    for (const { labels } of members) values.add(Object.hasOwn(labels, key) ? labels[key] : undefined);
    if (values.size > MAX_VALUES) continue;
    const known = [...values].filter((value) => value !== undefined).sort();
    if (known.length < values.size) continue;
    const having = known.reduce((sum, value) => sum + index.having(conditionOf(key, value)).length, 0);
    if (having === members.length) return `${key} in {${known.map(quote).join(', ')}}`;
  }
  return undefined;
}

const NAMES_SHOWN = 3;

function namesOf(members: readonly { readonly name: string }[]): string {
  return listOf(members.map(({ name }) => name).sort());
}

function listOf(texts: readonly string[]): string {
  const shown = texts.slice(0, NAMES_SHOWN).join(', ');
  return texts.length > NAMES_SHOWN ? `${shown} and ${texts.length - NAMES_SHOWN} more` : shown;
}

function describeHosts(names: readonly string[], all: number): string {
  return names.length === all && all > 1 ? 'all hosts' : `host ${listOf([...names].sort())}`;
}

/** @param all - every region in which somebody outside is. */
function describeRegions(members: readonly Region[], all: ReadonlySet<Region>): string {
  const chosen = new Set<Region | undefined>(members);
  const excepted = new Map<Region, Region[]>();
  for (const inner of all) {
    const around = aroundOf(inner, all);
    if (!chosen.has(inner) && around && chosen.has(around))
      excepted.set(around, [...(excepted.get(around) ?? []), inner]);
  }
  // A region is named unless it is in one that is, and nothing between the two is left out.
  const named = members.filter((region) => !chosen.has(aroundOf(region, all)));
  return listOf(
    named.map((region) => {
      const inside = members.filter((member) => isWithin(member, region));
      const left = inside.flatMap((member) => excepted.get(member) ?? []);
      const text = region.cidr ?? 'outside';
      return left.length === 0 ? text : `${text} except ${listOf(left.map(({ cidr }) => cidr ?? ''))}`;
    }),
  );
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
