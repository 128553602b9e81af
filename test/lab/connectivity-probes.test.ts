/** Which packets stand for a ConnectivityTest, what is said of them beforehand, and what is not sent. */
import test from 'ava';
import { planProbes } from '../../src/lab/connectivity-probes.js';
import { planLab } from '../../src/lab/lab-plan.js';
import type { InterfaceAddress } from '../../src/model/address.js';
import { idOf, type Resource, type SpecOf } from '../../src/model/resource.js';
import { cidr, policy, resource, selector, workload } from '../helpers/build-resources.js';

const ALL = selector('all()');
const NODE = resource('Node', 'host-1', {
  bgp: { ipv4Address: '10.0.0.1/24' as InterfaceAddress, ipv6Address: 'fd99::1/64' as InterfaceAddress },
});
const A = workload('a', { addresses: ['192.168.0.1', 'fd00::1'] });
const B = workload('b', { addresses: ['192.168.0.2', 'fd00::2'] });
/** Lets TCP in on ports 80 to 90, and nothing else. */
const OPEN = policy('open', {
  selector: ALL,
  types: ['Ingress'],
  ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: ['80:90'] } }],
});

type Spec = SpecOf<'ConnectivityTest'>;
const FROM_A_TO_B = { from: { endpoint: 'a' }, to: { endpoint: 'b' }, expect: 'Allow' } as const;

function planOf(spec: Partial<Spec>, more: readonly Resource[] = []) {
  const network = [NODE, A, B, OPEN, ...more];
  const asked = resource('ConnectivityTest', 'asked', { ...FROM_A_TO_B, ...spec });
  const state = new Map([...network, asked].map((one) => [idOf(one), one]));
  return planProbes(state, planLab('x', network));
}

/** `tcp/80 IPv4 allow`, without saying it twice. */
function said({ probes }: ReturnType<typeof planProbes>): string[] {
  const lines = probes.map(
    ({ family, expected, probe: { protocol, port } }) =>
      `${protocol}${port === undefined ? '' : `/${port}`} IPv${family} ${expected}`,
  );
  return [...new Set(lines)].sort();
}

test('planProbes() sends both ends of each part of a range that rules tell apart, with what the verifier says of each', (t) => {
  t.deepEqual(said(planOf({ protocol: 'TCP', ports: ['85:95'] })), [
    'tcp/85 IPv4 allow',
    'tcp/85 IPv6 allow',
    'tcp/90 IPv4 allow',
    'tcp/90 IPv6 allow',
    'tcp/91 IPv4 deny',
    'tcp/91 IPv6 deny',
    'tcp/95 IPv4 deny',
    'tcp/95 IPv6 deny',
  ]);
});

test('planProbes() takes a protocol by number as by name', (t) => {
  for (const [number, name] of [
    [6, 'TCP'],
    [17, 'UDP'],
  ] as const)
    t.deepEqual(
      said(planOf({ protocol: number, ports: [80] })),
      said(planOf({ protocol: name, ports: [80] })),
    );
  t.deepEqual(said(planOf({ protocol: 1 })), ['icmp IPv4 deny']);
  t.deepEqual(said(planOf({ protocol: 58 })), ['icmp IPv6 deny']);
});

test('planProbes() of a test with ports and no protocol pings nobody, as heddle test does not', (t) => {
  const plan = planOf({ ports: [80] });
  t.deepEqual(said(plan), ['tcp/80 IPv4 allow', 'tcp/80 IPv6 allow', 'udp/80 IPv4 deny', 'udp/80 IPv6 deny']);
  t.deepEqual(
    plan.skipped.map(({ what }) => what),
    ['sctp', 'udplite'],
  );
});

test('planProbes() of a test without ports and protocol sends each kind of packet that rules tell apart, and a ping', (t) => {
  const { probes } = planOf({});
  const kindOf = (port: number) => (port < 80 ? 'below' : port > 90 ? 'above' : 'within');
  const kinds = probes.map(({ family, expected, probe: { protocol, port } }) => {
    const where = protocol === 'tcp' && port !== undefined ? ` ${kindOf(port)}` : '';
    return `${protocol}${where} IPv${family} ${expected}`;
  });
  t.deepEqual(
    kinds.sort(),
    ['icmp IPv%', 'tcp above IPv%', 'tcp below IPv%', 'tcp within IPv%', 'udp IPv%'].flatMap((kind) =>
      [4, 6].map(
        (family) => `${kind.replace('%', String(family))} ${kind.includes('within') ? 'allow' : 'deny'}`,
      ),
    ),
  );
});

test('planProbes() lists what cannot be sent, with the reason, and expects nothing of it', (t) => {
  for (const protocol of ['SCTP', 'UDPLite'] as const) {
    const { probes, skipped } = planOf({ protocol, ports: [80] });
    t.deepEqual(probes, []);
    t.deepEqual(skipped, [
      { test: 'asked', what: protocol.toLowerCase(), reason: 'the lab sends TCP, UDP and ping only' },
    ]);
  }
  t.deepEqual(planOf({ protocol: 47 }).probes, []);
});

test('planProbes() sends from and to addresses outside, which the fabric has to take', (t) => {
  const { probes, outside } = planOf({
    from: { cidr: cidr('203.0.113.64/26') },
    protocol: 'TCP',
    ports: [80],
  });
  t.deepEqual(outside, [probes[0]?.probe.source]);
  t.like(probes[0], { src: '203.0.113.65', dst: 'b', probe: { from: 'x-fabric' }, target: 'x-w-b' });
  const back = planOf({ to: { outside: true }, protocol: 'TCP', ports: [80] });
  t.true(back.probes.length > 0 && back.probes.every(({ target }) => target === 'x-fabric'));
});

test('planProbes() skips an endpoint that the running lab does not have', (t) => {
  const late = workload('late', { addresses: ['192.168.0.3'] });
  const state = [
    NODE,
    A,
    B,
    OPEN,
    late,
    resource('ConnectivityTest', 'asked', { ...FROM_A_TO_B, to: { endpoint: 'late' } }),
  ];
  const plan = planProbes(new Map(state.map((one) => [idOf(one), one])), planLab('x', [NODE, A, B]));
  t.deepEqual(plan, {
    probes: [],
    skipped: [{ test: 'asked', what: 'late', reason: 'it is not in the lab' }],
    outside: [],
  });
});

test('planProbes() picks the source port itself only where a rule tells apart what a kernel would pick', (t) => {
  const ports = (plan: ReturnType<typeof planProbes>) => plan.probes.map(({ probe }) => probe.sourcePort);
  const tcp = { protocol: 'TCP', ports: [80] } as const;
  t.deepEqual(new Set(ports(planOf(tcp))), new Set([undefined]));
  const odd = policy('odd', {
    selector: ALL,
    ingress: [{ action: 'Deny', protocol: 'TCP', source: { ports: ['50000:51000'] } }],
    types: ['Ingress'],
  });
  t.deepEqual(new Set(ports(planOf(tcp, [odd]))), new Set([49_152]));
});

test('planProbes() sends nothing between outside and an overlay, but for what is masqueraded', (t) => {
  const pool = (natOutgoing: boolean) =>
    resource('IPPool', 'four', {
      ...{ cidr: cidr('192.168.0.0/16'), natOutgoing, vxlanMode: 'Always', ipipMode: 'Never' },
      ...{ disabled: false, disableBGPExport: false },
    });
  const asked = { protocol: 'TCP', ports: [80] } as const;
  const families = ({ probes }: ReturnType<typeof planProbes>) => [
    ...new Set(probes.map(({ family }) => family)),
  ];
  const inward = planOf({ ...asked, from: { outside: true } }, [pool(true)]);
  t.deepEqual(families(inward), [6]);
  t.deepEqual(inward.skipped, [
    { test: 'asked', what: 'outside, b', reason: 'outside has no route into a pool that is encapsulated' },
  ]);
  t.deepEqual(families(planOf({ ...asked, to: { outside: true } }, [pool(false)])), [6]);
  t.deepEqual(families(planOf({ ...asked, to: { outside: true } }, [pool(true)])), [4, 6]);
});
