/**
 * A network of applications for the benchmark of connectivity: many small groups of endpoints, policies that guard one
 * group each, some of them with networks, denials and egress.
 */
import { addressFromBits, hostCidr, parseCidr, parseInterfaceAddress } from '../src/model/address.js';
import type { DeepReadonly } from '../src/model/brand.js';
import type { Kind, Resource, ResourceOf, SpecOf } from '../src/model/resource.js';
import { toSelectorText } from '../src/model/selector/selector.js';
import type { RuleSpec } from '../src/model/specs.generated.js';

export interface NetworkSize {
  readonly endpoints: number;
  readonly policies: number;
}

const HOSTS = 500;
const ENVIRONMENTS = ['prod', 'stage', 'test'];
const PORTS = [53, 80, 443, 3306, 5432, 6379, 8080, 9090, 9092, '8000:8100', '30000:32767'] as const;

/** @param changed - how many policies have one rule more. */
export function verifyNetwork({ endpoints, policies }: NetworkSize, changed = 0): Resource[] {
  return [
    ...Array.from({ length: endpoints }, (_, number) => endpoint(number, policies)),
    ...Array.from({ length: policies }, (_, number) => policy(number, policies, number < changed)),
  ];
}

/**
 * The same in both IP versions, and with all that policy has: a profile with a tag for each tenth endpoint, which rules
 * ask for; tiers that pass on; network sets with labels; what is asked negated, ICMP and protocols by number.
 */
export function richNetwork(size: NetworkSize, changed = 0): Resource[] {
  const groups = Math.max(1, size.endpoints / 100);
  return [
    resource('Tier', 'security', { order: 1, defaultAction: 'Pass' }),
    resource('Tier', 'platform', { order: 2, defaultAction: 'Pass' }),
    ...Array.from({ length: HOSTS }, (_, number) => host(number)),
    ...Array.from({ length: groups }, (_, number) => tagged(number, groups)),
    ...Array.from({ length: groups }, (_, number) => listed(number)),
    ...verifyNetwork(size, changed).map((one) => enrich(one, groups)),
  ];
}

function host(number: number): Resource {
  const ipv4Address = `192.0.${2 + (number >>> 8)}.${number % 256}/16`;
  return resource('Node', `host-${number}`, {
    bgp: { ipv4Address: parsed(parseInterfaceAddress(ipv4Address), ipv4Address) },
  });
}

function tagged(number: number, groups: number): Resource {
  return resource('Profile', `t${number}`, {
    tags: [`t${number}`],
    ingress: [
      { action: 'Allow', protocol: 'TCP', source: { tag: `t${hash(number) % groups}` } },
      { action: 'Allow', protocol: 'ICMPv6', source: { notTag: `t${number}` } },
      { action: 'Allow', protocol: 'ICMP', icmp: { type: 8 } },
    ],
    egress: [{ action: 'Allow' }],
  });
}

function listed(number: number): Resource {
  const nets = [cidr(`198.18.${number % 256}.0/24`), cidr(`2001:db8:${(number % 4096).toString(16)}::/48`)];
  return resource('GlobalNetworkSet', `s${number}`, { nets }, { partner: `s${number}` });
}

function enrich(one: Resource, groups: number): Resource {
  const number = Number(one.metadata.name.slice(1));
  if (one.kind === 'WorkloadEndpoint') {
    const six = hostCidr(addressFromBits((0xfd00n << 112n) + BigInt(number + 1), 6));
    const profiles = number % 10 === 0 ? [`t${hash(number) % groups}`] : [];
    return { ...one, spec: { ...one.spec, profiles, ipNetworks: [...one.spec.ipNetworks, six] } };
  }
  if (one.kind !== 'GlobalNetworkPolicy') return one;
  const tier = ['default', 'security', 'platform'][number % 3] ?? 'default';
  const guards: DeepReadonly<RuleSpec>[] = [
    { action: 'Deny', source: { selector: selector(`partner == 's${hash(number) % groups}'`) } },
    {
      action: 'Allow',
      protocol: 'SCTP',
      source: { notSelector: selector(`env == '${ENVIRONMENTS[number % 3]}'`) },
    },
    { action: 'Deny', protocol: 47 },
  ];
  const ingress = [...guards, ...(one.spec.ingress ?? [])];
  return { ...one, spec: { ...one.spec, tier, ingress } };
}

/** As many applications as policies; three tiers, three environments. */
function endpoint(number: number, policies: number): Resource {
  const app = hash(number) % policies;
  const spec = {
    node: `host-${number % HOSTS}`,
    orchestrator: 'heddle',
    endpoint: 'eth0',
    interfaceName: `cali${number}`,
    ipNetworks: [hostCidr(addressFromBits(BigInt((10 << 24) + number + 1), 4))],
    ipNATs: [],
    profiles: [],
    state: 'active',
  } as const;
  const labels = { app: `a${app}`, env: ENVIRONMENTS[hash(number + 7) % 3] ?? '', id: `e${number}` };
  return resource('WorkloadEndpoint', `w${number}`, spec, labels);
}

function policy(number: number, policies: number, changed: boolean): Resource {
  const ingress = Array.from({ length: 1 + (hash(number) % 4) }, (_, index) =>
    rule(number * 16 + index, policies, 'source'),
  );
  const egress =
    number % 2 === 0
      ? [
          rule(number * 16 + 8, policies, 'destination'),
          { action: 'Allow' as const, protocol: 'UDP' as const },
        ]
      : undefined;
  return resource('GlobalNetworkPolicy', `p${number}`, {
    order: hash(number) % 1000,
    selector: selector(`app == 'a${number}'${number % 3 === 0 ? " && env == 'prod'" : ''}`),
    types: egress ? ['Ingress', 'Egress'] : ['Ingress'],
    ingress: changed ? [...ingress, rule(number * 16 + 15, policies, 'source')] : ingress,
    ...(egress && { egress }),
    doNotTrack: false,
    preDNAT: false,
    applyOnForward: false,
  });
}

function rule(seed: number, policies: number, peer: 'source' | 'destination'): DeepReadonly<RuleSpec> {
  const random = hash(seed);
  const isNet = random % 100 < 15;
  const match = isNet
    ? { nets: [cidr(`172.${16 + ((random >>> 8) % 16)}.${(random >>> 12) % 256}.0/24`)] }
    : { selector: selector(`app == 'a${(random >>> 8) % policies}'`) };
  const ports = { ports: [PORTS[(random >>> 16) % PORTS.length] ?? 80] };
  return {
    action: (random >>> 20) % 100 < 15 ? 'Deny' : 'Allow',
    protocol: 'TCP',
    ...(peer === 'source' ? { source: match, destination: ports } : { destination: { ...match, ...ports } }),
  };
}

function resource<K extends Kind>(
  kind: K,
  name: string,
  spec: SpecOf<K>,
  labels: Readonly<Record<string, string>> = {},
): Resource {
  const made: ResourceOf<K> = {
    kind,
    metadata: { name, labels, annotations: {} },
    spec,
    origin: { file: 'network.yaml', line: 1, col: 1 },
  };
  return made as Resource;
}

/** Scatters numbers, always the same way. */
function hash(seed: number): number {
  let value = Math.imul(seed + 0x9e37, 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function selector(text: string) {
  return parsed(toSelectorText(text), text);
}

function cidr(text: string) {
  return parsed(parseCidr(text), text);
}

function parsed<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new TypeError(`Does not parse: ${text}`);
  return value;
}
