/**
 * What a ConnectivityTest is about, with the packet that breaks it; one that is about nothing fails. A table
 * on one small network.
 */
import test from 'ava';
import type { Resource, ResourceOf, SpecOf } from '../../src/model/resource.js';
import { runTests, type TestResult } from '../../src/verify/connectivity-test.js';
import { networkFrom } from '../../src/verify/network.js';
import { cidr, policy, resource, selector, workload } from '../helpers/build-resources.js';
import { interfaceAddress, pool } from './build-network.js';

type Spec = SpecOf<'ConnectivityTest'>;

const WEB = { selector: selector("role == 'web'") };
const DB = { selector: selector("role == 'db'") };
const NETWORK: readonly Resource[] = [
  resource('Node', 'host-1', { bgp: { ipv4Address: interfaceAddress('10.99.0.1/24') } }),
  resource('Node', 'host-2', { bgp: { ipv4Address: interfaceAddress('10.99.0.2/24') } }),
  workload('web-1', { addresses: ['192.168.0.1', 'fd80::1'], labels: { role: 'web' } }),
  workload('web-2', { addresses: ['192.168.0.2'], labels: { role: 'web' }, node: 'host-2' }),
  workload('db-1', { addresses: ['192.168.0.3', 'fd80::3'], labels: { role: 'db' }, node: 'host-2' }),
  policy('db', {
    selector: selector("role == 'db'"),
    types: ['Ingress'],
    ingress: [
      { action: 'Allow', protocol: 'TCP', source: WEB, destination: { ports: [5432] } },
      { action: 'Deny', source: { nets: [cidr('203.0.113.64/26')] } },
      { action: 'Allow', protocol: 'TCP', destination: { ports: ['8000:8100'] } },
      { action: 'Allow', protocol: 'ICMP' },
      { action: 'Allow', protocol: 'ICMPv6', icmp: { type: 128, code: 0 } },
    ],
  }),
];

function run(spec: Spec, network = NETWORK): TestResult {
  const tests: ResourceOf<'ConnectivityTest'>[] = [resource('ConnectivityTest', 'it', spec)];
  const { results, passed, failed } = runTests(networkFrom(network), tests);
  const [result] = results;
  if (!result || passed + failed !== 1) throw new TypeError('One test has one result');
  return result;
}

const holds = test.macro({
  exec(t, spec: Spec, pairs: number) {
    t.deepEqual(run(spec), {
      name: 'it',
      ok: true,
      expect: spec.expect,
      pairs,
      origin: { file: 'ConnectivityTest.yaml', line: 1 },
    });
  },
  title: (title = '') => `a test holds ${title}`,
});

test(
  'on every port of its list',
  holds,
  { from: WEB, to: DB, protocol: 'TCP', ports: [5432, '8000:8100'], expect: 'Allow' },
  2,
);
test('of a protocol when every port does', holds, { from: WEB, to: DB, protocol: 'UDP', expect: 'Deny' }, 2);
test('of ICMP when a ping does', holds, { from: WEB, to: DB, protocol: 'ICMP', expect: 'Allow' }, 2);
test(
  'of ICMPv6 for those who speak IPv6',
  holds,
  { from: WEB, to: DB, protocol: 'ICMPv6', expect: 'Allow' },
  1,
);
test('of every protocol when none is named', holds, { from: DB, to: WEB, expect: 'Deny' }, 2);
test('of a protocol that no rule mentions', holds, { from: WEB, to: WEB, protocol: 47, expect: 'Deny' }, 2);
test('not counting an endpoint and itself as a pair', holds, { from: WEB, to: WEB, expect: 'Deny' }, 2);
test(
  'for an endpoint by name',
  holds,
  { from: { endpoint: 'web-1' }, to: DB, protocol: 'TCP', ports: [5432], expect: 'Allow' },
  1,
);
test(
  'for hosts, whose own workloads are open to them',
  holds,
  { from: { node: 'host-2' }, to: DB, expect: 'Allow' },
  1,
);
test(
  'for a network, whoever lies in it',
  holds,
  { from: { cidr: cidr('192.168.0.0/30') }, to: DB, protocol: 'UDP', expect: 'Deny' },
  3,
);
test(
  'for everybody outside',
  holds,
  { from: { outside: true }, to: DB, protocol: 'TCP', ports: [5432], expect: 'Deny' },
  1,
);
test(
  'for a network of which only a part is treated differently',
  holds,
  { from: { cidr: cidr('203.0.113.0/26') }, to: DB, protocol: 'TCP', ports: [8000], expect: 'Allow' },
  1,
);

const fails = test.macro({
  exec(t, spec: Spec, shown: object) {
    const result = run(spec);
    t.false(result.ok);
    t.like(result.counterexample, shown);
  },
  title: (title = '') => `a test fails ${title}`,
});

test(
  'on one port of a range, and shows it',
  fails,
  { from: WEB, to: DB, protocol: 'TCP', ports: ['8090:8200'], expect: 'Allow' },
  { src: 'web-1', dst: 'db-1', protocol: 'tcp', port: 8101, verdict: 'deny' },
);
test(
  'on a protocol that no rule mentions, and shows it',
  fails,
  { from: WEB, to: WEB, protocol: 50, expect: 'Allow' },
  { protocol: 50, port: null, verdict: 'deny' },
);
test(
  'on one port of all, and shows the rule',
  fails,
  { from: WEB, to: DB, protocol: 'TCP', expect: 'Deny' },
  { port: 5432, verdict: 'allow', ingress: { kind: 'GlobalNetworkPolicy', name: 'db', rule: 1 } },
);
test(
  'without a protocol as soon as one gets through',
  fails,
  { from: WEB, to: DB, expect: 'Deny' },
  { protocol: 'tcp', port: 5432, family: 4 },
);
test(
  'without a protocol as soon as one does not',
  fails,
  { from: WEB, to: DB, expect: 'Allow' },
  { verdict: 'deny', ingress: { kind: 'Default', tier: 'default' } },
);
test(
  'for all of outside when a part of it is treated differently',
  fails,
  { from: { outside: true }, to: DB, protocol: 'TCP', ports: [8000], expect: 'Allow' },
  { src: '203.0.113.65', ingress: { rule: 2 } },
);
test(
  'for a workload and its own host, unless settings open it',
  fails,
  { from: DB, to: { node: 'host-2' }, protocol: 'TCP', ports: [22], expect: 'Allow' },
  { dst: 'host-2', egress: { kind: 'Default' } },
);
test(
  'in IPv6 alone when IPv4 holds',
  fails,
  { from: { cidr: cidr('fd80::/64') }, to: DB, protocol: 'TCP', ports: [5432], expect: 'Deny' },
  { src: 'web-1', family: 6 },
);

const refuses = test.macro({
  exec(t, spec: Spec, reason: RegExp, network?: readonly Resource[]) {
    const result = run(spec, network);
    t.false(result.ok);
    t.regex(result.reason ?? '', reason);
  },
  title: (title = '') => `a test fails when ${title}`,
});

test(
  'a side matches nothing',
  refuses,
  { from: { selector: selector("role == 'wbe'") }, to: DB, expect: 'Deny' },
  /^spec\.from matches nothing: endpoints with role == 'wbe'$/,
);
test(
  'a side matches less than minMatches',
  refuses,
  { from: WEB, to: DB, expect: 'Deny', minMatches: { from: 3, to: 1 } },
  /^spec\.from matches only 2: .*, and minMatches asks for 3$/,
);
test(
  'its only pair is an endpoint and itself',
  refuses,
  { from: DB, to: DB, expect: 'Deny' },
  /about nothing/,
);
test(
  'its protocol exists in no IP version of its pairs',
  refuses,
  { from: { endpoint: 'web-2' }, to: DB, protocol: 'ICMPv6', expect: 'Deny' },
  /about nothing/,
);
test(
  'all of it is outside',
  refuses,
  { from: { outside: true }, to: { outside: true }, expect: 'Allow' },
  /about nothing/,
);

const ENCAPSULATING = [
  ...NETWORK,
  pool('four', '192.168.0.0/16', { vxlanMode: 'Always' }),
  pool('other', '10.65.0.0/16', { ipipMode: 'Always' }),
  resource('Profile', 'open', { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] }),
  workload('one', { addresses: ['192.168.1.1'], profiles: ['open'] }),
  workload('two', { addresses: ['192.168.1.2'], profiles: ['open'], node: 'host-2' }),
];
const [ONE, TWO] = [{ endpoint: 'one' }, { endpoint: 'two' }];

test('while hosts encapsulate, what must be allowed is about such packets only where it names them', (t) => {
  const verdictOf = (spec: Omit<Spec, 'from' | 'to'>) =>
    run({ from: ONE, to: TWO, ...spec }, ENCAPSULATING).ok;
  t.true(verdictOf({ expect: 'Allow' }));
  t.true(verdictOf({ protocol: 'UDP', expect: 'Allow' }));
  t.false(verdictOf({ protocol: 'UDP', ports: [4789], expect: 'Allow' }));
  t.false(verdictOf({ protocol: 'UDP', ports: ['4000:5000'], expect: 'Allow' }));
  t.false(verdictOf({ protocol: 4, expect: 'Allow' }));
  t.true(verdictOf({ protocol: 'UDP', ports: [4789], expect: 'Deny' }));
  t.true(verdictOf({ protocol: 4, expect: 'Deny' }));
});
