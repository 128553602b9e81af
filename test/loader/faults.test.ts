import test from 'ava';
import { loadManifests } from '../../src/loader/load.js';
import type { Diagnostic, DiagnosticCode } from '../../src/model/diagnostic.js';
import { sourceFiles } from '../helpers/source-files.js';

/** Where and what: line:col, code, and words that message and hint must hold. */
type Expected = readonly [place: string, code: DiagnosticCode, words: RegExp];

function faultsOf(files: Readonly<Record<string, string | Uint8Array>>): readonly Diagnostic[] {
  return loadManifests(sourceFiles(files)).diagnostics;
}

const finds = test.macro({
  exec(t, text: string, ...expected: Expected[]) {
    const found = faultsOf({ 'net.yaml': text }).filter(
      ({ code }) => !NOISE.has(code) || expected.some(([, c]) => c === code),
    );
    t.deepEqual(
      found.map(({ origin, code }) => `${origin.line}:${origin.col} ${code}`),
      expected.map(([place, code]) => `${place} ${code}`),
      found.map(({ message }) => message).join('\n'),
    );
    for (const [index, [, , words]] of expected.entries())
      t.regex(`${found[index]?.message}; ${found[index]?.hint}`, words);
  },
  title: (title = '') => title,
});

/** What most of these small networks earn, and the rows are not about: counted only where a row names it. */
const NOISE: ReadonlySet<DiagnosticCode> = new Set<DiagnosticCode>([
  'endpoint-without-policy',
  'address-outside-pools',
  'not-supported-yet',
]);

const doc = (kind: string, name: string, spec = '{}', apiVersion = 'heddle/v1'): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n---\n`;
const node = (name: string, spec = '{}'): string => doc('Node', name, spec);
/** Lines 1 to 4, with the rules in a profile that begin on line 6. */
const profile = (rules: string): string => `${doc('Profile', 'web', `\n  ingress:\n${rules}`)}`;

// --- YAML ---
test('a tab in the indentation', finds, 'a:\n\tb: 1\n', ['2:1', 'yaml-syntax', /spaces/]);
test('a string that is not closed', finds, 'a: "b\n', ['2:1', 'yaml-syntax', /quote/i]);
test('a custom tag', finds, 'a: !secret b\n', ['1:4', 'yaml-syntax', /tag/]);
test('a %YAML 1.1 directive', finds, '%YAML 1.1\n---\na: no\n', ['2:1', 'yaml-document', /%YAML/]);
test('a key twice', finds, 'a: 1\nb: 1\na: 2\n', ['3:1', 'duplicate-key', /first on line 1/]);
test('a key that a JavaScript object must not have', finds, 'x: {__proto__: 1}\n', [
  '1:5',
  'yaml-document',
  /__proto__/,
]);
test('the key constructor', finds, 'constructor: 1\n', ['1:1', 'yaml-document', /constructor/]);
test('a merge key', finds, 'a: &a {b: 1}\nc: {<<: *a}\n', ['2:5', 'yaml-document', /merge/]);
test('an alias to nothing', finds, 'a: *b\n', ['1:4', 'yaml-syntax', /&b/]);
test('a value that contains itself', finds, 'a: &a [*a]\n', ['1:8', 'yaml-syntax', /&a/]);
test('a list where a manifest is expected', finds, '- 1\n', ['1:1', 'yaml-document', /list/]);
test('a key that is no string', finds, '? [a]\n: 1\n', ['1:3', 'yaml-syntax', /key/]);

// --- kinds ---
test('a document of another tool', finds, 'on: push\n', ['1:1', 'yaml-document', /\.heddleignore/]);
test('kind without apiVersion', finds, 'kind: Node\n', ['1:1', 'missing-field', /heddle\/v1/]);
test('apiVersion without kind', finds, 'apiVersion: heddle/v1\n', ['1:1', 'missing-field', /IPPool/]);
test('a kind with a slip', finds, doc('ipPool', 'p'), ['2:7', 'unknown-kind', /Did you mean IPPool/]);
test('a kind of nobody', finds, doc('Deployment', 'p'), ['2:7', 'unknown-kind', /Known kinds/]);
test('a namespaced policy', finds, doc('NetworkPolicy', 'p'), ['2:7', 'unknown-kind', /GlobalNetworkPolicy/]);
test('a namespaced set', finds, doc('NetworkSet', 'p'), ['2:7', 'unknown-kind', /GlobalNetworkSet/]);
test("Felix's settings", finds, doc('FelixConfiguration', 'p'), [
  '2:7',
  'unknown-kind',
  /AgentConfiguration/,
]);
test('a kind that is no string', finds, 'apiVersion: heddle/v1\nkind: [Node]\n', [
  '2:7',
  'unknown-kind',
  /string/,
]);
test('an unknown version', finds, doc('Node', 'n', '{}', 'v1'), [
  '1:13',
  'unknown-api-version',
  /heddle\/v1/,
]);
test(
  'the version of Calico for a kind that Calico has not',
  finds,
  doc('AgentConfiguration', 'default', '{}', 'projectcalico.org/v3'),
  ['1:13', 'unknown-api-version', /AgentConfiguration has apiVersion heddle\/v1/],
);

// --- schema ---
test('an unknown field', finds, node('n', '\n  bpg: {}'), ['5:3', 'unknown-field', /Did you mean bgp/]);
test('an unknown field at the top', finds, `${node('n').replace('spec', 'status')}`, [
  '4:1',
  'unknown-field',
  /Known fields/,
]);
test('a missing field', finds, doc('IPPool', 'p'), [
  '4:1',
  'missing-field',
  /spec\.cidr is missing.*addresses of the pool/,
]);
test('a missing spec', finds, 'apiVersion: heddle/v1\nkind: IPPool\nmetadata: {name: p}\n', [
  '1:1',
  'missing-field',
  /spec/,
]);
test('a missing name', finds, 'apiVersion: heddle/v1\nkind: Node\nmetadata: {}\n', [
  '3:1',
  'missing-field',
  /metadata\.name/,
]);
test('a name with a space', finds, node('"a b"'), ['3:18', 'invalid-value', /Letters, digits/]);
test('a name that is a number', finds, node('1'), ['3:18', 'invalid-value', /Quote it: '1'/]);
test('a name of 129 characters', finds, node('n'.repeat(129)), ['3:18', 'invalid-value', /128/]);
test(
  'an unquoted number as a label value, with the quotes to write',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  labels: {version: 1.10}\n',
  ['5:21', 'invalid-value', /Quote it: '1\.10'/],
);
test(
  'an unquoted boolean as an annotation',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  annotations:\n    heddle/adopt: true\n',
  ['6:19', 'invalid-value', /Quote it: 'true'/],
);
test(
  'a quote in a label value',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  labels: {a: "it\'s"}\n',
  ['5:15', 'invalid-value', /without quotes/],
);
test(
  'a label key with a colon',
  finds,
  'apiVersion: heddle/v1\nkind: Node\nmetadata:\n  name: n\n  labels: {"a:b": c}\n',
  ['5:12', 'invalid-value', /cannot have the key a:b/],
);
test('a list that is empty without brackets', finds, doc('Profile', 'p', '\n  ingress:'), [
  '5:11',
  'invalid-value',
  /\[\] for an empty list/,
]);
test('a scalar where a list is expected', finds, doc('Profile', 'p', '\n  tags: web'), [
  '5:9',
  'invalid-value',
  /after a dash/,
]);
test('a quoted boolean', finds, doc('IPPool', 'p', "{cidr: 10.0.0.0/8, disabled: 'no'}"), [
  '4:36',
  'invalid-value',
  /true or false/,
]);
test('an item twice', finds, doc('Profile', 'p', '{tags: [a, b, a]}'), [
  '4:14',
  'invalid-value',
  /lists a twice/,
]);
test('a choice with a slip', finds, profile('    - action: allow\n'), [
  '6:15',
  'invalid-value',
  /Did you mean Allow/,
]);
test('a protocol in lower case', finds, profile('    - {action: Deny, protocol: tcp}\n'), [
  '6:32',
  'invalid-value',
  /Did you mean TCP/,
]);
test('a protocol number that does not exist', finds, profile('    - {action: Deny, protocol: 256}\n'), [
  '6:32',
  'invalid-value',
  /255/,
]);
test(
  'a plain password, which is not shown',
  finds,
  doc('BGPConfiguration', 'default', '\n  nodeMeshPassword: hunter2'),
  ['5:21', 'invalid-value', /\{file: NAME\}/],
);
test(
  'a secret that leads out of its folder',
  finds,
  doc('BGPConfiguration', 'default', '\n  nodeMeshPassword: {file: ../shadow}'),
  ['5:28', 'invalid-value', /below the secrets directory|nodeMeshPassword\.file/],
);
test(
  'two ways to say who',
  finds,
  doc('ConnectivityTest', 't', '{from: {outside: true, node: n}, to: {}, expect: Deny}'),
  ['4:8', 'invalid-value', /outside and node.*exactly one/],
  ['4:40', 'invalid-value', /no field.*exactly one/],
);

// --- formats ---
const pool = (cidr: string): string => doc('IPPool', 'p', `{cidr: "${cidr}"}`);
test('host bits, with the masked form', finds, pool('10.0.0.1/24'), [
  '4:14',
  'invalid-value',
  /Write 10\.0\.0\.0\/24/,
]);
test('a network without length', finds, pool('10.0.0.0'), ['4:14', 'invalid-value', /Write 10\.0\.0\.0\/32/]);
test('a network of nobody', finds, pool('10.0.0/8'), ['4:14', 'invalid-value', /not a network/]);
const endpoint = (spec: string): string => node('n1') + doc('WorkloadEndpoint', 'w', `{node: n1, ${spec}}`);
test('a network where an address is meant', finds, endpoint('ipNetworks: [10.0.0.7/24]'), [
  '9:31',
  'invalid-value',
  /Write 10\.0\.0\.7\/32/,
]);
test('an octet that begins with 0', finds, endpoint('ipNetworks: [10.0.0.07]'), [
  '9:31',
  'invalid-value',
  /Write 10\.0\.0\.7;?/,
]);
test('a zone', finds, endpoint('ipNetworks: ["fe80::1%eth0"]'), ['9:31', 'invalid-value', /Write fe80::1/]);
test('a multicast hardware address', finds, endpoint('mac: "01:00:5e:00:00:01"'), [
  '9:23',
  'invalid-value',
  /unicast/,
]);
test('a hardware address with dashes', finds, endpoint('mac: AA-BB-CC-00-00-01'), [
  '9:23',
  'invalid-value',
  /Write aa:bb:cc:00:00:01/,
]);
test('an interface name of 16 characters', finds, endpoint(`interfaceName: cali${'0'.repeat(12)}`), [
  '9:33',
  'invalid-value',
  /15/,
]);
test('an address where one with length is meant', finds, node('n', '{bgp: {ipv4Address: 10.0.0.1}}'), [
  '4:27',
  'invalid-value',
  /10\.0\.0\.1\/24/,
]);
test('the other family', finds, node('n', '{bgp: {ipv4Address: "fd00::1/64"}}'), [
  '4:27',
  'invalid-value',
  /IPv4/,
]);
test(
  'a selector that does not parse, with the caret inside it',
  finds,
  profile('    - {action: Deny, source: {selector: "role == db"}}\n'),
  ['6:50', 'invalid-value', /column 9.*'db'/],
);
test('port 0', finds, profile('    - {action: Deny, protocol: TCP, destination: {ports: [0]}}\n'), [
  '6:59',
  'invalid-value',
  /1 to 65535/,
]);
test(
  'ports with a dash',
  finds,
  profile('    - {action: Deny, protocol: TCP, destination: {ports: [1-2]}}\n'),
  ['6:59', 'invalid-value', /'1:2'/],
);
test(
  'ports backwards',
  finds,
  profile('    - {action: Deny, protocol: TCP, destination: {ports: ["9:1"]}}\n'),
  ['6:59', 'invalid-value', /'1:9'/],
);
test('a named port', finds, profile('    - {action: Deny, protocol: TCP, destination: {ports: [http]}}\n'), [
  '6:59',
  'invalid-value',
  /number/,
]);

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
test('a kind that no agent enforces', finds, doc('Tier', 't'), ['2:7', 'not-supported-yet', /Tier/]);
test('a field that no agent enforces', finds, doc('IPPool', 'p', '{cidr: 10.0.0.0/8, ipipMode: Always}'), [
  '4:36',
  'not-supported-yet',
  /spec\.ipipMode.*"Never"/,
]);
test(
  'a field that no agent enforces, switched off',
  finds,
  doc('IPPool', 'p', '{cidr: 10.0.0.0/8, ipipMode: Never, nodeSelector: all()}'),
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
test('an endpoint without profile is a warning', finds, endpoint('profiles: []'), [
  '9:18',
  'endpoint-without-policy',
  /denied/,
]);
test(
  'an address outside every pool is a warning',
  finds,
  pool('10.1.0.0/16') + endpoint('ipNetworks: [10.1.2.3, 10.2.0.1, "fd00::1"]'),
  ['14:1', 'endpoint-without-policy', /./],
  ['14:41', 'address-outside-pools', /10\.2\.0\.1\/32/],
  ['14:51', 'address-outside-pools', /fd00::1\/128/],
);
test(
  'no name is called missing while a document cannot be read',
  finds,
  `${doc('WorkloadEndpoint', 'w', '{node: n1, profiles: [web]}')}a: "\n`,
  ['7:1', 'yaml-syntax', /./],
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
test(
  'rules in a direction that the types leave out',
  finds,
  policy('{types: [Egress], ingress: [{action: Deny}]}'),
  ['4:15', 'invalid-value', /Add Ingress/],
);
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

// --- files ---
test('a file that is not UTF-8', (t) => {
  const [fault] = faultsOf({ 'a.yaml': new Uint8Array([0x61, 0xff, 0x3a]) });
  t.like(fault, { code: 'unreadable-file', origin: { file: 'a.yaml', line: 1, col: 1 } });
});

test('a file in UTF-16 is told so', (t) => {
  const [fault] = faultsOf({ 'a.yaml': new Uint8Array(Buffer.from('\ufeffa: 1', 'utf16le')) });
  t.regex(String(fault?.message), /UTF-16/);
});

test('a control character is found in its line', finds, 'a: 1\nb: "x\u0007"\n', [
  '2:6',
  'unreadable-file',
  /U\+0007/,
]);

test('a pattern that .heddleignore does not know is an error in that file', (t) => {
  const [fault] = faultsOf({ '.heddleignore': 'a.yaml\n!b.yaml\n', 'n.yaml': node('n') });
  t.like(fault, {
    code: 'invalid-value',
    origin: { file: '.heddleignore', line: 2, col: 1 },
    value: '!b.yaml',
  });
});

test('faults of all files come at once, in the order of files and lines', (t) => {
  const found = faultsOf({ 'b.yaml': 'x: 1\n---\ny: 1\n', 'a.yaml': 'z: "\n', 'c.yml': node('n', '{a: 1}') });
  t.deepEqual(
    found.map(({ origin }) => `${origin.file}:${origin.line}`),
    ['a.yaml:2', 'b.yaml:1', 'b.yaml:3', 'c.yml:4'],
  );
});

test('more than 100 faults in one file are 100 and one that says so', (t) => {
  const found = faultsOf({ 'a.yaml': 'x: 1\n---\n'.repeat(150) });
  t.is(found.length, 101);
  t.true(found.some(({ code, message }) => code === 'yaml-limit' && message.includes('100')));
});

test('a secret appears neither in value, message nor frame', (t) => {
  const text = doc('BGPPeer', 'p', '\n  peerip: 10.0.0.1\n  password: hunter2\n  pasword: "hunter2"');
  const found = faultsOf({ 'a.yaml': text });
  t.true(found.length >= 3);
  t.notRegex(JSON.stringify(found), /hunter2/);
});
