/** What Calico's Go and Python writers left in etcd is read; what makes no sense is refused by key and member. */
import test from 'ava';
import { createLayout } from '../../src/layout/create-layout.js';
import { LayoutError, type StoredId } from '../../src/layout/layout.js';
import type { Resource } from '../../src/model/resource.js';
import type { StoreKey } from '../../src/model/store.js';

const layout = createLayout();

function decode(values: Readonly<Record<string, string>>): Resource {
  const entries = new Map(
    Object.entries(values).map(([path, value]) => [`/calico${path}` as StoreKey, value]),
  );
  const ids = [...entries.keys()].map((key) => {
    const owner = layout.identify(key);
    if (owner?.type !== 'resource') throw new Error(`${key} is no key of a resource`);
    return owner.id;
  });
  const [id] = ids;
  if (id === undefined || new Set(ids).size !== 1)
    throw new Error(`Keys of several objects: ${ids.join(', ')}`);
  return layout.decode(id, entries);
}

const reads = test.macro({
  title: (what) => `decode() reads ${what}`,
  exec(t, values: Readonly<Record<string, string>>, spec: object) {
    t.deepEqual(decode(values).spec as object, spec);
  },
});

const refuses = test.macro({
  title: (what) => `decode() refuses ${what}`,
  exec(t, values: Readonly<Record<string, string>>, message: RegExp) {
    const error = t.throws(() => decode(values), { instanceOf: LayoutError, message });
    t.true(error !== undefined && error.path in values, 'the error names the key');
  },
});

/** Read without complaint by the runtime, and too deep to be written by it. */
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
test(
  'a value that is nested deeper than the stack, of which the message shows the first levels',
  refuses,
  { '/v1/netset/deep': `{"nets":[${DEEP}]}` },
  /nets\[0\]: expected .*, found \[\[\["\[\.\.\.\]"\]\]\]$/,
);
test(
  'an object as deep in place of text',
  refuses,
  { '/v1/netset/deep': `{"labels":{"a":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}}` },
  /labels\.a: expected a string, found \{"a":\{"a":\{"a":"\{\.\.\.\}"\}\}\}$/,
);

const POOL = '/v1/ipam/v4/pool/10.0.0.0-8';
const poolSpec = {
  cidr: '10.0.0.0/8',
  natOutgoing: false,
  disabled: false,
  ipipMode: 'Never',
  vxlanMode: 'Never',
  disableBGPExport: false,
};
test('a pool of which Python wrote only the CIDR', reads, { [POOL]: '{"cidr": "10.0.0.0/8"}' }, poolSpec);
test('a pool without its CIDR, which the key has', reads, { [POOL]: '{}' }, poolSpec);
test('ipam: false as disabled', reads, { [POOL]: '{"ipam":false}' }, { ...poolSpec, disabled: true });
test(
  'ipip without a mode as Always',
  reads,
  { [POOL]: '{"ipip":"tunl0"}' },
  { ...poolSpec, ipipMode: 'Always' },
);
test('an ipip_mode without ipip as Never', reads, { [POOL]: '{"ipip":"","ipip_mode":"always"}' }, poolSpec);
test(
  'cross-subnet',
  reads,
  { [POOL]: '{"ipip":"tunl0","ipip_mode":"cross-subnet"}' },
  { ...poolSpec, ipipMode: 'CrossSubnet' },
);
test('a pool whose value is no JSON', refuses, { [POOL]: 'tunl0' }, /pool\/10\.0\.0\.0-8: not JSON/);
test('a pool whose value is a list', refuses, { [POOL]: '[]' }, /expected an object, found \[\]/);
test(
  'a masquerade that is no boolean',
  refuses,
  { [POOL]: '{"masquerade":"yes"}' },
  /masquerade: expected true or/,
);
test('a CIDR with host bits', refuses, { [POOL]: '{"cidr":"10.0.0.1/8"}' }, /cidr: expected a network/);

const WEP = '/v1/host/h/workload/k8s/default.pod/endpoint/eth0';
const endpointSpec = {
  node: 'h',
  orchestrator: 'k8s',
  workload: 'default.pod',
  endpoint: 'eth0',
  ipNetworks: [],
  ipNATs: [],
  profiles: [],
  state: 'active',
};
test('an endpoint with nothing but its key', reads, { [WEP]: '{}' }, endpointSpec);
test(
  'an endpoint with the single profile of old, and nulls',
  reads,
  {
    [WEP]:
      '{"profile_id":"p","ipv4_nets":["10.0.0.1"],"ipv6_nets":null,"labels":null,"mac":"","name":"tap1-2"}',
  },
  {
    ...endpointSpec,
    interfaceName: 'tap1-2',
    ipNetworks: ['10.0.0.1/32'],
    profiles: ['p'],
  },
);
test(
  'floating addresses, and ignores gateways and instance ids',
  reads,
  {
    [WEP]:
      '{"ipv4_nat":[{"int_ip":"10.0.0.1","ext_ip":"192.0.2.1"}],"ipv4_gateway":"10.0.0.9","active_instance_id":"x"}',
  },
  { ...endpointSpec, ipNATs: [{ internalIP: '10.0.0.1', externalIP: '192.0.2.1' }] },
);
test(
  'an endpoint with a whole network',
  refuses,
  { [WEP]: '{"ipv4_nets":["10.0.0.0/24"]}' },
  /ipv4_nets\[0\]: expected one address/,
);
test(
  'a label that is a number',
  refuses,
  { [WEP]: '{"labels":{"a":1}}' },
  /labels\.a: expected a string, found 1/,
);
test(
  'a state that nobody knows',
  refuses,
  { [WEP]: '{"state":"up"}' },
  /state: expected one of active, inactive/,
);
test(
  'an interface name that could be an option',
  refuses,
  { [WEP]: '{"name":"-j"}' },
  /name: expected a Linux interface/,
);

const PROFILE = '/v1/policy/profile/p';
test(
  'a profile of which only the tags are there',
  reads,
  { [`${PROFILE}/tags`]: '["a"]' },
  {
    tags: ['a'],
    ingress: [],
    egress: [],
  },
);
test(
  'the first spelling of a profile, with labels',
  reads,
  {
    [`${PROFILE}/rules`]: '{"inbound":[{}],"outbound":[{"action":"deny"}]}',
    [`${PROFILE}/labels`]: '{"a":"b"}',
  },
  { tags: [], ingress: [{ action: 'Allow' }], egress: [{ action: 'Deny' }], labelsToApply: { a: 'b' } },
);

const rules = (...list: readonly string[]) => ({
  [`${PROFILE}/rules`]: `{"inbound_rules":[${list.join(',')}]}`,
});
const readsRule = test.macro({
  title: (what) => `decode() reads a rule with ${what}`,
  exec(t, rule: string, ...expected: readonly object[]) {
    const { spec } = decode(rules(rule));
    t.deepEqual('ingress' in spec ? spec.ingress : undefined, expected as never);
  },
});
const refusesRule = test.macro({
  title: (what) => `decode() refuses a rule with ${what}`,
  exec(t, rule: string, message: RegExp) {
    t.throws(() => decode(rules('{}', rule)), { instanceOf: LayoutError, message });
  },
});

test('no action: allow', readsRule, '{}', { action: 'Allow' });
test('next-tier', readsRule, '{"action":"next-tier"}', { action: 'Pass' });
test('pass', readsRule, '{"action":"pass"}', { action: 'Pass' });
test('one network and several', readsRule, '{"src_net":"10.0.0.7/8","src_nets":["192.0.2.1"]}', {
  action: 'Allow',
  source: { nets: ['192.0.2.1/32', '10.0.0.0/8'] },
});
test('negated networks of both spellings', readsRule, '{"!dst_net":"10.0.0.0/8","!dst_nets":["fd00::/8"]}', {
  action: 'Allow',
  destination: { notNets: ['fd00::/8', '10.0.0.0/8'] },
});
test(
  'a prefix to log with, which becomes a rule before it',
  readsRule,
  '{"action":"deny","protocol":"tcp","log_prefix":"x"}',
  { action: 'Log', protocol: 'TCP' },
  { action: 'Deny', protocol: 'TCP' },
);
test(
  'a protocol and ports written as strings',
  readsRule,
  '{"protocol":"17","dst_ports":["53","1000:2000"]}',
  {
    action: 'Allow',
    protocol: 17,
    destination: { ports: [53, '1000:2000'] },
  },
);
test(
  'empty lists and nulls, which are no conditions',
  readsRule,
  '{"src_nets":[],"src_tag":null,"dst_ports":[],"src_selector":" ","!dst_selector":""}',
  {
    action: 'Allow',
  },
);
test(
  'all that can be negated',
  readsRule,
  '{"!protocol":"icmpv6","!icmp_type":8,"!icmp_code":0,"!src_tag":"t","!dst_selector":"has(a)"}',
  {
    action: 'Allow',
    notProtocol: 'ICMPv6',
    notICMP: { type: 8, code: 0 },
    source: { notTag: 't' },
    destination: { notSelector: 'has(a)' },
  },
);

test(
  'an unknown condition',
  refusesRule,
  '{"src_service_account":"x"}',
  /inbound_rules\[1\]\.src_service_account: unknown/,
);
test(
  'an unknown action',
  refusesRule,
  '{"action":"accept"}',
  /inbound_rules\[1\]\.action: expected allow, deny/,
);
test(
  'an action out of the prototype',
  refusesRule,
  '{"action":"constructor"}',
  /action: expected allow, deny/,
);
test(
  'an unknown protocol',
  refusesRule,
  '{"protocol":"tcpp"}',
  /protocol: expected an integer from 1 to 255/,
);
test('ports and no protocol', refusesRule, '{"dst_ports":[80]}', /ports need a protocol/);
test('ports of ICMP', refusesRule, '{"protocol":"icmp","dst_ports":[80]}', /ports need a protocol/);
test(
  'a port that is none',
  refusesRule,
  '{"protocol":"tcp","dst_ports":[0]}',
  /dst_ports\[0\]: expected a port/,
);
test('a range that runs backwards', refusesRule, '{"protocol":"tcp","dst_ports":["9:8"]}', /dst_ports\[0\]/);
test('an ICMP code alone', refusesRule, '{"protocol":"icmp","icmp_code":0}', /needs an ICMP type/);
test(
  'a selector that does not parse',
  refusesRule,
  '{"src_selector":"a =="}',
  /src_selector: expected a selector/,
);
test('a network that is none', refusesRule, '{"src_net":"example.org"}', /src_net: expected a network/);

const POLICY = '/v1/policy/tier/default/policy/p';
const policySpec = {
  tier: 'default',
  selector: 'all()',
  types: ['Ingress', 'Egress'],
  ingress: [],
  egress: [],
  doNotTrack: false,
  preDNAT: false,
  applyOnForward: false,
};
test(
  'a policy without types as one of both directions',
  reads,
  { [POLICY]: '{"order":"default"}' },
  policySpec,
);
test(
  'a policy with a blank selector as all()',
  reads,
  { [POLICY]: '{"selector":" ","types":[]}' },
  policySpec,
);
test('an order written as a string', reads, { [POLICY]: '{"order":"10.5"}' }, { ...policySpec, order: 10.5 });
test(
  'an order that is none',
  refuses,
  { [POLICY]: '{"order":"first"}' },
  /order: expected a number or "default"/,
);
test(
  "a tier with Python's order",
  reads,
  { '/v1/policy/tier/t/metadata': '{"order":"default"}' },
  { defaultAction: 'Deny' },
);
test(
  'a tier that passes',
  reads,
  { '/v1/policy/tier/t/metadata': '{"order":1,"default_action":"pass"}' },
  { order: 1, defaultAction: 'Pass' },
);

test('a host of Python, which has a marker', reads, { '/v1/host/h/config/marker': 'created' }, {});
test(
  'a host with an address and no network',
  reads,
  { '/bgp/v1/host/h/ip_addr_v4': '10.0.0.1' },
  {
    bgp: { ipv4Address: '10.0.0.1/32' },
  },
);
test(
  'a host with blanks, an empty v6 address and asdot',
  reads,
  {
    '/bgp/v1/host/h/ip_addr_v4': '10.0.0.1\n',
    '/bgp/v1/host/h/ip_addr_v6': '',
    '/bgp/v1/host/h/network_v4': '10.0.0.0/24',
    '/bgp/v1/host/h/as_num': '1.10',
    '/v1/host/h/metadata': '',
    '/v1/host/h/ipv4_address': '10.0.0.1',
  },
  { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 65546 } },
);
test(
  'an AS number out of range',
  refuses,
  { '/bgp/v1/host/h/as_num': '4294967296' },
  /expected an AS number/,
);
test(
  'a v6 address in the v4 key',
  refuses,
  { '/bgp/v1/host/h/ip_addr_v4': 'fd00::1' },
  /expected an IPv4 address/,
);

test(
  'the mesh as the first documents spelled it',
  reads,
  { '/v1/config/bgp_node_mesh': '{"enabled": false}' },
  {
    nodeToNodeMeshEnabled: false,
  },
);
test(
  'the log level of one host',
  reads,
  { '/bgp/v1/host/h/loglevel': 'DEBUG' },
  { logSeverityScreen: 'Debug' },
);
test(
  'a log level that BIRD does not know',
  refuses,
  { '/bgp/v1/global/loglevel': 'loud' },
  /expected debug, info or none/,
);

test(
  'a global peer, with a number for a string',
  reads,
  { '/bgp/v1/global/peer_v6/fd00::9': '{"ip":"fd00::9","as_num":64512}' },
  {
    peerIP: 'fd00::9',
    asNumber: 64512,
  },
);
test(
  'the peer of a host as the first documents spelled it',
  reads,
  { '/v1/host/h/bgp_peer_v4/10.0.0.9': '{"as_num":"64512"}' },
  {
    node: 'h',
    peerIP: '10.0.0.9',
    asNumber: 64512,
  },
);
test(
  'a peer without an AS number',
  refuses,
  { '/bgp/v1/global/peer_v4/10.0.0.9': '{"ip":"10.0.0.9"}' },
  /as_num: missing/,
);
test(
  'a peer whose secret leads out of the folder',
  refuses,
  {
    '/bgp/v1/global/peer_v4/10.0.0.9': '{"as_num":"1","password":{"file":"../shadow"}}',
  },
  /password\.file: expected the name of a file below/,
);
test(
  'a reflector that only v1 wrote',
  reads,
  { '/bgp/v1/rr_v4/192.0.2.50': '{"ip":"192.0.2.50","cluster_id":"1.0.0.1"}' },
  {
    ipv4Address: '192.0.2.50',
    clusterID: '1.0.0.1',
  },
);
test(
  'a reflector without its v1 key',
  refuses,
  {
    '/heddle/v1/resources/routereflectors/192.0.2.50': '{"metadata":{"name":"rr"},"spec":{}}',
  },
  /rr_v4\/192\.0\.2\.50, which has the cluster id, is missing/,
);
test(
  'a filter with an unknown condition',
  refuses,
  {
    '/heddle/v1/resources/bgpfilters/f': '{"spec":{"exportV4":[{"action":"Accept","nextHop":"x"}]}}',
  },
  /spec\.exportV4\[0\]\.nextHop: unknown/,
);
test(
  'a filter whose interface is BIRD code',
  refuses,
  {
    '/heddle/v1/resources/bgpfilters/f':
      '{"spec":{"exportV4":[{"action":"Accept","interface":"x\\"; drop"}]}}',
  },
  /interface: expected an interface name/,
);
// BIRD would refuse its whole configuration for any of these.
for (const [what, spec, message] of [
  [
    'a filter with a community whose parts are too large',
    '{"importV4":[{"action":"Accept","communities":{"values":["99999:1"]}}]}',
    /importV4\[0\]\.communities\.values\[0\]: expected a BGP community: .* found "99999:1"/,
  ],
  [
    'a filter that adds a community whose parts are too large',
    '{"exportV4":[{"action":"Accept","operations":[{"addCommunity":{"value":"1:2:4294967296"}}]}]}',
    /addCommunity\.value: expected a BGP community/,
  ],
  [
    'a filter with an IPv6 network among the IPv4 rules',
    '{"importV4":[{"action":"Accept","cidr":"fd00::/64","matchOperator":"In"}]}',
    /importV4\[0\]\.cidr: expected an IPv4 network/,
  ],
  [
    'a filter with an IPv4 network among the IPv6 rules',
    '{"exportV6":[{"action":"Accept","cidr":"10.0.0.0/8","matchOperator":"In"}]}',
    /exportV6\[0\]\.cidr: expected an IPv6 network/,
  ],
  [
    'a filter with lengths that end before they begin',
    '{"importV4":[{"action":"Accept","cidr":"10.0.0.0/8","matchOperator":"In","prefixLength":{"min":30,"max":24}}]}',
    /prefixLength: expected min to be at most max/,
  ],
] as const)
  test(what, refuses, { '/heddle/v1/resources/bgpfilters/f': `{"spec":${spec}}` }, message);
test(
  'a configuration whose named community is none, which costs the community alone',
  reads,
  {
    '/bgp/v1/global/as_num': '65000',
    '/heddle/v1/resources/bgpconfigurations/default':
      '{"spec":{"communities":[{"name":"gold","value":"65536:1"}]}}',
  },
  { asNumber: 65000, communities: [{ name: 'gold', value: '65536:1' }] },
);
test(
  'a reflector whose cluster id has not four octets',
  refuses,
  { '/bgp/v1/rr_v4/192.0.2.50': '{"ip":"192.0.2.50","cluster_id":"fd00::1"}' },
  /cluster_id: expected an IPv4 address/,
);

test(
  'settings as Felix spells them',
  reads,
  {
    '/v1/config/DefaultEndpointToHostAction': 'accept',
    '/v1/config/ReportingIntervalSecs': '30',
    '/v1/config/Ipv6Support': 'True',
    '/v1/config/LogSeverityScreen': 'Critical',
    '/v1/config/IptablesMarkMask': '0xff0000',
    '/v1/config/FailsafeInboundHostPorts': '22, udp:68,tcp:10.0.0.0/8:2379,tcp:[fd00::/8]:179',
    '/v1/config/FailsafeOutboundHostPorts': 'none',
  },
  {
    defaultEndpointToHostAction: 'Accept',
    reportingInterval: '30s',
    ipv6Support: true,
    logSeverityScreen: 'Fatal',
    iptablesMarkMask: 0xff0000,
    failsafeInboundHostPorts: [
      { protocol: 'TCP', port: 22 },
      { protocol: 'UDP', port: 68 },
      { protocol: 'TCP', port: 2379, net: '10.0.0.0/8' },
      { protocol: 'TCP', port: 179, net: 'fd00::/8' },
    ],
    failsafeOutboundHostPorts: [],
  },
);
test(
  'a setting that is not one of the words',
  refuses,
  { '/v1/config/DefaultEndpointToHostAction': 'DROP-and-LOG' },
  /expected one of DROP, RETURN, ACCEPT/,
);
test(
  'a failsafe port with a network that is none',
  refuses,
  { '/v1/config/FailsafeInboundHostPorts': 'tcp:10.0.0.1/8:22' },
  /expected none, or a list/,
);
test(
  'an interface prefix with a comma',
  refuses,
  { '/v1/config/InterfacePrefix': 'cali,tap' },
  /expected one prefix of letters and digits, .* found "cali,tap"/,
);

const foreign = test.macro({
  title: (_, path: string) => `${path} is foreign`,
  exec(t, path: string) {
    t.deepEqual(layout.identify(`/calico${path}` as StoreKey), { type: 'foreign' });
  },
});
for (const path of [
  '/v1/config/ClusterGUID',
  '/v1/host/h/config/IpInIpMtu',
  '/v1/host/h/workload',
  '/v1/policy/profile//tags',
  '/v1/policy/profile/a/b/tags',
  '/v1/ipam/v6/pool/10.0.0.0-8',
  '/v1/ipam/v4/pool/10.0.0.1-8',
  '/v1/ipam/v4/assignment/10.0.0.0-8/host',
  '/felix/v1/host/h/status',
  '/bgp/v1/global/peer_v4/fd00::9',
  '/bgp/v1/rr_v6/fd00::50',
  '/bgp/v1/global/custom_filters/v4/f',
  '/heddle/v1/s/inventory/Nonsense/x',
  '/resources/v3/projectcalico.org/ippools/x',
])
  test(foreign, path);

test("a resource of a kind that we do not know is nobody else's, and unknown", (t) => {
  const key = '/calico/heddle/v1/resources/nonsenses/x' as StoreKey;
  t.deepEqual(layout.identify(key), { type: 'unknown', id: 'nonsenses/x' as StoredId });
});

test('a key outside of the root belongs to nobody', (t) => {
  for (const key of ['/calicoX/v1/Ready', '/calico', '/other/v1/netset/n'])
    t.is(layout.identify(key as StoreKey), undefined);
});

test('what is decoded names its key as its origin', (t) => {
  t.like(decode({ [POOL]: '{}' }).origin, { file: `/calico${POOL}`, line: 0 });
});

test('createLayout() refuses roots that are no path, or that hold what agents must not watch', (t) => {
  for (const root of ['', '/', 'calico', '/calico/', '//a', '/heddle', '/heddle/v1'])
    t.throws(() => createLayout(root), { instanceOf: RangeError }, root);
  t.is(createLayout('/net/heddle').prefix, '/net/heddle/');
});
