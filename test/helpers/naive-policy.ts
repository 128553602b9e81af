/**
 * The oracle: what policy says of a packet, read off the resources in the most literal way.
 *
 * It imports nothing but the model, keeps nothing between calls and looks at every resource each time. Where it and
 * `policy/` disagree, one of them is wrong.
 */
import {
  type Address,
  addressLength,
  addressPart,
  familyOf,
  type IpFamily,
  prefixLength,
} from '../../src/model/address.js';
import type { DeepReadonly } from '../../src/model/brand.js';
import { type Resource, type ResourceOf, resourcesOf } from '../../src/model/resource.js';
import type { Direction } from '../../src/model/rule.js';
import { matchesSelector } from '../../src/model/selector/evaluate.js';
import { parseSelector } from '../../src/model/selector/selector.js';
import type { EntityRuleSpec, RuleSpec } from '../../src/model/specs.generated.js';

export interface NaivePacket {
  readonly family: IpFamily;
  readonly protocol: number;
  readonly source: { readonly address: Address; readonly port?: number };
  readonly destination: { readonly address: Address; readonly port?: number };
  readonly icmp?: { readonly type: number; readonly code: number };
}

/** `allow` or `deny`, and what decided: `policy default/p 2`, `profile web 1`, `end-of-tier default`, ... */
export interface NaiveVerdict {
  readonly verdict: 'allow' | 'deny';
  readonly by: string;
}

export type Endpoint = ResourceOf<'WorkloadEndpoint'> | ResourceOf<'HostEndpoint'>;
type Policy = ResourceOf<'GlobalNetworkPolicy'>;
type RuleOf = DeepReadonly<RuleSpec>;

export function naiveVerdict(
  network: readonly Resource[],
  endpoint: Endpoint,
  direction: Direction,
  packet: NaivePacket,
  noPolicyEgress: 'Allow' | 'Deny' = 'Allow',
): NaiveVerdict {
  const applying = naivePolicies(network, endpoint, direction);
  for (const tier of naiveTiers(network, applying)) {
    let passed = tier.defaultAction === 'Pass';
    let decided: NaiveVerdict | undefined;
    if (tier.isMissing) return { verdict: 'deny', by: `end-of-tier ${tier.name}` };
    for (const policy of applying.filter((candidate) => (candidate.spec.tier ?? 'default') === tier.name)) {
      const found = naiveFirst(network, policy.spec[direction] ?? [], packet);
      if (!found) continue;
      if (found.action === 'Pass') passed = true;
      else decided = verdict(found.action, `policy ${tier.name}/${policy.metadata.name} ${found.number}`);
      break;
    }
    if (decided) return decided;
    if (!passed) return { verdict: 'deny', by: `end-of-tier ${tier.name}` };
  }
  for (const name of endpoint.spec.profiles ?? []) {
    const profile = resourcesOf(network, 'Profile').find((candidate) => candidate.metadata.name === name);
    if (!profile) return { verdict: 'deny', by: `missing-profile ${name}` };
    const found = naiveFirst(network, profile.spec[direction] ?? [], packet);
    if (found) return verdict(found.action, `profile ${name} ${found.number}`);
  }
  const open =
    endpoint.kind === 'WorkloadEndpoint' &&
    direction === 'egress' &&
    applying.length === 0 &&
    endpoint.spec.profiles.length === 0 &&
    noPolicyEgress === 'Allow';
  return { verdict: open ? 'allow' : 'deny', by: 'default' };
}

function verdict(action: string, by: string): NaiveVerdict {
  return { verdict: action === 'Deny' ? 'deny' : 'allow', by };
}

/** The policies that decide this direction of the endpoint, in the order of their tier. */
export function naivePolicies(
  network: readonly Resource[],
  endpoint: Endpoint,
  direction: Direction,
): Policy[] {
  const labels = naiveLabels(network, endpoint);
  return resourcesOf(network, 'GlobalNetworkPolicy')
    .filter(({ spec }) => {
      if (spec.doNotTrack || spec.preDNAT) return false;
      return naiveTypes(spec).includes(direction) && naiveSelects(spec.selector ?? '', labels);
    })
    .sort(byOrderThenName((policy) => ({ name: policy.metadata.name, order: policy.spec.order })));
}

export function naiveTypes(spec: Policy['spec']): Direction[] {
  if (spec.types && spec.types.length > 0)
    return spec.types.map((type) => (type === 'Egress' ? 'egress' : 'ingress'));
  const hasIngress = (spec.ingress ?? []).length > 0;
  const hasEgress = (spec.egress ?? []).length > 0;
  if (hasEgress && !hasIngress) return ['egress'];
  return hasEgress ? ['ingress', 'egress'] : ['ingress'];
}

/** In which packets hosts carry others to each other, by the IP version of the outer ones. */
export function naiveEncapsulations(
  network: readonly Resource[],
): Readonly<Record<IpFamily, readonly ('vxlan' | 'ipip')[]>> {
  const pools = resourcesOf(network, 'IPPool').map(({ spec }) => spec);
  const isSix = ({ cidr }: (typeof pools)[number]) => cidr.includes(':');
  const vxlan = pools.filter(({ vxlanMode }) => vxlanMode !== 'Never');
  const ipip = pools.filter((pool) => pool.ipipMode !== 'Never' && !isSix(pool));
  return {
    4: [
      ...(vxlan.every(isSix) ? [] : (['vxlan'] as const)),
      ...(ipip.length === 0 ? [] : (['ipip'] as const)),
    ],
    6: vxlan.some(isSix) ? ['vxlan'] : [],
  };
}

/** Whether it is such a packet: no workload may send one. */
export function isNaiveTunnel(network: readonly Resource[], packet: NaivePacket): boolean {
  const { [packet.family]: inUse } = naiveEncapsulations(network);
  if (packet.protocol === 17 && packet.destination.port === 4789) return inUse.includes('vxlan');
  return packet.protocol === 4 && inUse.includes('ipip');
}

export interface NaiveTier {
  readonly name: string;
  readonly order: number | undefined;
  /** What its policies pick is denied, before any other tier. */
  readonly isMissing: boolean;
  readonly defaultAction: 'Deny' | 'Pass';
}

/** The tiers that these policies are in, in order. */
export function naiveTiers(network: readonly Resource[], policies: readonly Policy[]): NaiveTier[] {
  const names = new Set(policies.map((policy) => policy.spec.tier ?? 'default'));
  return [...names]
    .map((name): NaiveTier => {
      const spec = resourcesOf(network, 'Tier').find((tier) => tier.metadata.name === name)?.spec;
      const isMissing = spec === undefined && name !== 'default';
      const unwritten = name === 'default' ? 1_000_000 : undefined;
      const order = isMissing ? Number.NEGATIVE_INFINITY : (spec?.order ?? unwritten);
      return { name, order, isMissing, defaultAction: spec?.defaultAction ?? 'Deny' };
    })
    .sort(byOrderThenName((tier) => tier));
}

function byOrderThenName<T>(of: (item: T) => { name: string; order?: number | undefined }) {
  return (left: T, right: T): number => {
    const [a, b] = [of(left), of(right)];
    if (a.order !== undefined && b.order === undefined) return -1;
    if (a.order === undefined && b.order !== undefined) return 1;
    if (a.order !== undefined && b.order !== undefined && a.order !== b.order) return a.order - b.order;
    return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  };
}

function naiveFirst(network: readonly Resource[], rules: readonly RuleOf[], packet: NaivePacket) {
  for (let index = 0; index < rules.length; index += 1) {
    const rule = rules[index];
    if (rule && rule.action !== 'Log' && naiveMatches(network, rule, packet))
      return { action: rule.action, number: index + 1 };
  }
  return undefined;
}

const NUMBERS: Readonly<Record<string, number>> = {
  ICMP: 1,
  TCP: 6,
  UDP: 17,
  ICMPv6: 58,
  SCTP: 132,
  UDPLite: 136,
};

function naiveMatches(network: readonly Resource[], rule: RuleOf, packet: NaivePacket): boolean {
  return (
    naiveProtocol(rule, packet) &&
    naiveIcmp(rule.icmp, true, packet) &&
    naiveIcmp(rule.notICMP, false, packet) &&
    naiveEnd(network, rule.source ?? {}, packet.source, packet.family) &&
    naiveEnd(network, rule.destination ?? {}, packet.destination, packet.family)
  );
}

function naiveProtocol(rule: RuleOf, packet: NaivePacket): boolean {
  const number = (protocol: string | number): number | undefined =>
    typeof protocol === 'number' ? protocol : NUMBERS[protocol];
  const wanted = rule.protocol === undefined ? undefined : number(rule.protocol);
  if (wanted !== undefined && wanted !== packet.protocol) return false;
  if (rule.notProtocol !== undefined && number(rule.notProtocol) === packet.protocol) return false;
  if (rule.ipVersion !== undefined) return rule.ipVersion === packet.family;
  return !(wanted === 1 && packet.family === 6) && !(wanted === 58 && packet.family === 4);
}

function naiveIcmp(match: RuleOf['icmp'], wanted: boolean, packet: NaivePacket): boolean {
  if (!match) return true;
  if (!packet.icmp) return false;
  const same = match.type === packet.icmp.type && (match.code ?? packet.icmp.code) === packet.icmp.code;
  return same === wanted;
}

function naiveEnd(
  network: readonly Resource[],
  match: DeepReadonly<EntityRuleSpec>,
  end: NaivePacket['source'],
  family: IpFamily,
): boolean {
  const { nets = [], notNets = [], ports = [], notPorts = [] } = match;
  for (const list of [nets, notNets])
    if (list.length > 0 && list.every((net) => familyOf(net) !== family)) return false;
  if (nets.length > 0 && !nets.some((net) => naiveContains(net, end.address))) return false;
  if (notNets.some((net) => naiveContains(net, end.address))) return false;
  if (match.selector !== undefined && !naiveSelected(network, match.selector, end.address)) return false;
  if (match.notSelector !== undefined && naiveSelected(network, match.notSelector, end.address)) return false;
  if (match.tag !== undefined && !naiveTagged(network, match.tag, end.address)) return false;
  if (match.notTag !== undefined && naiveTagged(network, match.notTag, end.address)) return false;
  if (ports.length + notPorts.length === 0) return true;
  if (end.port === undefined) return false;
  if (ports.length > 0 && !naiveInPorts(ports, end.port)) return false;
  return !naiveInPorts(notPorts, end.port);
}

function naiveInPorts(ports: readonly (string | number)[], port: number): boolean {
  return ports.some((text) => {
    const [first, last = first] = String(text).split(':').map(Number);
    return first !== undefined && last !== undefined && port >= first && port <= last;
  });
}

/** True when an endpoint or network set that the selector picks has the address. */
function naiveSelected(network: readonly Resource[], selector: string, address: Address): boolean {
  return network.some(
    (resource) =>
      naiveNets(resource).some((net) => naiveContains(net, address)) &&
      naiveSelects(selector, naiveLabels(network, resource)),
  );
}

/** True when an endpoint whose profiles give the tag has the address. */
function naiveTagged(network: readonly Resource[], tag: string, address: Address): boolean {
  return network.some(
    (resource) =>
      naiveNets(resource).some((net) => naiveContains(net, address)) &&
      naiveTags(network, resource).includes(tag),
  );
}

/** The addresses by which rules know a resource. */
export function naiveNets(resource: Resource): readonly string[] {
  if (resource.kind === 'WorkloadEndpoint') return resource.spec.ipNetworks;
  if (resource.kind === 'GlobalNetworkSet') return resource.spec.nets ?? [];
  if (resource.kind !== 'HostEndpoint') return [];
  return (resource.spec.expectedIPs ?? []).map((address) => `${address}/${addressLength(familyOf(address))}`);
}

/** Own labels, and those that profiles apply: own win, then the profile named first. */
export function naiveLabels(
  network: readonly Resource[],
  resource: Resource,
): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>();
  const sources = [
    resource.metadata.labels,
    ...naiveProfiles(network, resource).map((profile) => profile.spec.labelsToApply ?? {}),
  ];
  for (const labels of sources)
    for (const [key, value] of Object.entries(labels)) if (!pairs.has(key)) pairs.set(key, value);
  return Object.fromEntries(pairs);
}

export function naiveTags(network: readonly Resource[], resource: Resource): readonly string[] {
  return naiveProfiles(network, resource).flatMap((profile) => profile.spec.tags ?? []);
}

function naiveProfiles(network: readonly Resource[], resource: Resource): ResourceOf<'Profile'>[] {
  if (resource.kind !== 'WorkloadEndpoint' && resource.kind !== 'HostEndpoint') return [];
  return (resource.spec.profiles ?? []).flatMap((name) =>
    resourcesOf(network, 'Profile').filter((profile) => profile.metadata.name === name),
  );
}

export function naiveSelects(selector: string, labels: Readonly<Record<string, string>>): boolean {
  const result = parseSelector(selector);
  if (!result.ok) throw new TypeError(result.error.message);
  return matchesSelector(result.ast, labels);
}

/** Compares as many leading bits as the network has. */
function naiveContains(net: string, address: Address): boolean {
  const network = net as Parameters<typeof addressPart>[0];
  if (familyOf(network) !== familyOf(address)) return false;
  return bits(addressPart(network)).startsWith(bits(address).slice(0, prefixLength(network)), 0);
}

function bits(address: Address): string {
  const family = familyOf(address);
  if (family === 4)
    return address
      .split('.')
      .map((octet) => Number(octet).toString(2).padStart(8, '0'))
      .join('');
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}
