/**
 * The network as questions of connectivity see it: who is there, under which names, labels and addresses, and what
 * policy says at each endpoint.
 *
 * It is made from resources, wherever they come from: manifests, or objects decoded from the store. What stands on
 * an agent's table stands here too (settings of each host, inherited labels, policies by `effective`), so that both
 * give one verdict. Policies are matched with an endpoint when it is first asked about.
 */

import { type Address, addressPart, type Cidr } from '../model/address.js';
import { type EncapsulationsInUse, encapsulationsOf } from '../model/encapsulation.js';
import { addressesOfNode } from '../model/node-addresses.js';
import { DEFAULT_POLICY_SETTINGS, type PolicySettings } from '../model/policy-settings.js';
import {
  type Kind,
  type Origin,
  type Resource,
  type ResourceOf,
  resourcesOf,
  type SpecOf,
} from '../model/resource.js';
import type { Direction } from '../model/rule.js';
import { type Labels, matchesSelector } from '../model/selector/evaluate.js';
import { type EffectivePolicy, effective } from '../policy/effective.js';
import { endpointLabels, endpointTags } from '../policy/endpoint-labels.js';
import { type Policy, type Profile, policyFrom, profileFrom, type Tier, tierFrom } from '../policy/policy.js';
import { EndpointIndex } from './endpoint-index.js';

/** What policy is enforced at. */
export interface Endpoint {
  readonly kind: 'WorkloadEndpoint' | 'HostEndpoint';
  readonly name: string;
  readonly node: string;
  /** Names, in the order in which they are asked. */
  readonly profiles: readonly string[];
  /** Own and inherited. */
  readonly labels: Labels;
  readonly tags: ReadonlySet<string>;
  readonly addresses: readonly Address[];
  /** False: every packet to it and from it is dropped. */
  readonly active: boolean;
  /** Of a host endpoint: the interface, or * for all. */
  readonly interfaceName?: string;
  readonly origin: Origin;
}

/** A machine by which others route; its own traffic is policed only by host endpoints. */
export interface Host {
  readonly kind: 'Node' | 'RouteReflector';
  readonly name: string;
  readonly addresses: readonly Address[];
}

export interface NetworkSet {
  readonly name: string;
  readonly labels: Labels;
  readonly nets: readonly Cidr[];
}

export interface Pool {
  readonly cidr: Cidr;
  readonly natOutgoing: boolean;
}

export interface Network {
  /** What it was made of. */
  readonly resources: ReadonlyMap<Kind, readonly Resource[]>;
  readonly endpoints: readonly Endpoint[];
  readonly hosts: readonly Host[];
  readonly networkSets: readonly NetworkSet[];
  readonly pools: readonly Pool[];
  /** How hosts carry packets of pools to each other. */
  readonly encapsulations: EncapsulationsInUse;
  /** From which addresses they take such packets: those that Nodes have outside of tunnels. */
  readonly encapsulators: ReadonlySet<Address>;
  readonly tiers: ReadonlyMap<string, Tier>;
  readonly policies: readonly Policy[];
  readonly profiles: ReadonlyMap<string, Profile>;
  /** What was made of which resource: another network that has it, too, takes it over. */
  readonly policyOf: ReadonlyMap<Resource, Policy>;
  readonly workloadOf: ReadonlyMap<Resource, Endpoint>;
  settingsOf(node: string): PolicySettings;
  /** Its endpoints, by labels and addresses. */
  readonly index: EndpointIndex;
  policyAt(endpoint: Endpoint, direction: Direction): EffectivePolicy;
}

/** @param like - a network that has most of the resources too. */
export function networkFrom(resources: Iterable<Resource>, like?: Network): Network {
  const byKind = groupByKind(resources);
  const all: All = (kind) => resourcesOf(byKind.get(kind) ?? [], kind);
  const isSame = (kind: Kind): boolean => like !== undefined && haveSame(byKind, like.resources, kind);
  const reuse: Reuse = (kinds, before, make) => (like && kinds.every(isSame) ? before(like) : make());
  const profiles = reuse(
    ['Profile'],
    (before) => before.profiles,
    () => new Map(all('Profile').map((one) => [one.metadata.name, profileFrom(one)])),
  );
  const { endpoints, index, workloadOf } = reuse(
    ['Profile', 'WorkloadEndpoint', 'HostEndpoint'],
    (before) => before,
    () => {
      const known = like?.profiles === profiles ? like.workloadOf : undefined;
      return endpointsFrom(all('WorkloadEndpoint'), all('HostEndpoint'), profiles, known);
    },
  );
  const policyOf = new Map(
    all('GlobalNetworkPolicy').map((one) => [one as Resource, like?.policyOf.get(one) ?? policyFrom(one)]),
  );
  return complete({
    resources: byKind,
    endpoints,
    index,
    workloadOf,
    policyOf,
    profiles,
    ...surroundings(all, reuse),
    tiers: reuse(
      ['Tier'],
      (before) => before.tiers,
      () => new Map(all('Tier').map((one) => [one.metadata.name, tierFrom(one)])),
    ),
    policies: [...policyOf.values()],
    settingsOf: reuse(
      ['AgentConfiguration'],
      (before) => before.settingsOf,
      () => settingsLookup(all('AgentConfiguration')),
    ),
  });
}

type All = <K extends Kind>(kind: K) => readonly ResourceOf<K>[];
/** What was made of these kinds before, where nothing of them has changed. */
type Reuse = <T>(kinds: readonly Kind[], before: (network: Network) => T, make: () => T) => T;

/** Who is there beside endpoints, and how packets travel. */
function surroundings(
  all: All,
  reuse: Reuse,
): Pick<Network, 'hosts' | 'networkSets' | 'pools' | 'encapsulations' | 'encapsulators'> {
  return {
    hosts: reuse(
      ['Node', 'RouteReflector'],
      (before) => before.hosts,
      () => [...all('Node').map(nodeFrom), ...all('RouteReflector').map(reflectorFrom)],
    ),
    networkSets: reuse(
      ['GlobalNetworkSet'],
      (before) => before.networkSets,
      () => all('GlobalNetworkSet').map(networkSetFrom),
    ),
    pools: reuse(
      ['IPPool'],
      (before) => before.pools,
      () => all('IPPool').map(({ spec }) => ({ cidr: spec.cidr, natOutgoing: spec.natOutgoing })),
    ),
    encapsulations: reuse(
      ['IPPool'],
      (before) => before.encapsulations,
      () => encapsulationsOf(all('IPPool').map(({ spec }) => spec)),
    ),
    encapsulators: reuse(
      ['Node'],
      (before) => before.encapsulators,
      () => new Set(all('Node').flatMap(outerAddresses)),
    ),
  };
}

/** A network with fewer endpoints, and no policies but those that matter to them. */
export function partOf(
  network: Network,
  endpoints: readonly Endpoint[],
  policies: readonly Policy[],
  profiles: Network['profiles'],
): Network {
  return complete({ ...network, endpoints, policies, profiles, index: new EndpointIndex(endpoints) });
}

function complete(parts: Omit<Network, 'policyAt'>): Network {
  return { ...parts, policyAt: policyLookup(parts) };
}

function groupByKind(resources: Iterable<Resource>): ReadonlyMap<Kind, readonly Resource[]> {
  const byKind = new Map<Kind, Resource[]>();
  for (const resource of resources) {
    const own = byKind.get(resource.kind);
    if (own) own.push(resource);
    else byKind.set(resource.kind, [resource]);
  }
  return byKind;
}

function haveSame(one: Network['resources'], other: Network['resources'], kind: Kind): boolean {
  const [own, others] = [one.get(kind) ?? [], other.get(kind) ?? []];
  return own.length === others.length && own.every((resource, index) => resource === others[index]);
}

function endpointsFrom(
  workloads: readonly ResourceOf<'WorkloadEndpoint'>[],
  hosts: readonly ResourceOf<'HostEndpoint'>[],
  profiles: Profiles,
  known: Network['workloadOf'] | undefined,
): Pick<Network, 'endpoints' | 'index' | 'workloadOf'> {
  const workloadOf = new Map(
    workloads.map((one) => [one as Resource, known?.get(one) ?? workloadFrom(one, profiles)]),
  );
  // Where two of them guard one address the first by name does, wherever they stand.
  const guards = hosts
    .map((one) => hostEndpointFrom(one, profiles))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const endpoints = [...workloadOf.values(), ...guards];
  return { endpoints, workloadOf, index: new EndpointIndex(endpoints) };
}

/** The endpoint as `effective` and `evaluate` know it, matched once for each direction. */
function policyLookup(network: Omit<Network, 'policyAt'>): Network['policyAt'] {
  const known = new Map<Endpoint, Readonly<Record<Direction, EffectivePolicy>>>();
  return (endpoint, direction) => {
    const found = known.get(endpoint) ?? matchPolicies(network, endpoint);
    known.set(endpoint, found);
    return found[direction];
  };
}

function matchPolicies(
  { policies, tiers, profiles, settingsOf }: Omit<Network, 'policyAt'>,
  endpoint: Endpoint,
): Readonly<Record<Direction, EffectivePolicy>> {
  const matches = {
    policies: policies.filter(({ selector }) => matchesSelector(selector, endpoint.labels)),
    tiers,
    profiles,
    noPolicyEgress: settingsOf(endpoint.node).noPolicyEgress,
  };
  return {
    ingress: effective(endpoint, 'ingress', matches),
    egress: effective(endpoint, 'egress', matches),
  };
}

type Profiles = ReadonlyMap<string, Profile>;

function workloadFrom(
  { metadata, spec, origin }: ResourceOf<'WorkloadEndpoint'>,
  profiles: Profiles,
): Endpoint {
  const { profiles: names } = spec;
  const { labels, tags } = identity(metadata.labels, names, profiles);
  return {
    kind: 'WorkloadEndpoint',
    name: metadata.name,
    node: spec.node,
    profiles: names,
    labels,
    tags,
    addresses: withoutRepeats(spec.ipNetworks.map(addressPart)),
    active: spec.state === 'active',
    origin,
  };
}

function hostEndpointFrom(
  { metadata, spec, origin }: ResourceOf<'HostEndpoint'>,
  profiles: Profiles,
): Endpoint {
  const { profiles: names = [] } = spec;
  return {
    kind: 'HostEndpoint',
    name: metadata.name,
    node: spec.node,
    profiles: names,
    ...identity(metadata.labels, names, profiles),
    addresses: withoutRepeats(spec.expectedIPs ?? []),
    active: true,
    ...(spec.interfaceName !== undefined && { interfaceName: spec.interfaceName }),
    origin,
  };
}

function withoutRepeats(addresses: readonly Address[]): readonly Address[] {
  return addresses.length < 2 ? addresses : [...new Set(addresses)];
}

const NO_TAGS: ReadonlySet<string> = new Set();

function identity(
  own: Labels,
  names: readonly string[],
  profiles: Profiles,
): Pick<Endpoint, 'labels' | 'tags'> {
  if (names.length === 0) return { labels: own, tags: NO_TAGS };
  const existing = names.flatMap((name) => profiles.get(name) ?? []);
  return { labels: endpointLabels(own, existing), tags: endpointTags(existing) };
}

function nodeFrom(node: ResourceOf<'Node'>): Host {
  const { metadata, spec } = node;
  const tunnels = [spec.bgp?.ipv4IPIPTunnelAddr, spec.ipv4VXLANTunnelAddr, spec.ipv6VXLANTunnelAddr].filter(
    (one) => one !== undefined,
  );
  return { kind: 'Node', name: metadata.name, addresses: [...outerAddresses(node), ...tunnels] };
}

function outerAddresses(node: ResourceOf<'Node'>): readonly Address[] {
  return addressesOfNode(node).map(addressPart);
}

function reflectorFrom({ metadata, spec }: ResourceOf<'RouteReflector'>): Host {
  const { ipv4Address, ipv6Address } = spec;
  return {
    kind: 'RouteReflector',
    name: metadata.name,
    addresses: ipv6Address === undefined ? [ipv4Address] : [ipv4Address, ipv6Address],
  };
}

function networkSetFrom({ metadata, spec }: ResourceOf<'GlobalNetworkSet'>): NetworkSet {
  return { name: metadata.name, labels: metadata.labels, nets: spec.nets ?? [] };
}

/** AgentConfiguration `node.<name>` over `default` over what an agent does unasked, field by field. */
function settingsLookup(
  configurations: readonly ResourceOf<'AgentConfiguration'>[],
): (node: string) => PolicySettings {
  const specs = new Map(configurations.map(({ metadata, spec }) => [metadata.name, spec]));
  const known = new Map<string, PolicySettings>();
  return (node) => {
    const found = known.get(node);
    if (found) return found;
    const merged: SpecOf<'AgentConfiguration'> = { ...specs.get('default'), ...specs.get(`node.${node}`) };
    const unasked = DEFAULT_POLICY_SETTINGS;
    const {
      noPolicyEgress = unasked.noPolicyEgress,
      defaultEndpointToHostAction = unasked.defaultEndpointToHostAction,
    } = merged;
    const settings = { noPolicyEgress, defaultEndpointToHostAction };
    known.set(node, settings);
    return settings;
  };
}
