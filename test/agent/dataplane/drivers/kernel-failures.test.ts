/**
 * Law 3: every call to the kernel fails once, and then twice in a row: the drivers converge all the same, nothing of
 * others is touched, and what can be written is written meanwhile.
 */
import test from 'ava';
import type { Driver } from '../../../../src/agent/dataplane/driver.js';
import { kernelDrivers } from '../../../../src/agent/dataplane/drivers/kernel-drivers.js';
import { neighborKey } from '../../../../src/agent/dataplane/drivers/neighbor.js';
import type { Route, Tunnel } from '../../../../src/agent/dataplane/intent.js';
import {
  type Cidr,
  type InterfaceAddress,
  IP_FAMILIES,
  type IpFamily,
} from '../../../../src/model/address.js';
import { ENCAPSULATIONS } from '../../../../src/model/encapsulation.js';
import { FAILURE_POINTS, type FailurePoint, FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { address, mac } from '../batch.js';
import { kernelNeighbor, kernelRoute, neighbor, PREFIX, PROTOCOL, route } from './driver-fixture.js';

const WORKLOADS: Record<IpFamily, (host: number) => string> = {
  4: (host) => `192.168.1.${host}`,
  6: (host) => `fd65::${host}`,
};
const [OWN, OWN6, PEER] = [address('10.99.1.1'), address('fd99::1'), address('10.99.1.2')];
const [OVERLAY_MAC, ADDRESS] = [mac('66:00:00:00:00:01'), address('10.65.1.0')];
const VXLAN = { encapsulation: 'vxlan', id: 4096, port: 4789, mac: OVERLAY_MAC } as const;

const TUNNELS: readonly Tunnel[] = [
  { name: 'ipip.calico', encapsulation: 'ipip', family: 4, local: OWN, address: ADDRESS },
  { name: 'vxlan.calico', family: 4, ...VXLAN, local: OWN, address: ADDRESS },
  { name: 'vxlan-v6.calico', family: 6, ...VXLAN, local: OWN6, address: undefined },
];
const BEHIND_TUNNELS: readonly Route[] = [
  { cidr: '10.65.2.0/26' as Cidr, interfaceName: 'ipip.calico', gateway: PEER },
  { cidr: '10.66.2.0/26' as Cidr, interfaceName: 'vxlan.calico', gateway: PEER },
  { cidr: 'fd66:2::/122' as Cidr, interfaceName: 'vxlan-v6.calico', gateway: address('fe80::2') },
];

/** A kernel in which something of every kind has to be created, changed, made anew, removed and left alone. */
function makeKernel(): FakeRtNetlink {
  const rtnetlink = new FakeRtNetlink({ events: true, modules: new Set(ENCAPSULATIONS) });
  const add = (name: string, rest = {}) => rtnetlink.addLink(name, rest).index;
  const [cali1, cali2, eth0] = [add('cali1'), add('cali2'), add('eth0')];
  const ipip = add('ipip.calico', { ipip: { local: address('10.99.1.9'), remote: undefined } });
  const vxlan = { id: 4096, port: 4789, local: OWN, underlay: undefined, learning: false };
  const vxlan4 = add('vxlan.calico', { vxlan, mac: OVERLAY_MAC, mtu: 1400 });
  for (const [text, interfaceIndex] of [
    [`${OWN}/24`, eth0],
    [`${OWN6}/64`, eth0],
    ['10.65.1.9/32', vxlan4],
    ['10.1.1.1/32', cali1],
  ] as const)
    rtnetlink.plant({
      op: 'replace',
      object: 'address',
      address: { address: text as InterfaceAddress, interfaceIndex },
    });
  const overTunnel = { protocol: PROTOCOL, gateway: PEER, scope: 0, onlink: true } as const;
  const routes = [
    kernelRoute('10.65.2.0/26', ipip, overTunnel),
    kernelRoute('10.65.9.0/26', ipip, overTunnel),
  ];
  for (const family of IP_FAMILIES) {
    const [workload, length] = [WORKLOADS[family], family === 4 ? 32 : 128];
    const inTheWay = family === 6 ? { priority: 1 } : {};
    routes.push(
      kernelRoute(`${workload(2)}/${length}`, cali1, { protocol: PROTOCOL, ...inTheWay }),
      kernelRoute(`${workload(3)}/${length}`, cali2, inTheWay),
      kernelRoute(`${workload(8)}/${length}`, cali1, { protocol: PROTOCOL }),
      kernelRoute(`${workload(9)}/${length}`, eth0),
    );
    for (const it of [kernelNeighbor(workload(8), cali1), kernelNeighbor(workload(9), eth0)])
      rtnetlink.plant({ op: 'replace', object: 'neighbor', neighbor: it });
  }
  for (const it of routes) rtnetlink.plant({ op: 'create', object: 'route', route: it });
  return rtnetlink;
}

/** Drivers that want 1 on cali1, 2 and 3 on cali2, tunnels, and what is behind them. */
function makeDrivers(rtnetlink: FakeRtNetlink): readonly Driver[] {
  const { drivers, families, tunnels } = kernelDrivers({
    families: IP_FAMILIES,
    settings: { deviceRouteProtocol: PROTOCOL, interfacePrefix: PREFIX },
    rtnetlink,
    procSys: { read: async () => undefined, write: async () => {} },
    conntrack: { flowsOf: async () => [], delete: async () => [] },
    hostAddresses: () => new Set(),
  });
  for (const tunnel of TUNNELS) tunnels.set(tunnel.name, tunnel);
  for (const { family, routes, neighbors } of families) {
    for (const [host, name] of [
      [1, 'cali1'],
      [2, 'cali2'],
      [3, 'cali2'],
    ] as const) {
      const wantedRoute = route(WORKLOADS[family](host), name);
      const wantedNeighbor = neighbor(WORKLOADS[family](host), name);
      routes.set(wantedRoute.cidr, wantedRoute);
      neighbors.set(neighborKey(wantedNeighbor), wantedNeighbor);
    }
    for (const wanted of BEHIND_TUNNELS)
      if (wanted.cidr.includes(':') === (family === 6)) routes.set(wanted.cidr, wanted);
  }
  return drivers;
}

async function contents(rtnetlink: FakeRtNetlink): Promise<readonly string[]> {
  const links = await rtnetlink.links();
  const named = (index: number | undefined) => links.find((link) => link.index === index)?.name ?? 'none';
  const lists = await Promise.all(
    IP_FAMILIES.map(async (family) => [
      ...(await rtnetlink.routes(family)).map(
        (it) => `route ${it.destination} ${named(it.interfaceIndex)} ${it.protocol} ${it.gateway} ${it.type}`,
      ),
      ...(await rtnetlink.neighbors(family)).map(
        (it) => `neighbor ${it.address} ${named(it.interfaceIndex)} ${it.state}`,
      ),
    ]),
  );
  return [
    ...lists.flat(),
    ...links.map(({ index: _, ...link }) => JSON.stringify(link)),
    ...(await rtnetlink.addresses()).map((it) => `address ${it.address} ${named(it.interfaceIndex)}`),
  ].sort();
}

/** What an agent does after each change, and after each failure. */
async function applyInOrder(drivers: readonly Driver[]): Promise<number> {
  let failures = 0;
  for (const driver of drivers) failures += (await driver.applyUpdates()).failures.length;
  for (const driver of drivers.toReversed()) failures += (await driver.applyDeletions()).failures.length;
  return failures;
}

const converges = test.macro({
  async exec(t, point: FailurePoint, times: number) {
    const undisturbed = makeKernel();
    t.is(await applyInOrder(makeDrivers(undisturbed)), 0);

    const rtnetlink = makeKernel();
    const drivers = makeDrivers(rtnetlink);
    rtnetlink.failNext(point, times);
    let failures = 0;
    // Two rounds more than failures, so that the last one has nothing to do.
    for (let round = 0; round < times + 2; round += 1) failures += await applyInOrder(drivers);

    t.is(rtnetlink.failed, times, 'the failure was met');
    t.true(failures >= 1, 'and reported');
    t.deepEqual(await contents(rtnetlink), await contents(undisturbed));
    for (const driver of drivers) t.deepEqual(await driver.verify(), []);
  },
  title: (_, point, times) =>
    `drivers converge when "${point}" fails ${times === 1 ? 'once' : `${times} times`}`,
});

for (const point of FAILURE_POINTS) for (const times of [1, 2]) test(converges, point, times);

test('law 5: a tunnel that is made anew leaves no moment in which its routes are gone', async (t) => {
  const rtnetlink = makeKernel();
  await applyInOrder(makeDrivers(rtnetlink));
  const about = rtnetlink.ops.filter(
    (op) =>
      (op.object === 'route' && op.route.destination === '10.65.2.0/26') ||
      (op.object === 'link' && op.op === 'delete') ||
      op.object === 'ipip',
  );
  t.deepEqual(
    about.map((op) => `${op.op} ${op.object}${op.object === 'route' ? ` of type ${op.route.type}` : ''}`),
    ['replace route of type 6', 'delete link', 'create ipip', 'replace route of type 1'],
  );
});

test('one refused route does not keep its neighbours from the kernel', async (t) => {
  const rtnetlink = makeKernel();
  const routes = driverNamed(makeDrivers(rtnetlink), 'route-table-4');
  rtnetlink.failNext('create route');
  const report = await routes.applyUpdates();
  t.is(report.failures.length, 1);
  t.is(report.changed, 3);
  t.regex(report.failures[0]?.message ?? '', /^EPERM/);
});

test('verify() names the driver when the kernel cannot be read', async (t) => {
  const rtnetlink = makeKernel();
  const drivers = makeDrivers(rtnetlink);
  for (const [name, point] of [
    ['neighbor-table-4', 'neighbors'],
    ['route-table-6', 'routes'],
    ['tunnel-table', 'addresses'],
  ] as const) {
    rtnetlink.failNext(point);
    t.is((await driverNamed(drivers, name).verify())[0]?.object, name);
  }
});

function driverNamed(drivers: readonly Driver[], name: string): Driver {
  const driver = drivers.find((one) => one.name === name);
  if (!driver) throw new Error(`there is no driver ${name}`);
  return driver;
}
