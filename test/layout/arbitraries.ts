/**
 * Resources of every stored kind, as the loader hands them over, in the form that the store can give back:
 * lists present where v1 always writes them, IPv4 before IPv6, durations in whole seconds.
 */
import fc from 'fast-check';
import type { StoredKind } from '../../src/layout/codecs.js';
import {
  type Address,
  addressFromBits,
  addressFromBytes,
  type Cidr,
  hostCidr,
  type InterfaceAddress,
  type MacAddress,
  maskCidr,
} from '../../src/model/address.js';
import type { Kind, Resource, ResourceOf, SpecOf } from '../../src/model/resource.js';
import type { ProtocolText } from '../../src/model/rule.js';
import type { SelectorText } from '../../src/model/selector/selector.js';
import type { RuleSpec } from '../../src/model/specs.generated.js';

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** Objects whose undefined members are absent, as YAML has them. */
function shape<T extends object>(
  members: { [K in keyof T]-?: fc.Arbitrary<T[K] | undefined> },
): fc.Arbitrary<T> {
  const unshaped: Readonly<Record<string, fc.Arbitrary<unknown>>> = members;
  return fc
    .record(unshaped)
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, v]) => v !== undefined)) as T);
}

export const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,12}$/),
  // Names in the store may hold what manifests may not.
  fc.constantFrom('a/b', '100%', 'x%2fy', 'größe', 'a b'),
);
const address4: fc.Arbitrary<Address> = fc
  .nat({ max: 0xffffffff })
  .map((bits) => addressFromBits(BigInt(bits), 4));
const address6: fc.Arbitrary<Address> = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => addressFromBytes(bytes));
const address = fc.oneof(address4, address6);
const network = (ip: Address, length: number): Cidr => {
  const cidr = maskCidr(`${ip}/${length}`);
  if (!cidr) throw new TypeError(`No network: ${ip}/${length}`);
  return cidr;
};
const cidr4 = fc.tuple(address4, fc.nat({ max: 32 })).map(([ip, length]) => network(ip, length));
const cidr6 = fc.tuple(address6, fc.nat({ max: 128 })).map(([ip, length]) => network(ip, length));
const cidr = fc.oneof(cidr4, cidr6);
const interfaceAddress = (ip: fc.Arbitrary<Address>, max: number): fc.Arbitrary<InterfaceAddress> =>
  fc.tuple(ip, fc.nat({ max })).map(([a, length]) => `${a}/${length}` as InterfaceAddress);
const mac = fc
  .tuple(fc.constantFrom('02', '0a', 'ee'), fc.uint8Array({ minLength: 5, maxLength: 5 }))
  .map(([first, rest]) => [first, ...[...rest].map(hex)].join(':') as MacAddress);
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const selector = fc.constantFrom(
  ...["role == 'db'", 'all()', "has(zone) && zone in {'a', 'b'}", "!(x == 'é')"].map(
    (s) => s as SelectorText,
  ),
);
export const labels = fc.dictionary(
  fc.oneof(fc.stringMatching(/^[a-z0-9_./-]{1,8}$/), fc.constantFrom('__proto__', 'constructor', '1')),
  fc.stringMatching(/^[a-z0-9 äß]{0,8}$/),
  { maxKeys: 4, noNullPrototype: true },
);
const asNumber = fc.integer({ min: 1, max: 4294967295 });
const order = fc.oneof(fc.integer({ min: -100, max: 2000 }), fc.constantFrom(0.5, 1e6));
const seconds = fc.nat({ max: 100_000 }).map((n) => `${n}s`);
const names = fc.uniqueArray(name, { maxLength: 3 });
const interfaceName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
const port = fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.constantFrom('1:65535', '8000:8100'));
const secret = fc.oneof(
  fc.constant({ file: 'bgp/spine' }),
  fc.constant({ secretKeyRef: { name: 'bgp', key: 'spine' } }),
);
const community = fc.constantFrom('65000:100', '65000:1:2');

const entity = (withPorts: boolean): fc.Arbitrary<NonNullable<RuleSpec['source']> | undefined> =>
  shape<NonNullable<RuleSpec['source']>>({
    nets: optional(fc.array(cidr, { minLength: 1, maxLength: 3 })),
    notNets: optional(fc.array(cidr, { minLength: 1, maxLength: 2 })),
    selector: optional(selector),
    notSelector: optional(selector),
    ports: withPorts ? optional(fc.array(port, { minLength: 1, maxLength: 3 })) : fc.constant(undefined),
    notPorts: withPorts ? optional(fc.array(port, { minLength: 1, maxLength: 2 })) : fc.constant(undefined),
    tag: optional(name),
    notTag: optional(name),
  }).map((spec) => (Object.keys(spec).length === 0 ? undefined : spec));

const icmp = shape<NonNullable<RuleSpec['icmp']>>({
  type: fc.nat({ max: 254 }),
  code: optional(fc.nat({ max: 255 })),
});
const rule = fc.boolean().chain((withPorts) =>
  shape<RuleSpec>({
    action: fc.constantFrom('Allow', 'Deny', 'Log', 'Pass'),
    ipVersion: optional(fc.constantFrom(4, 6)),
    protocol: withPorts
      ? fc.constantFrom<ProtocolText[]>('TCP', 'UDP', 'SCTP', 'UDPLite', 6)
      : optional(fc.constantFrom<ProtocolText[]>('ICMP', 'ICMPv6', 47)),
    notProtocol: optional(fc.constantFrom<ProtocolText[]>('TCP', 89)),
    icmp: optional(icmp),
    notICMP: optional(icmp),
    source: entity(withPorts),
    destination: entity(withPorts),
    metadata: fc.constant(undefined),
  }),
);
export const rules = fc.array(rule, { maxLength: 4 });

function resource<K extends Kind>(
  kind: K,
  metadata: { name?: fc.Arbitrary<string>; labels?: fc.Arbitrary<Record<string, string>> },
  spec: fc.Arbitrary<SpecOf<K>>,
): fc.Arbitrary<ResourceOf<K>> {
  return fc
    .tuple(metadata.name ?? name, metadata.labels ?? fc.constant({}), spec)
    .map(([resourceName, resourceLabels, resourceSpec]) => ({
      kind,
      metadata: { name: resourceName, labels: resourceLabels, annotations: {} },
      spec: resourceSpec,
      origin: { file: 'a.yaml', line: 1, col: 1 },
    }));
}

const mode = fc.constantFrom('Never', 'Always', 'CrossSubnet');
const scopeName = fc.oneof(
  fc.constant('default'),
  name.map((node) => `node.${node}`),
);

const bgpFilterRule = <C extends Cidr>(net: fc.Arbitrary<C>, max: 32 | 128) =>
  shape<NonNullable<SpecOf<'BGPFilter'>['exportV4']>[number]>({
    cidr: optional(net),
    prefixLength: optional(fc.constant({ min: 0, max })),
    source: optional(fc.constant('RemotePeers')),
    interface: optional(fc.constant('cali*')),
    matchOperator: optional(fc.constantFrom('Equal', 'NotEqual', 'In', 'NotIn')),
    peerType: optional(fc.constantFrom('eBGP', 'iBGP')),
    communities: optional(fc.array(community, { minLength: 1, maxLength: 2 }).map((values) => ({ values }))),
    asPathPrefix: optional(fc.array(asNumber, { maxLength: 2 })),
    priority: optional(fc.integer({ min: 1, max: 2147483646 })),
    action: fc.constantFrom('Accept', 'Reject'),
    operations: optional(
      fc.array(
        fc.oneof(
          community.map((value) => ({ addCommunity: { value } })),
          asNumber.map((as) => ({ prependASPath: { prefix: [as] } })),
          fc.constant({ setPriority: { value: 100 } }),
        ),
        { maxLength: 2 },
      ),
    ),
  });

export const RESOURCES: { readonly [K in StoredKind]: fc.Arbitrary<ResourceOf<K>> } = {
  IPPool: resource(
    'IPPool',
    {},
    shape<SpecOf<'IPPool'>>({
      cidr,
      natOutgoing: fc.boolean(),
      disabled: fc.boolean(),
      ipipMode: mode,
      vxlanMode: mode,
      blockSize: optional(fc.integer({ min: 20, max: 128 })),
      nodeSelector: optional(selector),
      disableBGPExport: fc.boolean(),
    }),
  ),
  Profile: resource(
    'Profile',
    {},
    shape<SpecOf<'Profile'>>({
      ingress: rules,
      egress: rules,
      labelsToApply: optional(labels.filter((map) => Object.keys(map).length > 0)),
      tags: names,
    }),
  ),
  Tier: resource(
    'Tier',
    {},
    shape<SpecOf<'Tier'>>({ order: optional(order), defaultAction: fc.constantFrom('Deny', 'Pass') }),
  ),
  GlobalNetworkPolicy: resource(
    'GlobalNetworkPolicy',
    {},
    shape<SpecOf<'GlobalNetworkPolicy'>>({
      tier: name,
      order: optional(order),
      selector,
      types: fc.constantFrom(['Ingress'], ['Egress'], ['Ingress', 'Egress']),
      ingress: rules,
      egress: rules,
      doNotTrack: fc.boolean(),
      preDNAT: fc.boolean(),
      applyOnForward: fc.boolean(),
    }),
  ).filter(
    // A name that begins with its tier is another way to write the name without it.
    ({ metadata, spec }) => !metadata.name.startsWith(`${spec.tier}.`),
  ),
  GlobalNetworkSet: resource(
    'GlobalNetworkSet',
    { labels },
    shape<SpecOf<'GlobalNetworkSet'>>({ nets: fc.array(cidr, { maxLength: 4 }) }),
  ),
  WorkloadEndpoint: resource(
    'WorkloadEndpoint',
    { labels },
    shape<SpecOf<'WorkloadEndpoint'>>({
      node: name,
      orchestrator: name,
      workload: name,
      endpoint: name,
      interfaceName,
      mac,
      ipNetworks: fc
        .tuple(fc.array(address4, { maxLength: 2 }), fc.array(address6, { maxLength: 2 }))
        .map(([v4, v6]) => [...v4, ...v6].map(hostCidr)),
      ipNATs: fc
        .tuple(
          fc.array(fc.tuple(address4, address4), { maxLength: 1 }),
          fc.array(fc.tuple(address6, address6), { maxLength: 1 }),
        )
        .map((pairs) => pairs.flat().map(([internalIP, externalIP]) => ({ internalIP, externalIP }))),
      profiles: names,
      state: fc.constantFrom('active', 'inactive'),
    }),
  ),
  HostEndpoint: resource(
    'HostEndpoint',
    { labels },
    shape<SpecOf<'HostEndpoint'>>({
      node: name,
      interfaceName: optional(fc.oneof(interfaceName, fc.constant('*'))),
      expectedIPs: fc
        .tuple(fc.array(address4, { maxLength: 2 }), fc.array(address6, { maxLength: 2 }))
        .map((lists) => lists.flat()),
      profiles: names,
    }),
  ),
  Node: resource(
    'Node',
    { labels },
    shape<SpecOf<'Node'>>({
      bgp: optional(
        shape<NonNullable<SpecOf<'Node'>['bgp']>>({
          ipv4Address: optional(interfaceAddress(address4, 32)),
          ipv6Address: optional(interfaceAddress(address6, 128)),
          asNumber: optional(asNumber),
          ipv4IPIPTunnelAddr: optional(address4),
          routeReflectorClusterID: optional(address4),
        }).filter((bgp) => Object.keys(bgp).length > 0),
      ),
      ipv4VXLANTunnelAddr: optional(address4),
      vxlanTunnelMACAddr: optional(mac),
      ipv6VXLANTunnelAddr: optional(address6),
      vxlanTunnelMACAddrV6: optional(mac),
    }),
  ),
  BGPConfiguration: resource(
    'BGPConfiguration',
    { name: scopeName },
    shape<SpecOf<'BGPConfiguration'>>({
      asNumber: optional(asNumber),
      nodeToNodeMeshEnabled: optional(fc.boolean()),
      listenPort: optional(fc.integer({ min: 1, max: 65535 })),
      bindMode: optional(fc.constantFrom('None', 'NodeIP')),
      logSeverityScreen: optional(fc.constantFrom('Debug', 'Info', 'Warning', 'Error', 'Fatal', 'None')),
      nodeMeshPassword: optional(secret),
      nodeMeshMaxRestartTime: optional(seconds),
      ignoredInterfaces: optional(fc.constant(['eth*'])),
      communities: optional(fc.constant([{ name: 'c', value: '65000:100' }])),
      prefixAdvertisements: optional(cidr.map((net) => [{ cidr: net, communities: ['c'] }])),
    }).filter((spec) => Object.keys(spec).length > 0),
  ),
  BGPPeer: resource(
    'BGPPeer',
    {},
    shape<SpecOf<'BGPPeer'>>({
      node: optional(name),
      nodeSelector: optional(selector),
      peerIP: optional(fc.oneof(address, fc.constantFrom('10.0.0.9:1790', '[fd00::9]:1790'))),
      peerSelector: optional(selector),
      asNumber: optional(asNumber),
      localASNumber: optional(asNumber),
      password: optional(secret),
      keepOriginalNextHop: optional(fc.boolean()),
      nextHopMode: optional(fc.constantFrom('Auto', 'Self', 'Keep')),
      sourceAddress: optional(fc.constantFrom('UseNodeIP', 'None')),
      maxRestartTime: optional(seconds),
      keepaliveTime: optional(seconds),
      bfd: optional(fc.boolean()),
      ttlSecurity: optional(fc.integer({ min: 1, max: 255 })),
      numAllowedLocalASNumbers: optional(fc.nat({ max: 255 })),
      reachableBy: optional(address),
      reversePeering: optional(fc.constantFrom('Auto', 'Manual')),
      filters: optional(names),
    }),
  ),
  RouteReflector: resource(
    'RouteReflector',
    { labels },
    shape<SpecOf<'RouteReflector'>>({
      ipv4Address: address4,
      ipv6Address: optional(address6),
      clusterID: address4,
      asNumber: optional(asNumber),
      clientSelector: optional(selector),
    }),
  ),
  BGPFilter: resource(
    'BGPFilter',
    { labels },
    shape<SpecOf<'BGPFilter'>>({
      exportV4: optional(fc.array(bgpFilterRule(cidr4, 32), { maxLength: 2 })),
      importV4: optional(fc.array(bgpFilterRule(cidr4, 32), { maxLength: 2 })),
      exportV6: optional(fc.array(bgpFilterRule(cidr6, 128), { maxLength: 2 })),
      importV6: optional(fc.array(bgpFilterRule(cidr6, 128), { maxLength: 2 })),
    }),
  ),
  IPReservation: resource(
    'IPReservation',
    { labels },
    shape<SpecOf<'IPReservation'>>({ reservedCIDRs: fc.array(cidr, { maxLength: 3 }) }),
  ),
  AgentConfiguration: resource(
    'AgentConfiguration',
    { name: scopeName },
    shape<SpecOf<'AgentConfiguration'>>({
      interfacePrefix: optional(fc.stringMatching(/^[A-Za-z0-9]{1,11}$/)),
      defaultEndpointToHostAction: optional(fc.constantFrom('Drop', 'Return', 'Accept')),
      noPolicyEgress: optional(fc.constantFrom('Allow', 'Deny')),
      bgpMode: optional(fc.constantFrom('managed', 'system', 'none')),
      chainInsertMode: optional(fc.constantFrom('Insert', 'Append')),
      iptablesRefreshInterval: optional(seconds),
      ipsetsRefreshInterval: optional(fc.constant('0.25s')),
      routeRefreshInterval: optional(seconds),
      deviceRouteProtocol: optional(fc.integer({ min: 1, max: 255 })),
      ipv6Support: optional(fc.boolean()),
      logSeverityScreen: optional(fc.constantFrom('Debug', 'Info', 'Warning', 'Error', 'Fatal')),
      reportingInterval: optional(seconds),
      iptablesMarkMask: optional(fc.integer({ min: 1, max: 0xffffffff })),
      failsafeInboundHostPorts: optional(
        fc.array(
          shape<NonNullable<SpecOf<'AgentConfiguration'>['failsafeInboundHostPorts']>[number]>({
            protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
            port: fc.integer({ min: 1, max: 65535 }),
            net: optional(cidr),
          }),
          { maxLength: 3 },
        ),
      ),
      failsafeOutboundHostPorts: optional(fc.constant([])),
    }).filter((spec) => Object.keys(spec).length > 0),
  ),
};

export const anyResource: fc.Arbitrary<Resource> = fc.oneof(...Object.values(RESOURCES));
