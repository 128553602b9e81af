/**
 * What the dataplane of a host should know of a state of the store, worked out from nothing, object by object.
 */
import { createHash } from 'node:crypto';
import type { AgentConfigurationSpec, AgentSettings } from '../../src/agent/calc/agent-settings.js';
import type {
  CompiledRule,
  EndpointPolicy,
  EntityCondition,
  IpSetId,
  LocalEndpoint,
  RuleSet,
} from '../../src/agent/calc/updates.js';
import type { StoredId } from '../../src/layout/layout.js';
import { addressPart, type Cidr, compareAddresses, compareCidrs, familyOf } from '../../src/model/address.js';
import type { IpamBlock } from '../../src/model/ipam-block.js';
import { type Resource, type ResourceOf, resourcesOf } from '../../src/model/resource.js';
import { type Direction, type EntityMatch, type Rule, ruleFromSpec } from '../../src/model/rule.js';
import { canonicalSelector } from '../../src/model/selector/ast.js';
import { selectorAst } from '../../src/model/selector/selector.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import type { BgpModel } from '../../src/topology/bgp-model.js';
import { type OverlayModel, overlayFor } from '../../src/topology/overlay.js';
import type { Stored } from './build-resources.js';
import { type DataplaneState, sortedByKey } from './dataplane-view.js';
import {
  naiveEncapsulations,
  naiveLabels,
  naiveNets,
  naivePolicies,
  naiveSelects,
  naiveTags,
  naiveTiers,
  naiveTypes,
} from './naive-policy.js';

type Store = ReadonlyMap<StoredId, Stored>;
type Workload = ResourceOf<'WorkloadEndpoint'>;
type NaiveSet = DataplaneState['sets'] extends ReadonlyMap<string, infer S> ? S : never;

export function naiveDataplane(node: string, store: Store): DataplaneState {
  const network = [...store.values()].filter(isResource);
  const local = new Map<StoredId, Workload>();
  for (const [id, resource] of store)
    if (resource.kind === 'WorkloadEndpoint' && resource.spec.node === node && resource.spec.interfaceName)
      local.set(id, resource);
  const settings = naiveSettings(node, network);
  const policies = naiveActivePolicies(network, [...local.values()]);
  const profiles = naiveActiveProfiles(network, [...local.values()]);
  const pools = resourcesOf(network, 'IPPool');
  return {
    settings,
    sets: sortedByKey([
      ...naiveSets(network, [...policies.values(), ...[...profiles.values()].map(({ rules }) => rules)]),
      ...naiveHosts(network),
    ]),
    policies: sortedByKey(policies),
    profiles: sortedByKey(profiles),
    endpoints: sortedByKey(
      [...local].map(([id, endpoint]) => [id, naiveEndpoint(network, id, endpoint, settings.noPolicyEgress)]),
    ),
    pools: sortedByKey(pools.map(({ spec }) => [spec.cidr, spec.natOutgoing])),
    encapsulations: naiveEncapsulations(network),
    bgp: { model: naiveBgp(node, network, store) },
    overlay: naiveOverlay(node, network, store),
  };
}

/** Tests write durations as whole seconds or minutes. */
function naiveSettings(node: string, network: readonly Resource[]): AgentSettings {
  const layers = ['default', `node.${node}`].flatMap((name) =>
    resourcesOf(network, 'AgentConfiguration').filter(({ metadata }) => metadata.name === name),
  );
  const spec: AgentConfigurationSpec = Object.assign({}, ...layers.map((layer) => layer.spec));
  const ms = (text = '10s'): number => Number.parseInt(text, 10) * (text.endsWith('m') ? 60_000 : 1_000);
  return {
    interfacePrefix: spec.interfacePrefix ?? 'cali',
    defaultEndpointToHostAction: spec.defaultEndpointToHostAction ?? 'Drop',
    noPolicyEgress: spec.noPolicyEgress ?? 'Allow',
    chainInsertMode: spec.chainInsertMode ?? 'Insert',
    iptablesRefreshMs: ms(spec.iptablesRefreshInterval),
    ipsetsRefreshMs: ms(spec.ipsetsRefreshInterval),
    routeRefreshMs: ms(spec.routeRefreshInterval),
    deviceRouteProtocol: spec.deviceRouteProtocol ?? 80,
    ipv6Support: spec.ipv6Support ?? true,
    reportingMs: ms(spec.reportingInterval ?? '0s'),
    iptablesMarkMask: spec.iptablesMarkMask ?? 0xff000000,
  };
}

function speaksBgp(node: string, network: readonly Resource[]): boolean {
  const modes = ['default', `node.${node}`].flatMap((name) =>
    resourcesOf(network, 'AgentConfiguration')
      .filter(({ metadata }) => metadata.name === name)
      .flatMap(({ spec }) => spec.bgpMode ?? []),
  );
  return modes.at(-1) !== 'none';
}

function naiveBgp(node: string, network: readonly Resource[], store: Store): BgpModel | undefined {
  if (!speaksBgp(node, network)) return undefined;
  const pools = new Map<string, ResourceOf<'IPPool'>>();
  for (const [id, resource] of store) if (resource.kind === 'IPPool') pools.set(id, resource);
  const model = bgpModelFor(node, {
    nodes: byName(resourcesOf(network, 'Node').filter(({ metadata }) => speaksBgp(metadata.name, network))),
    routeReflectors: byName(resourcesOf(network, 'RouteReflector')),
    bgpPeers: byName(resourcesOf(network, 'BGPPeer')),
    bgpFilters: byName(resourcesOf(network, 'BGPFilter')),
    bgpConfigurations: byName(resourcesOf(network, 'BGPConfiguration')),
    pools,
    blocks: new Map(),
    interfacePrefix: naiveSettings(node, network).interfacePrefix,
  });
  return model && { ...model, blocks: naiveHostBlocks(node, store) };
}

/** What the host claims of address assignment; it stands for the whole of it once nobody can dispute that. */
function naiveHostBlocks(node: string, store: Store): BgpModel['blocks'] {
  return [...naiveBlocks(store).values()]
    .filter(({ cidr, affinities }) => !isSingle(cidr) && affinities.some((claim) => claim.node === node))
    .map(({ cidr, affinities }) => ({
      cidr,
      aggregated: affinities.some((claim) => claim.node === node && claim.state === 'confirmed'),
    }))
    .sort((a, b) => compareCidrs(a.cidr, b.cidr));
}

function isSingle(cidr: Cidr): boolean {
  return cidr.endsWith(cidr.includes(':') ? '/128' : '/32');
}

function naiveBlocks(store: Store): ReadonlyMap<StoredId, IpamBlock> {
  return new Map([...store].flatMap(([id, stored]) => (isResource(stored) ? [] : [[id, stored.block]])));
}

function isResource(stored: Stored): stored is Resource {
  return stored.kind !== 'IpamBlock';
}

/** Whose packets hosts take others out of, while any do. */
function naiveHosts(network: readonly Resource[]): [string, NaiveSet][] {
  const { 4: four, 6: six } = naiveEncapsulations(network);
  if (four.length + six.length === 0) return [];
  const addresses = resourcesOf(network, 'Node').flatMap(({ spec }) =>
    [spec.bgp?.ipv4Address, spec.bgp?.ipv6Address].flatMap((text) => text?.split('/')[0] ?? []),
  );
  const members = [...new Set(addresses.map((text) => `${text}/${text.includes(':') ? 128 : 32}`))].sort();
  return [['all-hosts-net', { type: 'hash:net', members }]];
}

function naiveOverlay(node: string, network: readonly Resource[], store: Store): OverlayModel | undefined {
  const workloads = [...store].flatMap(([id, resource]) =>
    resource.kind === 'WorkloadEndpoint' && resource.spec.state === 'active'
      ? [[id, { node: resource.spec.node, addresses: resource.spec.ipNetworks.map(addressPart) }] as const]
      : [],
  );
  return overlayFor(node, {
    nodes: byName(resourcesOf(network, 'Node')),
    pools: byName(resourcesOf(network, 'IPPool')),
    blocks: naiveBlocks(store),
    workloads: new Map(workloads),
    hasBgp: naiveBgp(node, network, store) !== undefined,
  });
}

function byName<R extends Resource>(resources: readonly R[]): ReadonlyMap<string, R> {
  return new Map(resources.map((resource) => [resource.metadata.name, resource]));
}

function naiveActivePolicies(
  network: readonly Resource[],
  local: readonly Workload[],
): ReadonlyMap<string, RuleSet> {
  const active = resourcesOf(network, 'GlobalNetworkPolicy').filter(
    ({ spec }) =>
      !spec.doNotTrack &&
      !spec.preDNAT &&
      local.some((endpoint) => naiveSelects(spec.selector ?? '', naiveLabels(network, endpoint))),
  );
  return new Map(
    active.map(({ metadata, spec }) => {
      const rules = (direction: Direction) =>
        naiveTypes(spec).includes(direction) ? naiveCompile((spec[direction] ?? []).map(ruleFromSpec)) : [];
      return [
        `${spec.tier ?? 'default'}/${metadata.name}`,
        { ingress: rules('ingress'), egress: rules('egress') },
      ];
    }),
  );
}

function naiveActiveProfiles(network: readonly Resource[], local: readonly Workload[]) {
  const names = new Set(local.flatMap(({ spec }) => spec.profiles));
  return new Map(
    [...names].map((name) => {
      const spec = resourcesOf(network, 'Profile').find(({ metadata }) => metadata.name === name)?.spec;
      const rules = (direction: Direction) => naiveCompile((spec?.[direction] ?? []).map(ruleFromSpec));
      return [name, { rules: { ingress: rules('ingress'), egress: rules('egress') }, missing: !spec }];
    }),
  );
}

function naiveCompile(rules: readonly Rule[]): CompiledRule[] {
  return rules.flatMap((rule) => {
    const families = new Set(rule.family === undefined ? [4, 6] : [rule.family]);
    for (const end of [rule.source, rule.destination])
      for (const nets of [end.nets, end.notNets])
        for (const family of [4, 6] as const)
          if (nets.length > 0 && !nets.some((net) => familyOf(net) === family)) families.delete(family);
    const { family: _, source, destination, ...rest } = rule;
    const ends = { source: naiveCondition(source), destination: naiveCondition(destination) };
    if (families.size === 2) return [{ ...rest, ...ends }];
    return [...families].map((family) => ({ ...rest, family: family === 4 ? 4 : 6, ...ends }));
  });
}

function naiveCondition({ selector, notSelector, tag, notTag, ...rest }: EntityMatch): EntityCondition {
  const ids = (selectorText: typeof selector, tagName: typeof tag): IpSetId[] => [
    ...(selectorText === undefined ? [] : [setId('s', canonicalSelector(selectorAst(selectorText)))]),
    ...(tagName === undefined ? [] : [setId('t', tagName)]),
  ];
  return { ...rest, sets: ids(selector, tag), notSets: ids(notSelector, notTag) };
}

function setId(prefix: 's' | 't', what: string): IpSetId {
  return `${prefix}:${createHash('sha224').update(`${prefix}:${what}`).digest('base64url')}` as IpSetId;
}

/** Every selector and tag that the network names anywhere, narrowed to those that active rules refer to. */
function naiveSets(network: readonly Resource[], active: readonly RuleSet[]): DataplaneState['sets'] {
  const used = new Set(
    active
      .flatMap(({ ingress, egress }) => [...ingress, ...egress])
      .flatMap(({ source, destination }) => [source, destination])
      .flatMap(({ sets, notSets }) => [...sets, ...notSets]),
  );
  const membersWhere = (picks: (resource: Resource) => boolean): readonly string[] =>
    [...new Set(network.filter(picks).flatMap(naiveNets))].sort();
  const all = new Map<IpSetId, NaiveSet>();
  for (const { selector, notSelector, tag, notTag } of allEntities(network)) {
    for (const text of [selector, notSelector])
      if (text !== undefined)
        all.set(setId('s', canonicalSelector(selectorAst(text))), {
          type: 'hash:net',
          members: membersWhere((resource) => naiveSelects(text, naiveLabels(network, resource))),
        });
    for (const name of [tag, notTag])
      if (name !== undefined)
        all.set(setId('t', name), {
          type: 'hash:ip',
          members: membersWhere((resource) => naiveTags(network, resource).includes(name)),
        });
  }
  return new Map([...all].filter(([id]) => used.has(id)));
}

function allEntities(network: readonly Resource[]): readonly EntityMatch[] {
  return [...resourcesOf(network, 'GlobalNetworkPolicy'), ...resourcesOf(network, 'Profile')]
    .flatMap(({ spec }) => [...(spec.ingress ?? []), ...(spec.egress ?? [])])
    .map(ruleFromSpec)
    .flatMap(({ source, destination }) => [source, destination]);
}

function naiveEndpoint(
  network: readonly Resource[],
  id: StoredId,
  endpoint: Workload,
  noPolicyEgress: 'Allow' | 'Deny',
): LocalEndpoint {
  const { interfaceName = '', mac, ipNetworks, state } = endpoint.spec;
  return {
    id,
    interfaceName,
    ...(mac && { mac }),
    addresses: [...new Set(ipNetworks.map(addressPart))].sort(compareAddresses),
    active: state === 'active',
    ingress: naiveEndpointPolicy(network, endpoint, 'ingress', noPolicyEgress),
    egress: naiveEndpointPolicy(network, endpoint, 'egress', noPolicyEgress),
  };
}

function naiveEndpointPolicy(
  network: readonly Resource[],
  endpoint: Workload,
  direction: Direction,
  noPolicyEgress: 'Allow' | 'Deny',
): EndpointPolicy {
  const policies = naivePolicies(network, endpoint, direction);
  const tiers = naiveTiers(network, policies).map(({ name, isMissing, defaultAction }) => ({
    name,
    policies: policies
      .filter(({ spec }) => !isMissing && (spec.tier ?? 'default') === name)
      .map(({ metadata }) => metadata.name),
    endOfTier: defaultAction,
  }));
  const unpoliced = direction === 'egress' && tiers.length === 0 && endpoint.spec.profiles.length === 0;
  return {
    tiers,
    profiles: [...new Set(endpoint.spec.profiles)],
    default: unpoliced ? noPolicyEgress : 'Deny',
  };
}
