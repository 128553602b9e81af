/** The route driver against a kernel in memory; test/netns has the same on the real one. */
import test from 'ava';
import { routeTable } from '../../../../src/agent/dataplane/drivers/route-table.js';
import { RTN, RTPROT } from '../../../../src/kernel/netlink/constants.js';
import type { Address, Cidr, IpFamily } from '../../../../src/model/address.js';
import { FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { applyAll, kernelRoute, PREFIX, PROTOCOL, route } from './driver-fixture.js';

function setUp(family: IpFamily = 4, rtnetlink = new FakeRtNetlink()) {
  const lost: Cidr[] = [];
  const table = routeTable({
    family,
    rtnetlink,
    protocol: PROTOCOL,
    interfacePrefix: PREFIX,
    onPathLost: (cidr) => lost.push(cidr),
  });
  const want = (address: string, interfaceName: string) => {
    const wanted = route(address, interfaceName);
    table.desired.set(wanted.cidr, wanted);
  };
  const held = async () =>
    (await rtnetlink.routes(family))
      .map((it) => `${it.destination} ${it.interfaceIndex} ${it.protocol}`)
      .sort();
  return { rtnetlink, table, lost, want, held };
}

test('routeTable() installs wanted routes, and has nothing to do the second time', async (t) => {
  for (const [family, address] of [
    [4, '192.168.1.1'],
    [6, 'fd65::1'],
  ] as const) {
    const { rtnetlink, table, want, held } = setUp(family);
    rtnetlink.addLink('cali1');
    want(address, 'cali1');
    t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [] });
    t.deepEqual(await held(), [`${address}/${family === 4 ? 32 : 128} 1 80`]);
    table.queueResync();
    const before = rtnetlink.ops.length;
    t.deepEqual(await applyAll(table), { changed: 0, failures: [], waiting: [] });
    t.is(rtnetlink.ops.length, before, 'a read-back alone writes nothing');
    t.deepEqual(await table.verify(), []);
  }
});

test('routeTable() sweeps its own stale routes at start and leaves those of others', async (t) => {
  const { rtnetlink, table, want, held, lost } = setUp();
  const cali1 = rtnetlink.addLink('cali1');
  const eth0 = rtnetlink.addLink('eth0');
  rtnetlink.plant({
    op: 'create',
    object: 'route',
    route: kernelRoute('192.168.1.9/32', cali1.index, { protocol: PROTOCOL }),
  });
  rtnetlink.plant({
    op: 'create',
    object: 'route',
    route: kernelRoute('192.168.2.0/26', eth0.index, { protocol: PROTOCOL }),
  });
  rtnetlink.plant({ op: 'create', object: 'route', route: kernelRoute('192.168.1.8/32', cali1.index) });
  rtnetlink.plant({
    op: 'create',
    object: 'route',
    route: kernelRoute('10.0.0.0/8', eth0.index, { protocol: RTPROT.STATIC }),
  });
  want('192.168.1.1', 'cali1');
  t.deepEqual(await applyAll(table), { changed: 3, failures: [], waiting: [] });
  t.deepEqual(await held(), ['10.0.0.0/8 2 4', '192.168.1.1/32 1 80', '192.168.1.8/32 1 3']);
  t.deepEqual(lost.sort(), ['192.168.1.9/32' as Cidr, '192.168.2.0/26' as Cidr]);
});

test('routeTable() waits for an interface that is missing or down, which is no failure', async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  rtnetlink.addLink('cali1', { up: false });
  want('192.168.1.1', 'cali1');
  want('192.168.1.2', 'cali2');
  t.deepEqual(await applyAll(table), {
    changed: 0,
    failures: [],
    waiting: [
      { object: 'route 192.168.1.1/32 dev cali1', message: 'interface cali1 is down' },
      { object: 'route 192.168.1.2/32 dev cali2', message: 'there is no interface cali2' },
    ],
  });
  t.deepEqual(await table.verify(), []);
  rtnetlink.setUp('cali1', true);
  rtnetlink.addLink('cali2');
  t.deepEqual(await applyAll(table), { changed: 2, failures: [], waiting: [] });
  t.deepEqual(await held(), ['192.168.1.1/32 1 80', '192.168.1.2/32 2 80']);
});

test('law 5: while a route through a tunnel waits, a blackhole stands in its place; in both families', async (t) => {
  for (const [family, network, gateway] of [
    [4, '10.65.2.0/26', '10.99.1.2'],
    [6, 'fd65::200/122', 'fd65::2'],
  ] as const) {
    const { rtnetlink, table } = setUp(family);
    const cidr = network as Cidr;
    const wish = { cidr, interfaceName: 'ipip.calico', gateway: gateway as Address };
    const [object, message] = [
      `route ${network} via ${gateway} dev ipip.calico`,
      'there is no interface ipip.calico',
    ];
    const held = async () =>
      (await rtnetlink.routes(family)).map((it) => `${it.destination} ${it.type} ${it.gateway ?? 'none'}`);
    table.desired.set(cidr, wish);
    t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [{ object, message }] });
    t.deepEqual(await held(), [`${network} ${RTN.BLACKHOLE} none`]);
    const before = rtnetlink.ops.length;
    for (const isReadBack of [false, true]) {
      if (isReadBack) table.queueResync();
      t.deepEqual(await applyAll(table), { changed: 0, failures: [], waiting: [{ object, message }] });
      t.is(rtnetlink.ops.length, before, 'it is written once');
      t.deepEqual(await table.verify(), []);
    }
    rtnetlink.addLink('ipip.calico');
    t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [] });
    t.deepEqual(await held(), [`${network} ${RTN.UNICAST} ${gateway}`]);
    rtnetlink.removeLink('ipip.calico');
    table.queueResync();
    await applyAll(table);
    t.deepEqual(await held(), [`${network} ${RTN.BLACKHOLE} none`]);
    table.desired.delete(cidr);
    await applyAll(table);
    t.deepEqual(await held(), [], 'it goes with the wish');
  }
});

test('law 5: a workload that left for a host behind a tunnel that is not there is not reached here any more', async (t) => {
  const { rtnetlink, table, want, lost } = setUp();
  rtnetlink.addLink('cali1');
  want('192.168.1.1', 'cali1');
  await applyAll(table);
  const { cidr } = route('192.168.1.1', 'cali1');
  table.desired.set(cidr, { cidr, interfaceName: 'ipip.calico', gateway: '10.99.1.2' as Address });
  await applyAll(table);
  t.deepEqual(
    (await rtnetlink.routes(4)).map(({ type }) => type),
    [RTN.BLACKHOLE],
  );
  t.deepEqual(lost, [cidr]);
});

test('routeTable() takes over a route on a tunnel of ours, and on no other', async (t) => {
  for (const name of ['ipip.calico', 'tunl0']) {
    const { rtnetlink, table } = setUp();
    const tunnel = rtnetlink.addLink(name);
    const cidr = '10.65.2.0/26' as Cidr;
    const planted = kernelRoute(cidr, tunnel.index, { gateway: '10.99.1.2' as Address });
    rtnetlink.plant({ op: 'create', object: 'route', route: planted });
    table.desired.set(cidr, { cidr, interfaceName: name, gateway: '10.99.1.2' as Address });
    const { failures } = await applyAll(table);
    const [held] = await rtnetlink.routes(4);
    t.deepEqual([failures.length, held?.protocol], name === 'ipip.calico' ? [0, PROTOCOL] : [1, RTPROT.BOOT]);
  }
});

test('routeTable() follows an interface that comes back with another index', async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  rtnetlink.addLink('cali1');
  want('192.168.1.1', 'cali1');
  await applyAll(table);
  rtnetlink.removeLink('cali1');
  rtnetlink.addLink('cali1');
  table.queueResync();
  t.like(await applyAll(table), { changed: 1 });
  t.deepEqual(await held(), ['192.168.1.1/32 2 80']);
});

test('routeTable() moves a route between interfaces, also one of an earlier life, and tells it', async (t) => {
  const { rtnetlink, table, want, held, lost } = setUp();
  rtnetlink.addLink('cali1');
  rtnetlink.addLink('cali2');
  want('192.168.1.1', 'cali1');
  await applyAll(table);
  const reborn = setUp(4, rtnetlink);
  reborn.want('192.168.1.1', 'cali2');
  t.like(await applyAll(reborn.table), { changed: 1, failures: [] });
  t.deepEqual(await held(), ['192.168.1.1/32 2 80']);
  t.deepEqual([...lost, ...reborn.lost], ['192.168.1.1/32' as Cidr]);
});

test('routeTable() repairs what differs in gateway, scope, type or metric', async (t) => {
  for (const rest of [{ scope: 0 }, { type: 6 }, { priority: 5 }, { priority: 5, scope: 0 }]) {
    const { rtnetlink, table, want } = setUp();
    const { index } = rtnetlink.addLink('cali1');
    const crooked = kernelRoute('192.168.1.1/32', index, { protocol: PROTOCOL, ...rest });
    rtnetlink.plant({ op: 'create', object: 'route', route: crooked });
    want('192.168.1.1', 'cali1');
    t.deepEqual(await table.verify(), [
      { object: 'route 192.168.1.1/32 dev cali1', message: 'differs in the kernel' },
    ]);
    t.like(await applyAll(table), { changed: 1, failures: [] });
    const [held, ...others] = await rtnetlink.routes(4);
    t.like(held, kernelRoute('192.168.1.1/32', index, { protocol: PROTOCOL }));
    t.deepEqual(others, []);
    t.deepEqual(await table.verify(), []);
  }
});

test('routeTable() gives IPv6 routes the smallest metric, and IPv4 routes none, which is smaller', async (t) => {
  for (const [family, address, metric] of [
    [4, '192.168.1.1', undefined],
    [6, 'fd65::1', 1],
  ] as const) {
    const { rtnetlink, table, want } = setUp(family);
    rtnetlink.addLink('cali1');
    want(address, 'cali1');
    await applyAll(table);
    t.deepEqual(
      (await rtnetlink.routes(family)).map(({ priority }) => priority),
      [metric],
    );
  }
});

test('routeTable() replaces a route of an earlier life that had another metric, without a gap', async (t) => {
  const { rtnetlink, table, want } = setUp(6);
  const { index } = rtnetlink.addLink('cali1');
  const [before, stale] = ['fd65::1/128', 'fd65::2/128'].map((cidr) =>
    kernelRoute(cidr, index, { protocol: PROTOCOL, priority: 1024 }),
  );
  for (const route of [before, stale]) if (route) rtnetlink.plant({ op: 'create', object: 'route', route });
  want('fd65::1', 'cali1');
  t.like(await applyAll(table), { changed: 2, failures: [] });
  t.deepEqual(
    rtnetlink.ops.map(
      (op) => op.object === 'route' && `${op.op} ${op.route.destination} ${op.route.priority}`,
    ),
    ['create fd65::1/128 1', 'delete fd65::1/128 1024', 'delete fd65::2/128 1024'],
  );
  t.deepEqual(await table.verify(), []);
});

test('routeTable() takes over a route that stands on a workload interface', async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  const { index } = rtnetlink.addLink('cali1');
  rtnetlink.plant({ op: 'create', object: 'route', route: kernelRoute('192.168.1.1/32', index) });
  want('192.168.1.1', 'cali1');
  t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [] });
  t.deepEqual(await held(), ['192.168.1.1/32 1 80']);
});

test("routeTable() reports another program's route in the way, and leaves it", async (t) => {
  const { rtnetlink, table, want, held } = setUp();
  rtnetlink.addLink('cali1');
  const eth0 = rtnetlink.addLink('eth0');
  rtnetlink.plant({ op: 'create', object: 'route', route: kernelRoute('192.168.1.1/32', eth0.index) });
  want('192.168.1.1', 'cali1');
  want('192.168.1.2', 'cali1');
  const report = await applyAll(table);
  t.is(report.changed, 1, 'its neighbour is installed');
  t.is(report.failures[0]?.object, 'route 192.168.1.1/32 dev cali1');
  t.regex(report.failures[0]?.message ?? '', /another program's route to 192\.168\.1\.1\/32 is in the way/);
  t.deepEqual(await held(), ['192.168.1.1/32 2 3', '192.168.1.2/32 1 80']);
  rtnetlink.plant({ op: 'delete', object: 'route', route: kernelRoute('192.168.1.1/32', eth0.index) });
  t.deepEqual(await applyAll(table), { changed: 1, failures: [], waiting: [] });
});

test('routeTable() removes a route that is wanted no more', async (t) => {
  const { rtnetlink, table, want, held, lost } = setUp();
  rtnetlink.addLink('cali1');
  want('192.168.1.1', 'cali1');
  await applyAll(table);
  table.desired.delete('192.168.1.1/32' as Cidr);
  t.deepEqual(await table.verify(), [
    { object: 'route 192.168.1.1/32 dev cali1', message: 'in the kernel, and not wanted' },
  ]);
  t.like(await applyAll(table), { changed: 1, failures: [] });
  t.deepEqual(await held(), []);
  t.deepEqual(lost, ['192.168.1.1/32' as Cidr]);
});

test('routeTable() counts a route that somebody removed first as removed', async (t) => {
  const { rtnetlink, table, want } = setUp();
  rtnetlink.addLink('cali1');
  want('192.168.1.1', 'cali1');
  await applyAll(table);
  table.desired.delete('192.168.1.1/32' as Cidr);
  rtnetlink.removeLink('cali1');
  t.like(await applyAll(table), { changed: 1, failures: [] });
});
