/**
 * Law 3: every call to the kernel fails once, and then twice in a row: the drivers converge all the same, nothing of
 * others is touched, and what can be written is written meanwhile.
 */
import test from 'ava';
import { applySteps, runSteps } from '../../../../src/agent/dataplane/apply-steps.js';
import type { Driver } from '../../../../src/agent/dataplane/driver.js';
import { kernelDrivers } from '../../../../src/agent/dataplane/drivers/kernel-drivers.js';
import { neighborKey } from '../../../../src/agent/dataplane/drivers/neighbor.js';
import type { ForwardingEntry, Route, Tunnel } from '../../../../src/agent/dataplane/intent.js';
import { kernelDriversOf } from '../../../../src/agent/dataplane/kernel-kinds.js';
import { NUD, RTPROT } from '../../../../src/kernel/netlink/constants.js';
import {
  type Cidr,
  familyOf,
  type InterfaceAddress,
  IP_FAMILIES,
  type IpFamily,
} from '../../../../src/model/address.js';
import type { DesiredView } from '../../../../src/model/delta-tracker.js';
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
const FORWARDING: readonly ForwardingEntry[] = [
  { interfaceName: 'vxlan.calico', mac: mac('66:00:00:00:00:02'), destination: PEER },
];

/** A kernel in which something of every kind has to be created, changed or made anew, and removed; and others' things. */
function makeKernel(): FakeRtNetlink {
  const rtnetlink = new FakeRtNetlink({ events: true, modules: new Set(ENCAPSULATIONS) });
  const add = (name: string, rest = {}) => rtnetlink.addLink(name, rest).index;
  const [cali1, cali2, eth0] = [add('cali1'), add('cali2'), add('eth0')];
  const ipip = add('ipip.calico', { ipip: { local: address('10.99.1.9'), remote: undefined } });
  const vxlan = { id: 4096, port: 4789, local: OWN, underlay: undefined, learning: false };
  const vxlan4 = add('vxlan.calico', { vxlan, mac: OVERLAY_MAC, mtu: 1400 });
  const theirs = add('tunl0', { ipip: { local: undefined, remote: undefined } });
  for (const [text, interfaceIndex] of [
    [`${OWN}/24`, eth0],
    [`${OWN6}/64`, eth0],
    ['10.65.1.9/32', vxlan4],
    ['10.1.1.1/32', theirs],
  ] as const) {
    const one = { address: text as InterfaceAddress, interfaceIndex };
    rtnetlink.plant({ op: 'replace', object: 'address', address: one });
  }
  for (const interfaceIndex of [vxlan4, theirs]) {
    const entry = { interfaceIndex, mac: mac('66:00:00:00:00:09'), destination: PEER, state: NUD.PERMANENT };
    rtnetlink.plant({ op: 'replace', object: 'forwarding', entry });
  }
  const over = { protocol: PROTOCOL, gateway: PEER, scope: 0, onlink: true } as const;
  const routes = [
    kernelRoute('10.65.2.0/26', ipip, over),
    kernelRoute('10.65.9.0/26', ipip, over),
    kernelRoute('10.65.7.0/26', theirs, { ...over, protocol: RTPROT.BOOT }),
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

/** What of it is others', whatever is done to the rest. */
const THEIRS = [
  'address 10.1.1.1/32 tunl0',
  'address 10.99.1.1/24 eth0',
  'address fd99::1/64 eth0',
  'forwarding 66:00:00:00:00:09 tunl0 10.99.1.2',
  'link cali1 up 1500',
  'link cali2 up 1500',
  'link eth0 up 1500',
  'link tunl0 up 1500',
  'neighbor 192.168.1.9 eth0 128',
  'neighbor fd65::9 eth0 128',
  'route 10.65.7.0/26 tunl0 3 10.99.1.2 1',
  'route 192.168.1.9/32 eth0 3 none 1',
  'route fd65::9/128 eth0 3 none 1',
];

interface Host {
  readonly drivers: readonly Driver[];
  /** 1 on cali1, 2 and 3 on cali2, tunnels, and what is behind them. */
  want(): void;
  wantTunnels(wishes: readonly Tunnel[]): void;
  wantNothing(): void;
  /** As an agent does after each change, and after each failure. Returns the number of failures. */
  apply(): Promise<number>;
}

function openHost(rtnetlink: FakeRtNetlink): Host {
  const wired = kernelDrivers({
    families: IP_FAMILIES,
    settings: { deviceRouteProtocol: PROTOCOL, interfacePrefix: PREFIX },
    rtnetlink,
    procSys: { read: async () => undefined, write: async () => {} },
    conntrack: { flowsOf: async () => [], delete: async () => [] },
    hostAddresses: () => new Set(),
  });
  const { families, tunnels, forwarding } = wired;
  const drivers = kernelDriversOf(wired.drivers);
  const steps = applySteps({ packetFilters: [], kernel: wired.drivers });
  const wantTunnels = (wishes: readonly Tunnel[]) => {
    for (const tunnel of wishes) tunnels.set(tunnel.name, tunnel);
  };
  return {
    ...{ drivers, wantTunnels },
    want() {
      wantTunnels(TUNNELS);
      for (const entry of FORWARDING) forwarding.set(`${entry.interfaceName}/${entry.mac}`, entry);
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
          if (familyOf(wanted.cidr) === family) routes.set(wanted.cidr, wanted);
      }
    },
    wantNothing() {
      const views = [
        tunnels,
        forwarding,
        ...families.flatMap(({ routes, neighbors }) => [routes, neighbors]),
      ];
      for (const view of views as readonly DesiredView<string, unknown>[])
        for (const key of [...view.keys()]) view.delete(key);
    },
    apply: async () => (await runSteps(steps)).failures.length,
  };
}

async function contents(rtnetlink: FakeRtNetlink): Promise<readonly string[]> {
  const links = await rtnetlink.links();
  const named = (index: number | undefined) => links.find((link) => link.index === index)?.name ?? 'none';
  const lists = await Promise.all(
    IP_FAMILIES.map(async (family) => [
      ...(await rtnetlink.routes(family)).map(
        ({ destination, interfaceIndex, protocol, gateway = 'none', type }) =>
          `route ${destination} ${named(interfaceIndex)} ${protocol} ${gateway} ${type}`,
      ),
      ...(await rtnetlink.neighbors(family)).map(
        (it) => `neighbor ${it.address} ${named(it.interfaceIndex)} ${it.state}`,
      ),
    ]),
  );
  return [
    ...lists.flat(),
    ...links.map(({ name, up, mtu }) => `link ${name} ${up ? 'up' : 'down'} ${mtu}`),
    ...(await rtnetlink.addresses()).map((it) => `address ${it.address} ${named(it.interfaceIndex)}`),
    ...(await rtnetlink.forwarding()).map(
      (it) => `forwarding ${it.mac} ${named(it.interfaceIndex)} ${it.destination}`,
    ),
  ].sort();
}

/** What there should be of ours when everything is wanted. */
const OURS = [
  'address 10.65.1.0/32 ipip.calico',
  'address 10.65.1.0/32 vxlan.calico',
  'forwarding 66:00:00:00:00:02 vxlan.calico 10.99.1.2',
  'link ipip.calico up 1480',
  'link vxlan-v6.calico up 1430',
  'link vxlan.calico up 1450',
  'neighbor 192.168.1.1 cali1 128',
  'neighbor 192.168.1.2 cali2 128',
  'neighbor 192.168.1.3 cali2 128',
  'neighbor fd65::1 cali1 128',
  'neighbor fd65::2 cali2 128',
  'neighbor fd65::3 cali2 128',
  'route 10.65.2.0/26 ipip.calico 80 10.99.1.2 1',
  'route 10.66.2.0/26 vxlan.calico 80 10.99.1.2 1',
  'route 192.168.1.1/32 cali1 80 none 1',
  'route 192.168.1.2/32 cali2 80 none 1',
  'route 192.168.1.3/32 cali2 80 none 1',
  'route fd65::1/128 cali1 80 none 1',
  'route fd65::2/128 cali2 80 none 1',
  'route fd65::3/128 cali2 80 none 1',
  'route fd66:2::/122 vxlan-v6.calico 80 fe80::2 1',
];

const converges = test.macro({
  async exec(t, point: FailurePoint, times: number, when: 'comes' | 'goes') {
    const rtnetlink = makeKernel();
    const host = openHost(rtnetlink);
    host.want();
    if (when === 'goes') {
      t.is(await host.apply(), 0);
      host.wantNothing();
      for (const driver of host.drivers) driver.queueResync();
    }
    rtnetlink.failNext(point, times);
    let failures = 0;
    // Two rounds more than failures, so that the last one has nothing to do.
    for (let round = 0; round < times + 2; round += 1) failures += await host.apply();

    t.is(rtnetlink.failed, times, 'the failure was met');
    t.true(failures >= 1, 'and reported');
    t.deepEqual(await contents(rtnetlink), [...THEIRS, ...(when === 'comes' ? OURS : [])].sort());
    for (const driver of host.drivers) t.deepEqual(await driver.verify(), []);
  },
  title: (_, point, times, when) =>
    `a host converges when "${point}" fails ${times === 1 ? 'once' : `${times} times`} while everything ${when}`,
});

/** What nobody has to ask for to remove things. */
const MAKING = /^(?:create|change|replace (?!route))/;

for (const times of [1, 2])
  for (const point of FAILURE_POINTS) {
    test(converges, point, times, 'comes');
    // Addresses and forwarding entries go with their tunnels, which go first.
    if (!MAKING.test(point) && !/forwarding|delete address/.test(point))
      test(converges, point, times, 'goes');
  }

test('law 5: a tunnel that is made anew leaves no moment in which its routes are gone', async (t) => {
  const rtnetlink = makeKernel();
  const host = openHost(rtnetlink);
  host.want();
  await host.apply();
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

test('what goes with a tunnel that is made anew is there again after one apply, and is no drift', async (t) => {
  const rtnetlink = makeKernel();
  const host = openHost(rtnetlink);
  host.want();
  await host.apply();
  const moved = TUNNELS.map((tunnel) => (tunnel.family === 4 ? { ...tunnel, local: PEER } : tunnel));
  const { index } = rtnetlink.linkNamed('eth0');
  const one = { address: `${PEER}/24` as InterfaceAddress, interfaceIndex: index };
  rtnetlink.plant({ op: 'replace', object: 'address', address: one });
  host.wantTunnels(moved);
  t.is(await host.apply(), 0);
  t.deepEqual(
    (await contents(rtnetlink)).filter((line) => !THEIRS.includes(line) && !line.includes(`${PEER}/24`)),
    OURS,
  );
  for (const driver of host.drivers) {
    t.deepEqual(await driver.verify(), [], driver.name);
    t.deepEqual(driver.takeDrift?.() ?? [], [], driver.name);
  }
});

test('one refused route does not keep its neighbours from the kernel', async (t) => {
  const rtnetlink = makeKernel();
  const host = openHost(rtnetlink);
  host.want();
  const routes = driverNamed(host.drivers, 'route-table-4');
  rtnetlink.failNext('create route');
  const report = await routes.applyUpdates();
  t.is(report.failures.length, 1);
  t.is(report.changed, 3);
  t.regex(report.failures[0]?.message ?? '', /^EPERM/);
});

test('verify() names the driver when the kernel cannot be read', async (t) => {
  const rtnetlink = makeKernel();
  const { drivers } = openHost(rtnetlink);
  for (const [name, point] of [
    ['neighbor-table-4', 'neighbors'],
    ['route-table-6', 'routes'],
    ['tunnel-table', 'addresses'],
    ['forwarding-table', 'forwarding'],
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
