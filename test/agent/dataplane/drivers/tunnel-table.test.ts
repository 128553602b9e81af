/**
 * The driver of tunnels and IP in IP, on a kernel in memory that has what Linux has of it; test/qemu has the real one, and
 * test/netns/overlay-tables.test.ts VXLAN.
 */
import test, { type ExecutionContext } from 'ava';
import { tunnelTable } from '../../../../src/agent/dataplane/drivers/tunnel-table.js';
import type { IpipTunnel } from '../../../../src/agent/dataplane/intent.js';
import type { InterfaceAddress } from '../../../../src/model/address.js';
import { FakeRtNetlink, type IpipOfKernel } from '../../../helpers/fake-rtnetlink.js';
import { address } from '../../../topology/topology-fixture.js';
import { applyAll } from './driver-fixture.js';

const TUNL0: IpipTunnel = {
  ...{ name: 'tunl0', encapsulation: 'ipip', family: 4 },
  ...{ local: address('10.99.1.1'), address: address('10.65.1.0') },
};
const NOTHING_WRONG = { failures: [], waiting: [] };

/** A host with one interface, and the driver on it. */
function setUp(ipip: IpipOfKernel, wishes: readonly IpipTunnel[] = [TUNL0]) {
  const rtnetlink = new FakeRtNetlink({ events: true, ipip });
  const eth0 = rtnetlink.addLink('eth0');
  const give = (interfaceIndex: number, text: string) =>
    rtnetlink.plant({
      op: 'replace',
      object: 'address',
      address: { address: text as InterfaceAddress, interfaceIndex },
    });
  give(eth0.index, '10.99.1.1/24');
  const driver = tunnelTable({ rtnetlink });
  for (const wish of wishes) driver.desired.set(wish.name, wish);
  const tunl0 = async () => (await rtnetlink.links()).find(({ name }) => name === 'tunl0');
  return {
    rtnetlink,
    driver,
    tunl0,
    async give(text: string) {
      give((await tunl0())?.index ?? 0, text);
    },
    async change(rest: { readonly up?: boolean; readonly mtu?: number; readonly alias?: string }) {
      const index = (await tunl0())?.index ?? 0;
      rtnetlink.plant({ op: 'change', object: 'link', link: { index, ...rest } });
    },
    async addresses() {
      const index = (await tunl0())?.index;
      const all = await rtnetlink.addresses();
      return all.filter(({ interfaceIndex }) => interfaceIndex === index).map((one) => `${one.address}`);
    },
    async again() {
      driver.queueResync();
      return applyAll(driver);
    },
  };
}

type Host = ReturnType<typeof setUp>;

async function assertWhole(t: ExecutionContext, host: Host, wish = TUNL0, why?: string): Promise<void> {
  t.like(await host.again(), NOTHING_WRONG, why);
  t.like(await host.tunl0(), { up: true, mtu: 1480, alias: 'heddle' }, why);
  t.deepEqual(await host.addresses(), wish.address === undefined ? [] : [`${wish.address}/32`], why);
  t.deepEqual(await host.driver.verify(), [], why);
}

for (const ipip of ['fallback', 'bare'] as const)
  test(`tunl0 is there, up, marked and addressed, and then left alone (${ipip})`, async (t) => {
    const host = setUp(ipip);
    await assertWhole(t, host);
    const before = host.rtnetlink.ops.length;
    await assertWhole(t, host);
    t.is(host.rtnetlink.ops.length, before, 'nothing is written twice');
  });

test('a tunl0 that was there before us is taken into use when a pool asks for it', async (t) => {
  const host = setUp('fallback');
  host.rtnetlink.loadIpip();
  await host.give('10.1.1.1/32');
  await assertWhole(t, host);
});

test('a tunnel without an address of its own has none', async (t) => {
  const wish = { ...TUNL0, address: undefined };
  await assertWhole(t, setUp('fallback', [wish]), wish);
});

test('whatever is changed by hand is found and put right', async (t) => {
  const host = setUp('fallback');
  await assertWhole(t, host);
  const damages: Readonly<Record<string, () => Promise<void>>> = {
    down: () => host.change({ up: false }),
    mtu: () => host.change({ mtu: 1400 }),
    mark: () => host.change({ alias: '' }),
    address: () => host.give('10.1.1.1/32'),
  };
  for (const [what, damage] of Object.entries(damages)) {
    await damage();
    t.is((await host.driver.verify())[0]?.object, 'tunnel tunl0', what);
    await assertWhole(t, host, TUNL0, what);
  }
});

test('a tunnel that nobody wants any more goes; the one that the kernel made is left down, bare and unmarked', async (t) => {
  for (const ipip of ['fallback', 'bare'] as const) {
    const host = setUp(ipip);
    await assertWhole(t, host);
    host.driver.desired.delete('tunl0');
    t.like(await applyAll(host.driver), { changed: 1, ...NOTHING_WRONG });
    const left = await host.tunl0();
    if (ipip === 'bare') t.is(left, undefined);
    else {
      t.like(left, { up: false });
      t.is(left?.alias, undefined);
      t.deepEqual(await host.addresses(), []);
    }
    t.deepEqual(await host.driver.verify(), []);
    t.like(await host.again(), { changed: 0, ...NOTHING_WRONG }, 'once is enough');
  }
});

test('law 4: a restarted agent sweeps the tunl0 that is marked as ours', async (t) => {
  const host = setUp('fallback', []);
  host.rtnetlink.loadIpip();
  await host.change({ up: true, alias: 'heddle' });
  await host.give('10.65.1.0/32');
  t.deepEqual(
    (await host.driver.verify()).map(({ object }) => object),
    ['tunnel tunl0'],
  );
  t.like(await host.again(), { changed: 1, ...NOTHING_WRONG });
  t.like(await host.tunl0(), { up: false });
  t.deepEqual(await host.addresses(), []);
});

test('law 4: a tunl0 that is not ours is not touched while no pool asks for it', async (t) => {
  const host = setUp('fallback', []);
  host.rtnetlink.loadIpip();
  await host.change({ up: true, alias: 'ipvs' });
  await host.give('10.1.1.1/32');
  t.deepEqual(await host.driver.verify(), []);
  t.like(await host.again(), { changed: 0, ...NOTHING_WRONG });
  t.deepEqual(host.rtnetlink.ops, []);
  t.like(await host.tunl0(), { up: true, alias: 'ipvs' });
});

test('law 4: a tunl0 that was never made ours is not removed when the wish goes', async (t) => {
  const host = setUp('fallback');
  host.rtnetlink.loadIpip();
  await host.change({ up: true, alias: 'ipvs' });
  host.rtnetlink.failNext('apply');
  t.is((await applyAll(host.driver)).failures.length, 1);
  host.driver.desired.delete('tunl0');
  t.like(await applyAll(host.driver), NOTHING_WRONG);
  t.like(await host.tunl0(), { up: true, alias: 'ipvs' });
});

test('an interface called tunl0 that is no such device is in the way, and stays', async (t) => {
  const ends = { local: undefined, remote: address('10.99.9.9') };
  for (const rest of [{}, { ipip: ends }]) {
    const host = setUp('bare');
    host.rtnetlink.addLink('tunl0', rest);
    const { failures } = await host.again();
    t.is(failures.length, 1);
    t.regex(failures[0]?.message ?? '', /^an interface of that name is in the way.*ip -d link show tunl0/);
    t.deepEqual(host.rtnetlink.ops, []);
  }
});

test('one of ours with another local address is made anew', async (t) => {
  const host = setUp('bare');
  const ends = { local: address('10.99.1.9'), remote: undefined };
  host.rtnetlink.addLink('tunl0', { ipip: ends, alias: 'heddle' });
  await assertWhole(t, host);
  t.is((await host.tunl0())?.ipip?.local, TUNL0.local);
});

test('a kernel without IPIP is named, with the way out, and asked again the next time', async (t) => {
  const host = setUp('none');
  const failure = {
    object: 'tunnel tunl0',
    message: 'this kernel has no IPIP (module ipip): use vxlanMode, or load the module',
  };
  for (const _ of ['first', 'again']) {
    const { failures, impossible } = await host.driver.applyUpdates();
    t.deepEqual([failures, impossible], [[], [failure]]);
    t.deepEqual(await host.driver.verify(), [], 'that is said, and no difference');
  }
  host.rtnetlink.loadIpip();
  await assertWhole(t, host);
  t.deepEqual((await host.driver.applyUpdates()).impossible ?? [], []);
  await host.change({ up: false });
  t.is((await host.driver.verify()).length, 1, 'from now on it is one');
});

test('without an interface that has the address of the host a tunnel waits, and is no failure', async (t) => {
  const host = setUp('fallback', [{ ...TUNL0, local: address('10.99.1.2') }]);
  t.like(await host.again(), {
    failures: [],
    waiting: [{ object: 'tunnel tunl0', message: 'no interface has the address 10.99.1.2 of this host' }],
  });
  t.deepEqual(await host.driver.verify(), []);
  t.is(await host.tunl0(), undefined);
});

test('what the kernel refuses is a failure, and is done the next time', async (t) => {
  const host = setUp('fallback');
  host.rtnetlink.failNext('change link');
  t.like((await applyAll(host.driver)).failures[0], { object: 'tunnel tunl0' });
  await assertWhole(t, host);
});
