/**
 * Law 3: every call to the kernel fails once, and then twice in a row: the drivers converge all the same, nothing of
 * others is touched, and what can be written is written meanwhile.
 */
import test from 'ava';
import type { Driver } from '../../../../src/agent/dataplane/driver.js';
import { neighborKey, neighborTable } from '../../../../src/agent/dataplane/drivers/neighbor.js';
import { routeTable } from '../../../../src/agent/dataplane/drivers/route-table.js';
import { IP_FAMILIES, type IpFamily } from '../../../../src/model/address.js';
import { FAILURE_POINTS, type FailurePoint, FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import {
  applyAll,
  kernelNeighbor,
  kernelRoute,
  neighbor,
  PREFIX,
  PROTOCOL,
  route,
} from './driver-fixture.js';

const ADDRESSES: Record<IpFamily, (host: number) => string> = {
  4: (host) => `192.168.1.${host}`,
  6: (host) => `fd65::${host}`,
};

/** A kernel in which something of every kind has to be created, changed, removed and left alone. */
function makeKernel(family: IpFamily): FakeRtNetlink {
  const address = ADDRESSES[family];
  const length = family === 4 ? 32 : 128;
  const rtnetlink = new FakeRtNetlink();
  const [cali1, cali2, eth0] = ['cali1', 'cali2', 'eth0'].map((name) => rtnetlink.addLink(name).index);
  const inTheWay = family === 6 ? { priority: 1 } : {};
  const routes = [
    kernelRoute(`${address(2)}/${length}`, cali1 ?? 0, { protocol: PROTOCOL, ...inTheWay }),
    kernelRoute(`${address(3)}/${length}`, cali2 ?? 0, inTheWay),
    kernelRoute(`${address(8)}/${length}`, cali1 ?? 0, { protocol: PROTOCOL }),
    kernelRoute(`${address(9)}/${length}`, eth0 ?? 0),
  ];
  const neighbors = [kernelNeighbor(address(8), cali1 ?? 0), kernelNeighbor(address(9), eth0 ?? 0)];
  for (const it of routes) rtnetlink.plant({ op: 'create', object: 'route', route: it });
  for (const it of neighbors) rtnetlink.plant({ op: 'replace', object: 'neighbor', neighbor: it });
  return rtnetlink;
}

/** Drivers that want 1 on cali1, 2 and 3 on cali2. */
function makeDrivers(family: IpFamily, rtnetlink: FakeRtNetlink): readonly Driver[] {
  const options = { family, rtnetlink, interfacePrefix: PREFIX };
  const routes = routeTable({ ...options, protocol: PROTOCOL, onPathLost: () => {} });
  const neighbors = neighborTable(options);
  for (const [host, name] of [
    [1, 'cali1'],
    [2, 'cali2'],
    [3, 'cali2'],
  ] as const) {
    const wantedRoute = route(ADDRESSES[family](host), name);
    const wantedNeighbor = neighbor(ADDRESSES[family](host), name);
    routes.desired.set(wantedRoute.cidr, wantedRoute);
    neighbors.desired.set(neighborKey(wantedNeighbor), wantedNeighbor);
  }
  return [neighbors, routes];
}

async function contents(family: IpFamily, rtnetlink: FakeRtNetlink): Promise<readonly string[]> {
  return [
    ...(await rtnetlink.routes(family)).map((it) => `${it.destination} ${it.interfaceIndex} ${it.protocol}`),
    ...(await rtnetlink.neighbors(family)).map((it) => `${it.address} ${it.interfaceIndex} ${it.state}`),
  ].sort();
}

const converges = test.macro({
  async exec(t, point: FailurePoint, times: number) {
    for (const family of IP_FAMILIES) {
      const undisturbed = makeKernel(family);
      for (const driver of makeDrivers(family, undisturbed))
        t.deepEqual((await applyAll(driver)).failures, []);

      const rtnetlink = makeKernel(family);
      const drivers = makeDrivers(family, rtnetlink);
      rtnetlink.failNext(point, times);
      let failures = 0;
      // Two rounds more than failures, so that the last one has nothing to do.
      for (let round = 0; round < times + 2; round += 1)
        for (const driver of drivers) failures += (await applyAll(driver)).failures.length;

      t.is(rtnetlink.failed, times, 'the failure was met');
      t.true(failures >= 1, 'and reported');
      t.deepEqual(await contents(family, rtnetlink), await contents(family, undisturbed));
      for (const driver of drivers) t.deepEqual(await driver.verify(), []);
    }
  },
  title: (_, point, times) =>
    `drivers converge when "${point}" fails ${times === 1 ? 'once' : `${times} times`}`,
});

for (const point of FAILURE_POINTS) for (const times of [1, 2]) test(converges, point, times);

test('one refused route does not keep its neighbours from the kernel', async (t) => {
  const rtnetlink = makeKernel(4);
  const [, routes] = makeDrivers(4, rtnetlink);
  if (!routes) return t.fail('there is a route driver');
  rtnetlink.failNext('create route');
  const report = await routes.applyUpdates();
  t.is(report.failures.length, 1);
  t.is(report.changed, 2);
  t.regex(report.failures[0]?.message ?? '', /^EPERM/);
});

test('verify() names the driver when the kernel cannot be read', async (t) => {
  const rtnetlink = makeKernel(4);
  for (const [driver, point] of [
    [makeDrivers(4, rtnetlink)[0], 'neighbors'],
    [makeDrivers(4, rtnetlink)[1], 'routes'],
  ] as const) {
    rtnetlink.failNext(point);
    t.is((await driver?.verify())?.[0]?.object, driver?.name);
  }
});
