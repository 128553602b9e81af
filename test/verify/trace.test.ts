/**
 * What `trace` answers and what it refuses to guess, question by question on one small network: also of
 * hosts, host endpoints and masquerade, which the law beside it leaves out.
 */
import test from 'ava';
import type { Resource } from '../../src/model/resource.js';
import { networkFrom } from '../../src/verify/network.js';
import { parseConversation, type Question } from '../../src/verify/question.js';
import { type Trace, trace } from '../../src/verify/trace.js';
import { address, cidr, policy, resource, selector, workload } from '../helpers/build-resources.js';
import { interfaceAddress, pool } from './build-network.js';

const NODES: readonly Resource[] = [
  resource('Node', 'host-1', { bgp: { ipv4Address: interfaceAddress('10.99.0.1/24') } }),
  resource('Node', 'host-2', {
    bgp: { ipv4Address: interfaceAddress('10.99.0.2/24'), ipv6Address: interfaceAddress('fd99::2/64') },
  }),
];
const OPEN = resource('Profile', 'open', { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] });
const WEB = workload('web', { addresses: ['192.168.0.1', 'fd80::1'], profiles: ['open'] });
const API = workload('api', { addresses: ['192.168.0.2', 'fd80::2'], profiles: ['open'], node: 'host-2' });
const NETWORK = [...NODES, OPEN, WEB, API];

function ask(network: readonly Resource[], src: string, dst: string, what = 'tcp/80', more = {}): Trace {
  const talk = parseConversation(what);
  if (!talk.ok) throw new TypeError(talk.error.message);
  const question: Question = { src, dst, ...talk.value, ...more };
  const answer = trace(networkFrom(network), question);
  if (!answer.ok) throw new TypeError(answer.error.message);
  return answer.value;
}

function refusal(network: readonly Resource[], src: string, dst: string, more: Partial<Question> = {}) {
  const answer = trace(networkFrom(network), { src, dst, protocol: 6, port: 80, ...more });
  return answer.ok ? undefined : `${answer.error.message}; ${answer.error.hint}`;
}

test('while hosts encapsulate, what a workload encapsulates is dropped before its policy, whoever it is for', (t) => {
  const overlay = [...NETWORK, pool('four', '192.168.0.0/16', { vxlanMode: 'Always' })];
  for (const dst of ['api', 'host-1', 'host-2', '203.0.113.9']) {
    const { verdict, egress } = ask(overlay, 'web', dst, 'udp/4789');
    t.deepEqual([verdict, egress?.reason], ['deny', 'encapsulated packets from workloads are dropped'], dst);
  }
  t.is(ask(overlay, 'web', 'api', 'udp/4790').verdict, 'allow');
  t.is(ask(overlay, 'web', 'api', 'tcp/4789').verdict, 'allow');
  t.is(ask(overlay, 'web', 'api', '4').verdict, 'allow', 'nobody uses IPIP');
  t.is(ask(overlay, 'fd80::1', 'fd80::2', 'udp/4789').verdict, 'allow', 'nor VXLAN in IPv6');
  t.is(ask(NETWORK, 'web', 'api', 'udp/4789').verdict, 'allow');
  const ipip = [...NETWORK, pool('four', '192.168.0.0/16', { ipipMode: 'CrossSubnet' })];
  t.is(ask(ipip, 'web', 'api', '4').verdict, 'deny');
  t.is(ask(ipip, 'fd80::1', 'fd80::2', '4').verdict, 'allow', 'IPIP is of IPv4');
  t.is(ask(ipip, 'web', 'api', 'udp/4789').verdict, 'allow');
});

test('a host takes encapsulated packets from the addresses of Nodes, outside of tunnels, and from nobody else', (t) => {
  const tunnelled = resource('Node', 'host-3', {
    bgp: { ipv4Address: interfaceAddress('10.99.0.3/24') },
    ipv4VXLANTunnelAddr: address('192.168.3.0'),
  });
  const reflector = resource('RouteReflector', 'rr', {
    ipv4Address: address('10.99.0.9'),
    clusterID: address('1.0.0.1'),
    asNumber: 64_512,
  });
  const overlay = [
    ...NETWORK,
    tunnelled,
    reflector,
    pool('four', '192.168.0.0/16', { vxlanMode: 'CrossSubnet' }),
  ];
  t.is(ask(overlay, 'host-2', 'host-1', 'udp/4789').verdict, 'allow');
  t.is(ask(overlay, '10.99.0.3', 'host-1', 'udp/4789').verdict, 'allow');
  for (const src of ['203.0.113.9', '192.168.3.0', 'rr']) {
    const { verdict, ingress } = ask(overlay, src, 'host-1', 'udp/4789');
    t.is(verdict, 'deny', src);
    t.like(ingress, {
      endpoint: 'Node/host-1',
      node: 'host-1',
      reason: 'encapsulated packets are taken from the addresses of Nodes only',
    });
  }
  t.is(ask(overlay, '203.0.113.9', 'host-1', 'udp/53').verdict, 'allow');
  t.is(
    ask(overlay, '203.0.113.9', 'web', 'udp/4789').verdict,
    'allow',
    'a workload takes what its policy allows',
  );
  t.is(ask(overlay, 'host-1', 'web', 'udp/4789').verdict, 'allow', 'nothing is asked of its own host');
});

test('a trace says who decided at each end, which rule of it, and where that is written', (t) => {
  t.deepEqual(ask(NETWORK, 'web', 'api'), {
    src: 'web',
    dst: 'api',
    protocol: 'tcp',
    port: 80,
    family: 4,
    managed: true,
    verdict: 'allow',
    egress: {
      verdict: 'allow',
      kind: 'Profile',
      name: 'open',
      tier: null,
      rule: 1,
      action: 'Allow',
      origin: { file: 'Profile.yaml', line: 1 },
      endpoint: 'WorkloadEndpoint/web',
      node: 'host-1',
      reason: 'profile open, egress rule 1: Allow',
    },
    ingress: {
      verdict: 'allow',
      kind: 'Profile',
      name: 'open',
      tier: null,
      rule: 1,
      action: 'Allow',
      origin: { file: 'Profile.yaml', line: 1 },
      endpoint: 'WorkloadEndpoint/api',
      node: 'host-2',
      reason: 'profile open, ingress rule 1: Allow',
    },
    from: { type: 'workload', name: 'web', node: 'host-1', address: '192.168.0.1' },
    to: { type: 'workload', name: 'api', node: 'host-2', address: '192.168.0.2' },
  } as unknown);
});

test('rules count from 1 with those that log, and a rule that logs never decides', (t) => {
  const guard = policy('guard', {
    ingress: [{ action: 'Log' }, { action: 'Deny', protocol: 'UDP' }, { action: 'Allow', protocol: 'TCP' }],
  });
  const { ingress } = ask([...NETWORK, guard], 'web', 'api');
  t.like(ingress, { kind: 'GlobalNetworkPolicy', name: 'guard', tier: 'default', rule: 3, action: 'Allow' });
});

test("the end of a tier is nobody's rule", (t) => {
  const guard = policy('guard', { types: ['Ingress'], ingress: [{ action: 'Log' }] });
  const { ingress, verdict } = ask([...NETWORK, guard], 'web', 'api');
  t.is(verdict, 'deny');
  t.like(ingress, { kind: 'Default', name: null, tier: 'default', rule: null, action: 'Deny', origin: null });
  t.is(ingress?.reason, 'tier default ends in Deny: policy guard had no rule for it');
});

test('a missing profile denies, and is named', (t) => {
  const lost = workload('lost', { addresses: ['192.168.0.9'], profiles: ['gone'] });
  const { egress } = ask([...NETWORK, lost], 'lost', 'web');
  t.like(egress, { verdict: 'deny', kind: 'Default', name: 'gone' });
});

test('an endpoint without policy and profile may go out, unless noPolicyEgress says otherwise for its host', (t) => {
  const bare = workload('bare', { addresses: ['192.168.0.9'] });
  const network = [...NETWORK, bare];
  t.is(ask(network, 'bare', 'web').verdict, 'allow');
  t.is(ask(network, 'web', 'bare').verdict, 'deny');
  const closed = resource('AgentConfiguration', 'default', { noPolicyEgress: 'Deny' });
  t.is(ask([...network, closed], 'bare', 'web').verdict, 'deny');
  const open = resource('AgentConfiguration', 'node.host-1', { noPolicyEgress: 'Allow' });
  t.is(ask([...network, closed, open], 'bare', 'web').verdict, 'allow');
});

test('addresses that nobody has are outside, and between two of them nothing of ours is asked', (t) => {
  t.like(ask(NETWORK, '203.0.113.1', 'web'), {
    managed: true,
    egress: null,
    verdict: 'allow',
    from: { name: null },
  });
  t.like(ask(NETWORK, '203.0.113.1', '203.0.113.2'), {
    managed: false,
    egress: null,
    ingress: null,
    verdict: 'allow',
  });
});

test('an endpoint reaches itself, and nobody is asked', (t) => {
  const shut = workload('shut', { addresses: ['192.168.0.9'], profiles: ['gone'] });
  const answer = ask([...NETWORK, shut], 'shut', '192.168.0.9');
  t.like(answer, { verdict: 'allow', egress: null, ingress: null, managed: true });
});

test('a host reaches its own workloads unasked, and those of others past their rules', (t) => {
  const shut = workload('shut', { addresses: ['192.168.0.9', 'fd80::9'], node: 'host-2' });
  const network = [...NETWORK, shut];
  t.like(ask(network, 'host-2', 'shut'), { verdict: 'allow', ingress: null });
  t.like(ask(network, 'fd99::2', 'shut'), { verdict: 'allow', ingress: null, family: 6 });
  t.is(ask(network, 'host-1', 'shut').verdict, 'deny');
});

test('a workload reaches its own host past its egress rules and defaultEndpointToHostAction', (t) => {
  t.like(ask(NETWORK, 'web', 'host-1'), { verdict: 'deny', egress: { kind: 'Default' }, ingress: null });
  t.like(ask(NETWORK, 'web', 'host-2'), { verdict: 'allow', ingress: null });
  for (const defaultEndpointToHostAction of ['Return', 'Accept'] as const) {
    const config = resource('AgentConfiguration', 'node.host-1', { defaultEndpointToHostAction });
    t.like(ask([...NETWORK, config], 'web', 'host-1'), { verdict: 'allow', egress: { kind: 'Profile' } });
    const shut = policy('shut', { types: ['Egress'] });
    t.is(ask([...NETWORK, config, shut], 'web', 'host-1').verdict, 'deny');
  }
});

test('over IPv6 a workload may ask its host for its link address, and never pose as a router', (t) => {
  const shut = workload('shut', { addresses: ['fd80::9'], profiles: ['gone'], node: 'host-2' });
  const network = [...NETWORK, shut];
  t.is(ask(network, 'shut', 'fd99::2', 'icmp/135').verdict, 'allow');
  t.is(ask(network, 'shut', 'fd99::2', 'icmp/128').verdict, 'deny');
  t.is(ask(network, 'fd80::1', 'fd80::2', 'icmpv6/134').verdict, 'deny');
});

test('what can begin no connection is denied at every endpoint, whatever rules say', (t) => {
  for (const [protocol, family] of [
    ['icmp/0', 4],
    ['icmp/3/1', 4],
    ['icmp/129', 6],
    ['icmp/1', 6],
    ['58', 4],
    ['59', 6],
  ] as const) {
    const { verdict, egress } = ask(NETWORK, 'web', family === 4 ? '192.168.0.2' : 'fd80::2', protocol);
    t.like({ verdict, ...egress }, { verdict: 'deny', kind: 'Default', rule: null }, protocol);
    t.regex(egress?.reason ?? '', /^no connection can begin with it/, protocol);
  }
  t.is(ask(NETWORK, 'web', 'api', 'icmp/13').egress?.verdict, 'allow');
  t.is(ask(NETWORK, 'host-1', 'web', 'icmp/0').ingress, null, 'a host and its own workload');
});

test('an inactive endpoint neither sends nor receives, not even from its host', (t) => {
  const off = workload('off', { addresses: ['192.168.0.9'], profiles: ['open'], state: 'inactive' });
  const network = [...NETWORK, off];
  t.like(ask(network, 'off', 'web'), { verdict: 'deny', egress: { kind: 'Default' } });
  t.like(ask(network, 'host-1', 'off'), { verdict: 'deny', ingress: { kind: 'Default' } });
  const six = workload('off', { addresses: ['fd80::9'], state: 'inactive', node: 'host-2' });
  t.is(ask([...NETWORK, six], 'off', 'fd99::2', 'icmp/135').verdict, 'deny', 'not even for its gateway');
});

test('an address belongs to the active one of its endpoints', (t) => {
  const old = workload('old', { addresses: ['192.168.0.1'], state: 'inactive' });
  t.is(ask([...NETWORK, old], 'api', '192.168.0.1').verdict, 'allow');
});

test('a packet from a pool with natOutgoing arrives outside the pools with the address of its host', (t) => {
  const workloads = pool('workloads', '192.168.0.0/16', { natOutgoing: true });
  const stray = workload('stray', { addresses: ['172.16.0.1'], node: 'host-2' });
  const near = workload('near', { addresses: ['172.16.0.2'], node: 'host-1' });
  const fromWeb = policy('from-web', {
    types: ['Ingress'],
    ingress: [{ action: 'Allow', source: { nets: [cidr('192.168.0.0/16')] } }],
  });
  const network = [...NETWORK, workloads, stray, near, fromWeb];
  t.is(ask(network, 'web', 'api').verdict, 'allow');
  t.is(ask(network, 'web', 'near').verdict, 'allow');
  t.is(ask(network, 'web', 'stray').verdict, 'deny');
  const fromHost = policy('from-host', {
    types: ['Ingress'],
    ingress: [{ action: 'Allow', source: { nets: [cidr('10.99.0.1/32')] } }],
  });
  t.is(ask([...network, fromHost], 'web', 'stray').verdict, 'allow');

  const registersItself = network.map((one) =>
    one.kind === 'Node' && one.metadata.name === 'host-1' ? resource('Node', 'host-1', {}) : one,
  );
  const { ingress } = ask(registersItself, 'web', 'stray');
  t.regex(ingress?.reason ?? '', /masqueraded, with an address of host-1 that nobody has declared/);
});

test('a host endpoint polices its host, but not what its host and its workloads say to each other', (t) => {
  const guard = resource('HostEndpoint', 'eth0', {
    node: 'host-2',
    interfaceName: 'eth0',
    profiles: ['gone'],
  });
  const network = [...NETWORK, guard];
  t.like(ask(network, 'web', 'host-2'), { verdict: 'deny', ingress: { endpoint: 'HostEndpoint/eth0' } });
  t.like(ask(network, 'HostEndpoint/eth0', 'web'), { verdict: 'deny', egress: { kind: 'Default' } });
  t.like(ask(network, 'host-2', 'api'), { verdict: 'allow', egress: null, ingress: null });
});

test('labels that a profile applies, tags and network sets decide who an address is', (t) => {
  const db = workload('db', { addresses: ['192.168.0.9'], profiles: ['open', 'backend'], node: 'host-2' });
  const backend = resource('Profile', 'backend', { labelsToApply: { role: 'db' }, tags: ['backend'] });
  const office = resource(
    'GlobalNetworkSet',
    'office',
    { nets: [cidr('203.0.113.0/24'), cidr('2001:db8::/32')] },
    { role: 'office' },
  );
  const guard = policy('guard', {
    selector: selector("role == 'db'"),
    types: ['Ingress'],
    ingress: [
      { action: 'Allow', source: { selector: selector("role == 'office'") } },
      { action: 'Allow', source: { tag: 'backend' } },
    ],
  });
  const network = [...NETWORK, db, backend, office, guard];
  t.like(ask(network, '203.0.113.7', 'db'), { verdict: 'allow', ingress: { rule: 1 } });
  t.is(ask(network, '203.0.114.7', 'db').verdict, 'deny');
  t.is(ask(network, 'web', 'db').verdict, 'deny');
  const other = workload('db-2', { addresses: ['192.168.0.10'], profiles: ['backend', 'open'] });
  t.like(ask([...network, other], 'db-2', 'db'), { egress: { verdict: 'allow' }, ingress: { rule: 2 } });
});

test('icmp is of the family of the addresses, an echo request unless it says otherwise', (t) => {
  t.like(ask(NETWORK, 'web', 'api', 'icmp'), { protocol: 'icmp', port: null, icmp: { type: 8, code: 0 } });
  t.like(ask(NETWORK, 'web', 'api', 'icmp', { family: 6 }), {
    protocol: 'icmpv6',
    icmp: { type: 128, code: 0 },
    from: { address: 'fd80::1' },
  });
  t.like(ask(NETWORK, 'web', 'fd80::2', 'icmp/3/1', { family: 4 }), {
    family: 6,
    icmp: { type: 3, code: 1 },
  });
  t.like(ask(NETWORK, 'web', 'api', '1'), { protocol: 'icmp', icmp: { type: 8, code: 0 } });
  t.like(ask(NETWORK, 'web', 'api', '47'), { protocol: 47, port: null });
});

const refuses = test.macro({
  exec(t, network: readonly Resource[], src: string, dst: string, pattern: RegExp, more?: Partial<Question>) {
    t.regex(refusal(network, src, dst, more) ?? 'answered', pattern);
  },
  title: (title = '') => `trace() refuses ${title}`,
});

test(
  'a name that nobody has',
  refuses,
  NETWORK,
  'wbe',
  'api',
  /no endpoint or node "wbe"; there are: api, host-1/,
);
test(
  'a name that a workload and a node share',
  refuses,
  [...NETWORK, workload('host-1')],
  'host-1',
  'api',
  /ambiguous; .*WorkloadEndpoint\/host-1 on host-1 or Node\/host-1/,
);
test(
  'an address of two active workloads',
  refuses,
  [...NETWORK, workload('twin', { addresses: ['192.168.0.1'] })],
  '192.168.0.1',
  'api',
  /ambiguous; .*WorkloadEndpoint\/web on host-1 and WorkloadEndpoint\/twin/,
);
test('addresses of two families', refuses, NETWORK, '192.168.0.1', 'fd80::2', /no IP version in common/);
test(
  'a name without an address in the family',
  refuses,
  NETWORK,
  'host-1',
  'api',
  /no IPv6 address; .*--family 4/,
  {
    family: 6,
  },
);

test('an IP version that nobody named is one that both ends have, IPv4 first', (t) => {
  const network = networkFrom([
    workload('both', { addresses: ['192.168.0.1', 'fd80::1'] }),
    workload('six', { addresses: ['fd80::2'] }),
    workload('four', { addresses: ['192.168.0.3'] }),
  ]);
  const familyOf = (src: string, dst: string, protocol = 6) => {
    const answer = trace(network, { src, dst, protocol, ...(protocol === 6 && { port: 80 }) });
    return answer.ok ? answer.value.family : answer.error.message;
  };
  t.is(familyOf('both', 'six'), 6);
  t.is(familyOf('six', 'both'), 6);
  t.is(familyOf('both', 'four'), 4);
  t.is(familyOf('both', 'both'), 4);
  t.is(familyOf('both', 'both', 58), 6);
  t.is(familyOf('four', 'six'), 'four and six have no IP version in common');
});

test('Kind/name tells apart what shares a name', (t) => {
  const network = [...NETWORK, workload('host-1', { addresses: ['192.168.0.9'], profiles: ['open'] })];
  t.is(ask(network, 'WorkloadEndpoint/host-1', 'web').from.address, address('192.168.0.9'));
  t.is(ask(network, 'node/host-1', 'web').from.address, address('10.99.0.1'));
});
