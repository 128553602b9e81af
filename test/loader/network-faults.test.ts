/**
 * Law 5 and law 8: what no agent enforces is refused, and what contradicts itself is told with both places.
 */
import test from 'ava';
import { doc, finds, node, profile } from '../helpers/loader-faults.js';

const pool = (cidr: string): string => doc('IPPool', 'p', `{cidr: "${cidr}"}`);
const endpoint = (spec: string): string => node('n1') + doc('WorkloadEndpoint', 'w', `{node: n1, ${spec}}`);

// --- rules ---
test(
  'ports without a protocol',
  finds,
  profile('    - {action: Deny, source: {ports: [1]}, destination: {notPorts: [2]}}\n'),
  ['6:31', 'invalid-value', /needs a protocol.*Add protocol/],
  ['6:58', 'invalid-value', /notPorts needs a protocol/],
);
test('ports of ICMP', finds, profile('    - {action: Deny, protocol: ICMP, source: {ports: [1]}}\n'), [
  '6:47',
  'invalid-value',
  /ICMP has none/,
]);
test('icmp of TCP', finds, profile('    - {action: Deny, protocol: TCP, icmp: {type: 8}}\n'), [
  '6:37',
  'invalid-value',
  /ICMP or ICMPv6/,
]);
test('icmp by number is ICMP', finds, profile('    - {action: Deny, protocol: 1, icmp: {type: 8}}\n'));
test('ICMPv6 in IPv4', finds, profile('    - {action: Deny, protocol: ICMPv6, ipVersion: 4}\n'), [
  '6:51',
  'invalid-value',
  /ipVersion: 6/,
]);
test(
  'a network of the other family',
  finds,
  profile('    - {action: Deny, ipVersion: 6, source: {nets: [10.0.0.0/8, "fd00::/8"]}}\n'),
  ['6:52', 'invalid-value', /IPv6 packets.*IPv4 network/],
);
test(
  'networks that no packet has at both ends',
  finds,
  profile('    - {action: Deny, source: {nets: [10.0.0.0/8]}, destination: {nets: ["fd00::/8"]}}\n'),
  ['6:66', 'invalid-value', /different IP versions/],
);

// --- one resource ---
test('a block size of the other family', finds, doc('IPPool', 'p', '{cidr: "fd00::/64", blockSize: 26}'), [
  '4:38',
  'invalid-value',
  /116 to 128.*122/,
]);
test('a block larger than its pool', finds, doc('IPPool', 'p', '{cidr: 10.0.0.0/28, blockSize: 26}'), [
  '4:38',
  'invalid-value',
  /larger than the pool.*28/,
]);
test('a pool of multicast addresses', finds, pool('224.0.0.0/8'), [
  '4:14',
  'invalid-value',
  /224\.0\.0\.0\/4/,
]);
test('an endpoint with the address of its own gateway', finds, endpoint('ipNetworks: [169.254.1.1]'), [
  '9:31',
  'invalid-value',
  /169\.254\.1\.1 is the gateway of every workload/,
]);
test('a multicast endpoint', finds, endpoint('ipNetworks: [224.0.0.5]'), [
  '9:31',
  'invalid-value',
  /multicast/,
]);
test('a configuration of any name', finds, doc('BGPConfiguration', 'mine'), [
  '3:18',
  'invalid-value',
  /node\.mine/,
]);
test('a kind that no agent enforces', finds, doc('IPReservation', 'r', '{reservedCIDRs: [10.0.0.0/24]}'), [
  '2:7',
  'not-supported-yet',
  /IPReservation/,
]);
test(
  'a field that no agent enforces',
  finds,
  doc('IPPool', 'p', "{cidr: 10.0.0.0/8, nodeSelector: rack == 'a'}"),
  ['4:40', 'not-supported-yet', /spec\.nodeSelector.*"all\(\)"/],
);
test(
  'a field that no agent enforces, switched off',
  finds,
  doc('IPPool', 'p', '{cidr: 10.0.0.0/8, ipipMode: Always, nodeSelector: all()}'),
);

// --- several resources ---
test('a resource twice, naming the first place', finds, node('n') + node('n'), [
  '8:18',
  'duplicate-resource',
  /Node\/n.*net\.yaml:1/,
]);
test(
  'pools that overlap, at the later one',
  finds,
  pool('10.0.1.0/24') + pool('10.0.0.0/16').replace('name: p', 'name: q'),
  ['9:14', 'conflicting-resources', /10\.0\.0\.0\/16 overlaps 10\.0\.1\.0\/24 of IPPool\/p \(net\.yaml:1\)/],
);
test(
  'two nodes with one address',
  finds,
  node('a', '{bgp: {ipv4Address: 10.0.0.1/24}}') + node('b', '{bgp: {ipv4Address: 10.0.0.1/16}}'),
  ['9:27', 'conflicting-resources', /10\.0\.0\.1.*Node\/a \(net\.yaml:1\)/],
);
const workload = (name: string, spec: string): string => doc('WorkloadEndpoint', name, `{node: n1, ${spec}}`);
test(
  'two endpoints with one address',
  finds,
  node('n1') + workload('a', 'ipNetworks: [10.0.0.1]') + workload('b', 'ipNetworks: [10.0.0.1/32]'),
  ['14:31', 'conflicting-resources', /WorkloadEndpoint\/a \(net\.yaml:6\)/],
);
test(
  'an endpoint with an address twice',
  finds,
  node('n1') + workload('a', 'ipNetworks: [10.0.0.1, 10.0.0.1/32]'),
  ['9:41', 'conflicting-resources', /same endpoint/],
);
test(
  'two endpoints with one etcd key',
  finds,
  node('n1') + workload('a', 'interfaceName: cali1') + workload('b', 'interfaceName: cali2, workload: a'),
  ['13:18', 'conflicting-resources', /n1\/heddle\/a\/eth0.*WorkloadEndpoint\/a/],
);
test(
  'two endpoints of a node with one interface',
  finds,
  node('n1') + workload('a', 'interfaceName: cali1') + workload('b', 'interfaceName: cali1'),
  ['14:33', 'conflicting-resources', /cali1 on n1.*WorkloadEndpoint\/a/],
);
test('an interface without the prefix', finds, endpoint('interfaceName: eth1'), [
  '9:33',
  'invalid-value',
  /begin with cali/,
]);
test('a node that does not exist', finds, node('node-1') + doc('WorkloadEndpoint', 'w', '{node: node1}'), [
  '9:14',
  'dangling-reference',
  /Did you mean node-1/,
]);
test('a configuration of a node that does not exist', finds, doc('BGPConfiguration', 'node.n9'), [
  '3:18',
  'dangling-reference',
  /no Node n9/,
]);
test('a profile that does not exist is a warning', finds, endpoint('profiles: [web]'), [
  '9:29',
  'missing-profile',
  /denied both ways/,
]);
test(
  'an address outside every pool is a warning',
  finds,
  pool('10.1.0.0/16') + endpoint('ipNetworks: [10.1.2.3, 10.2.0.1, "fd00::1"]'),
  ['14:41', 'address-outside-pools', /10\.2\.0\.1\/32/],
  ['14:51', 'address-outside-pools', /fd00::1\/128/],
);
test(
  'a name that stands in a document that cannot be read is not called missing, any other is',
  finds,
  `${doc('WorkloadEndpoint', 'w', '{node: n1, profiles: [web]}')}kind: Node\nmetadata: {name: n1}\na: "\n`,
  ['4:29', 'missing-profile', /no Profile web/],
  ['9:1', 'yaml-syntax', /./],
);
test(
  'a node without a name may be any node, and no profile',
  finds,
  `${doc('WorkloadEndpoint', 'w', '{node: n1, profiles: [web]}')}apiVersion: heddle/v1\nkind: Node\nmetadata: {}\n`,
  ['4:29', 'missing-profile', /no Profile web/],
  ['8:1', 'missing-field', /metadata\.name/],
);
test(
  'a document of another program declares nothing',
  finds,
  `${doc('WorkloadEndpoint', 'w', '{node: n1}')}apiVersion: v1\nkind: Service\nmetadata: {name: n1}\n`,
  ['4:14', 'dangling-reference', /no Node n1/],
  ['7:7', 'unknown-kind', /no kind Service.*\.heddleignore/],
);
test('a node with a fault of its own still exists', finds, `${node('n1', '{bgp: 1}')}${workload('a', '')}`, [
  '4:13',
  'invalid-value',
  /a map/,
]);

// --- policies, host endpoints and BGP ---
const policy = (spec: string): string => doc('GlobalNetworkPolicy', 'p', spec);
test('a tier that does not exist', finds, policy('{tier: first}'), [
  '4:14',
  'dangling-reference',
  /no Tier first/,
]);
test('the tier default always exists', finds, policy('{tier: default}'));
for (const [name, spec] of [
  ['default.', '{}'],
  ['first.', '{tier: first}'],
] as const)
  test(
    `a policy whose name is its tier and a dot: ${name}`,
    finds,
    doc('Tier', 'first', '{order: 1}') + doc('GlobalNetworkPolicy', name, spec),
    ['8:18', 'invalid-value', new RegExp(`Write ${name}NAME`)],
  );
test('a policy whose name is another tier and a dot', finds, doc('GlobalNetworkPolicy', 'first.', '{}'));
test(
  'rules in a direction that the types leave out, which never apply',
  finds,
  policy('{types: [Egress], ingress: [{action: Deny}]}'),
  ['4:25', 'unmatchable-rule', /ingress rules.*never apply.*Add Ingress/],
);
test('rules of a policy whose types are empty', finds, policy('{types: [], ingress: [{action: Deny}]}'));
test(
  'preDNAT with egress',
  finds,
  policy('{preDNAT: true, applyOnForward: true, egress: [{action: Deny}]}'),
  ['4:17', 'invalid-value', /no egress/],
);
test('preDNAT and doNotTrack', finds, policy('{preDNAT: true, doNotTrack: true, applyOnForward: true}'), [
  '4:17',
  'invalid-value',
  /either/,
]);
test('doNotTrack without applyOnForward', finds, policy('{doNotTrack: true}'), [
  '4:20',
  'invalid-value',
  /applyOnForward: true/,
]);
test('a host endpoint that nothing finds', finds, node('n1') + doc('HostEndpoint', 'h', '{node: n1}'), [
  '9:1',
  'missing-field',
  /interfaceName/,
]);
test(
  'ports of a test over ICMP',
  finds,
  doc(
    'ConnectivityTest',
    't',
    '{from: {outside: true}, to: {outside: true}, expect: Deny, protocol: ICMP, ports: [1]}',
  ),
  ['4:89', 'invalid-value', /ICMP has none/],
);
const peer = (spec: string): string => doc('BGPPeer', 'p', spec);
test('a peer of two scopes', finds, node('n1') + peer('{node: n1, nodeSelector: all(), peerIP: 10.0.0.1}'), [
  '9:32',
  'invalid-value',
  /either/,
]);
test('a peer that is nobody', finds, peer('{asNumber: 1}'), ['4:1', 'missing-field', /exactly one/]);
test('a peer that is two', finds, peer('{peerIP: 10.0.0.1, peerSelector: all()}'), [
  '4:26',
  'invalid-value',
  /exactly one/,
]);
test('a peer with a prefix', finds, peer('{peerIP: 10.0.0.1/24}'), [
  '4:16',
  'invalid-value',
  /Write 10\.0\.0\.1/,
]);
test('a multicast peer', finds, peer('{peerIP: "224.0.0.1:179"}'), ['4:16', 'invalid-value', /multicast/]);
test('a gateway that no machine is', finds, peer('{peerIP: "10.0.0.1", reachableBy: 0.0.0.0}'), [
  '4:41',
  'invalid-value',
  /unspecified/,
]);
test('BFD from nowhere', finds, peer('{peerIP: 10.0.0.1, bfd: true, sourceAddress: None}'), [
  '4:52',
  'invalid-value',
  /from the address of the node/,
]);
test('a link-local peer', finds, peer('{peerIP: "fe80::1", asNumber: 1}'), [
  '4:16',
  'invalid-value',
  /fe80::1 is a link-local address/,
]);
test('a node with a link-local address', finds, doc('Node', 'n', '{bgp: {ipv6Address: "fe80::1/64"}}'), [
  '4:27',
  'invalid-value',
  /link-local/,
]);
test(
  'a reflector with an address that no machine has',
  finds,
  doc('RouteReflector', 'r', '{ipv4Address: 224.0.0.1, ipv6Address: "fe80::1", clusterID: 1.0.0.1}'),
  ['4:21', 'invalid-value', /multicast/],
  ['4:45', 'invalid-value', /link-local/],
);
test(
  'next hops that contradict',
  finds,
  peer('{peerIP: 10.0.0.1, keepOriginalNextHop: true, nextHopMode: Self}'),
  ['4:66', 'invalid-value', /contradicts/],
);
test('a gateway of the other family', finds, peer('{peerIP: "fd00::1", reachableBy: 10.0.0.1}'), [
  '4:40',
  'invalid-value',
  /IPv6/,
]);
test('a filter that does not exist', finds, peer('{peerIP: 10.0.0.1, filters: [quiet]}'), [
  '4:36',
  'dangling-reference',
  /BGPFilter quiet/,
]);
test(
  'two peers with one etcd key',
  finds,
  peer('{peerIP: 10.0.0.1}') + peer('{peerIP: 10.0.0.1}').replace('name: p', 'name: q'),
  ['9:16', 'conflicting-resources', /BGPPeer\/p \(net\.yaml:1\)/],
);
const filter = (rule: string): string => doc('BGPFilter', 'f', `{exportV4: [${rule}]}`);
test(
  'a filter with a network of the other family',
  finds,
  filter('{action: Accept, matchOperator: In, cidr: "fd00::/8"}'),
  ['4:61', 'invalid-value', /IPv4 network/],
);
test('a filter that compares with nothing', finds, filter('{action: Accept, matchOperator: In}'), [
  '4:19',
  'missing-field',
  /go together/,
]);
test('a filter with lengths of nothing', finds, filter('{action: Accept, prefixLength: {min: 8}}'), [
  '4:50',
  'invalid-value',
  /needs cidr/,
]);
test(
  'a filter with lengths backwards',
  finds,
  filter('{action: Accept, cidr: 10.0.0.0/8, matchOperator: In, prefixLength: {min: 9, max: 8}}'),
  ['4:87', 'invalid-value', /more than/],
);
test(
  'a community that is too large',
  finds,
  doc('BGPConfiguration', 'default', '{communities: [{name: a, value: "65000:70000"}]}'),
  ['4:39', 'invalid-value', /65535/],
);
test(
  'a community that nobody defines',
  finds,
  doc(
    'BGPConfiguration',
    'default',
    '{communities: [{name: blue, value: "1:2"}], prefixAdvertisements: [{cidr: 10.0.0.0/8, communities: [bleu]}]}',
  ),
  ['4:107', 'dangling-reference', /Did you mean blue/],
);
test(
  'a reflector with the address of a node',
  finds,
  node('n', '{bgp: {ipv4Address: 10.0.0.1/24}}') +
    doc('RouteReflector', 'r', '{ipv4Address: 10.0.0.1, clusterID: 10.0.0.1}'),
  ['9:21', 'conflicting-resources', /Node\/n/],
);

test('an IPv4 address written as IPv6', finds, endpoint('ipNetworks: ["::ffff:10.0.0.1"]'), [
  '9:31',
  'invalid-value',
  /IPv4 address written as IPv6/,
]);
test('a pool of link-local addresses', finds, pool('169.254.0.0/17'), [
  '4:14',
  'invalid-value',
  /link-local/,
]);
test(
  'a reflector with the name of a node',
  finds,
  `${node('a')}${doc('RouteReflector', 'a', '{ipv4Address: 10.0.0.1, clusterID: 10.0.0.1}')}`,
  ['8:18', 'conflicting-resources', /Node\/a \(net\.yaml:1\)/],
);
