/**
 * Which namespaces, addresses and gateways a network of manifests gets on one machine. Plans alone, nothing
 * is built.
 */
import test from 'ava';
import { hostSideMac, LabPlanError, planLab } from '../../src/lab/lab-plan.js';
import { type Address, type Cidr, type InterfaceAddress, linkLocalOf } from '../../src/model/address.js';
import type { ResourceOf } from '../../src/model/resource.js';

const origin = { file: 'net.yaml', line: 1, col: 1 };
const metadata = (name: string) => ({ name, labels: {}, annotations: {} });

function node(name: string, ...addresses: string[]): ResourceOf<'Node'> {
  const [ipv4Address, ipv6Address] = addresses as InterfaceAddress[];
  const bgp = { ...(ipv4Address && { ipv4Address }), ...(ipv6Address && { ipv6Address }) };
  return { kind: 'Node', metadata: metadata(name), spec: { bgp }, origin };
}

function endpoint(name: string, host: string, interfaceName: string): ResourceOf<'WorkloadEndpoint'> {
  const spec = {
    node: host,
    orchestrator: 'heddle',
    endpoint: 'eth0',
    interfaceName,
    ipNetworks: ['192.168.1.1/32' as Cidr, 'fd00::1/128' as Cidr],
    ipNATs: [],
    profiles: [],
    state: 'active',
  } as const;
  return { kind: 'WorkloadEndpoint', metadata: metadata(name), spec, origin };
}

test('planLab() gives every network of the nodes a gateway that no node has', (t) => {
  const plan = planLab('x', [
    node('a', '10.0.0.254/24', 'fd99::1/64'),
    node('b', '10.1.0.2/24', 'fd99::fe/64'),
  ]);
  t.deepEqual(plan.fabric.gateways, ['10.0.0.253/24', 'fd99::fd/64', '10.1.0.254/24'] as InterfaceAddress[]);
  t.is(plan.fabric.etcdAddress, '10.0.0.253' as Address);
  t.deepEqual(plan.hosts[1]?.gateways, ['10.1.0.254', 'fd99::fd'] as Address[]);
});

test('planLab() names namespaces after the lab, so that several labs live side by side', (t) => {
  const plan = planLab('mine', [node('a', '10.0.0.1/24'), endpoint('w', 'a', 'cali1')]);
  t.deepEqual(
    [plan.fabric, ...plan.hosts, ...plan.workloads].map(({ namespace }) => namespace),
    ['mine-fabric', 'mine-a', 'mine-w-w'],
  );
});

function reflector(name: string, ipv4: string, ipv6: string): ResourceOf<'RouteReflector'> {
  const spec = {
    ipv4Address: ipv4 as Address,
    ipv6Address: ipv6 as Address,
    clusterID: '1.0.0.1' as Address,
  };
  return { kind: 'RouteReflector', metadata: metadata(name), spec, origin };
}

test('planLab() puts a RouteReflector into the networks of the nodes, at addresses of its own', (t) => {
  const plan = planLab('x', [
    node('a', '10.0.0.1/24', 'fd99::1/64'),
    reflector('rr', '10.0.0.254', 'fd99::fe'),
  ]);
  t.like(plan.hosts[1], {
    kind: 'RouteReflector',
    namespace: 'x-rr',
    addresses: ['10.0.0.254/24', 'fd99::fe/64'] as InterfaceAddress[],
    gateways: ['10.0.0.253', 'fd99::fd'] as Address[],
  });
  t.throws(() => planLab('x', [node('a', '10.0.0.1/24'), reflector('rr', '10.1.0.1', 'fd99::fe')]), {
    instanceOf: LabPlanError,
    message: /RouteReflector "rr": 10\.1\.0\.1 is in no network/,
  });
});

test('planLab() gives a workload the link-local address of its host side as IPv6 gateway', (t) => {
  const [workload] = planLab('x', [node('a', '10.0.0.1/24'), endpoint('w', 'a', 'cali1')]).workloads;
  t.is(workload?.gateway6, linkLocalOf(hostSideMac('cali1')));
});

test('hostSideMac() is stable, unicast and locally administered', (t) => {
  const mac = hostSideMac('cali1');
  t.is(mac, hostSideMac('cali1'));
  t.not(mac, hostSideMac('cali2'));
  t.is(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
});

test('planLab() gives a Node without an address the next free one of each network, for its agent to find', (t) => {
  const { hosts } = planLab('x', [node('a', '10.0.0.1/24', 'fd99::1/64'), node('b'), node('c')]);
  t.deepEqual(
    hosts.map(({ addresses }) => addresses.map(String)),
    [
      ['10.0.0.1/24', 'fd99::1/64'],
      ['10.0.0.2/24', 'fd99::2/64'],
      ['10.0.0.3/24', 'fd99::3/64'],
    ],
  );
});

test('planLab() refuses a network that it cannot build, and says why', (t) => {
  t.throws(() => planLab('x', []), { instanceOf: LabPlanError, message: /at least one host/ });
  t.throws(() => planLab('x', [node('a')]), { instanceOf: LabPlanError, message: /Node "a" has no address/ });
});
