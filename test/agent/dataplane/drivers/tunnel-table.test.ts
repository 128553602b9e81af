/**
 * The driver of tunnels on a kernel in memory, for both kinds; test/netns/overlay-tables.test.ts has VXLAN on the real one,
 * and test/qemu/ipip.test.ts IP in IP.
 */
import test, { type ExecutionContext } from 'ava';
import type { DriverFailure } from '../../../../src/agent/dataplane/driver.js';
import { tunnelTable } from '../../../../src/agent/dataplane/drivers/tunnel-table.js';
import type { IpipTunnel, Tunnel, VxlanTunnel } from '../../../../src/agent/dataplane/intent.js';
import type { Link } from '../../../../src/kernel/rtnetlink.js';
import type { InterfaceAddress } from '../../../../src/model/address.js';
import { ENCAPSULATIONS, type Encapsulation } from '../../../../src/model/encapsulation.js';
import { FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { address } from '../../../topology/topology-fixture.js';
import { mac } from '../batch.js';
import { applyAll, PREFIX } from './driver-fixture.js';

const ENDS = { local: address('10.99.1.1'), address: address('10.65.1.0') };
const IPIP: IpipTunnel = { name: 'ipip.calico', encapsulation: 'ipip', family: 4, ...ENDS };
const VXLAN: VxlanTunnel = {
  ...{ name: 'vxlan.calico', encapsulation: 'vxlan', family: 4, id: 4096, port: 4789 },
  ...{ mac: mac('66:00:00:00:00:01'), ...ENDS },
};
const WISHES = { ipip: IPIP, vxlan: VXLAN } satisfies Record<Encapsulation, Tunnel>;
const OVERHEAD = { ipip: 20, vxlan: 50 } satisfies Record<Encapsulation, number>;
const NOTHING_WRONG = { failures: [], waiting: [] };

/** A host with one interface, and the driver on it. */
function setUp(wishes: readonly Tunnel[], modules: readonly Encapsulation[] = ENCAPSULATIONS) {
  const rtnetlink = new FakeRtNetlink({ events: true, modules: new Set(modules) });
  const give = (name: string, text: string) => {
    const interfaceIndex = rtnetlink.linkNamed(name).index;
    const one = { address: text as InterfaceAddress, interfaceIndex };
    rtnetlink.plant({ op: 'replace', object: 'address', address: one });
  };
  rtnetlink.addLink('lo', { mtu: 65_536 });
  rtnetlink.addLink('eth0');
  give('eth0', '10.99.1.1/24');
  const removed: string[] = [];
  let keep: DriverFailure | undefined;
  const driver = tunnelTable({
    ...{ rtnetlink, interfacePrefix: PREFIX },
    beforeRemoval: async (name) => {
      removed.push(name);
      return keep;
    },
  });
  for (const wish of wishes) driver.desired.set(wish.name, wish);
  return {
    ...{ rtnetlink, driver, give, removed },
    keepBecause(failure: DriverFailure | undefined) {
      keep = failure;
    },
    async names() {
      return (await rtnetlink.links()).map(({ name }) => name).sort();
    },
    change(name: string, rest: Partial<Pick<Link, 'up' | 'mtu'>>) {
      const { index } = rtnetlink.linkNamed(name);
      rtnetlink.plant({ op: 'change', object: 'link', link: { index, ...rest } });
    },
    async addresses(name: string) {
      const { index } = rtnetlink.linkNamed(name);
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

async function assertWhole(t: ExecutionContext, host: Host, wish: Tunnel, below = 1500, why?: string) {
  t.like(await host.again(), NOTHING_WRONG, why);
  const mtu = below - OVERHEAD[wish.encapsulation];
  t.like(host.rtnetlink.linkNamed(wish.name), { up: true, mtu }, why);
  const addresses = wish.address === undefined ? [] : [`${wish.address}/32`];
  t.deepEqual(await host.addresses(wish.name), addresses, why);
  t.deepEqual(await host.driver.verify(), [], why);
}

for (const encapsulation of ENCAPSULATIONS) {
  const wish = WISHES[encapsulation];
  const { name } = wish;

  test(`${name} is there, up and addressed, and then left alone`, async (t) => {
    const host = setUp([wish]);
    await assertWhole(t, host, wish);
    const before = host.rtnetlink.ops.length;
    await assertWhole(t, host, wish);
    t.is(host.rtnetlink.ops.length, before, 'nothing is written twice');
  });

  test(`${name} without an address of its own has none`, async (t) => {
    const bare = { ...wish, address: undefined };
    await assertWhole(t, setUp([bare]), bare);
  });

  test(`whatever is changed on ${name} by hand is found and put right`, async (t) => {
    const host = setUp([wish]);
    await assertWhole(t, host, wish);
    const damages: Readonly<Record<string, () => void>> = {
      down: () => host.change(name, { up: false }),
      mtu: () => host.change(name, { mtu: 1400 }),
      address: () => host.give(name, '10.1.1.1/32'),
      gone: () => host.rtnetlink.removeLink(name),
    };
    for (const [what, damage] of Object.entries(damages)) {
      damage();
      t.is((await host.driver.verify())[0]?.object, `tunnel ${name}`, what);
      await assertWhole(t, host, wish, 1500, what);
    }
  });

  test(`what is called ${name} and was made otherwise is made anew, and routes over it are told before`, async (t) => {
    const others: Partial<Link>[] = [
      {},
      { ipip: { local: address('10.99.1.9'), remote: undefined } },
      { ipip: { local: ENDS.local, remote: address('10.99.9.9') } },
      { vxlan: { id: 4096, port: 4789, local: ENDS.local, underlay: 2, learning: false } },
      { vxlan: { id: 4096, port: 4789, local: ENDS.local, underlay: undefined, learning: true } },
      { vxlan: { id: 4096, port: 8472, local: ENDS.local, underlay: undefined, learning: false } },
    ];
    for (const [index, other] of others.entries()) {
      const host = setUp([wish]);
      host.rtnetlink.addLink(name, other);
      await assertWhole(t, host, wish, 1500, `${index}`);
      t.deepEqual(host.removed, [name]);
      t.deepEqual(await host.names(), ['eth0', 'lo', name].sort());
    }
  });

  test(`${name} goes when nobody wants it any more, and routes over it are told before`, async (t) => {
    const host = setUp([wish]);
    await assertWhole(t, host, wish);
    host.driver.desired.delete(name);
    t.like(await applyAll(host.driver), { changed: 1, ...NOTHING_WRONG });
    t.deepEqual(host.removed, [name]);
    t.deepEqual(await host.names(), ['eth0', 'lo']);
    t.like(await host.again(), { changed: 0, ...NOTHING_WRONG }, 'once is enough');
  });

  test(`law 5: while routes over ${name} cannot be held it stays, removed or made anew`, async (t) => {
    const because = { object: 'route 10.65.2.0/26', message: 'EPERM' };
    for (const isWanted of [false, true]) {
      const host = setUp(isWanted ? [wish] : []);
      host.rtnetlink.addLink(name);
      host.keepBecause(because);
      const message = 'kept, because of route 10.65.2.0/26: EPERM';
      t.deepEqual((await host.again()).failures, [{ object: `tunnel ${name}`, message }]);
      t.deepEqual(host.rtnetlink.ops, []);
      host.keepBecause(undefined);
      t.like(await host.again(), NOTHING_WRONG);
      t.is((await host.names()).includes(name), isWanted);
    }
  });

  test(`law 4: a restarted agent sweeps ${name}, and no other tunnel`, async (t) => {
    const host = setUp([]);
    host.rtnetlink.addLink(name, { ...(encapsulation === 'ipip' && { ipip: IPIP_TO_ANY }) });
    // The kernel makes it by itself, and IPVS has its addresses on it.
    host.rtnetlink.addLink('tunl0', { ipip: IPIP_TO_ANY });
    host.give('tunl0', '10.1.1.1/32');
    host.rtnetlink.addLink('flannel.1', {});
    const found = (await host.driver.verify()).map(({ object }) => object);
    t.deepEqual(found, [`tunnel ${name}`]);
    t.like(await host.again(), { changed: 1, ...NOTHING_WRONG });
    t.deepEqual(await host.names(), ['eth0', 'flannel.1', 'lo', 'tunl0']);
    t.deepEqual(await host.addresses('tunl0'), ['10.1.1.1/32']);
  });

  test(`a kernel that cannot have ${name} is named, with the way out, and asked again the next time`, async (t) => {
    const host = setUp([wish], []);
    const remedy = encapsulation === 'ipip' ? 'use vxlanMode, or load the module' : 'load the module';
    const failure = {
      object: `tunnel ${name}`,
      message: `this kernel has no ${encapsulation.toUpperCase()} (module ${encapsulation}): ${remedy}`,
    };
    for (const _ of ['first', 'again']) {
      const { failures, impossible } = await host.driver.applyUpdates();
      t.deepEqual([failures, impossible], [[], [failure]]);
      t.deepEqual(await host.driver.verify(), [], 'that is said, and no difference');
    }
    host.rtnetlink.options.modules?.add(encapsulation);
    await assertWhole(t, host, wish);
    t.deepEqual((await host.driver.applyUpdates()).impossible ?? [], []);
    host.change(name, { up: false });
    t.is((await host.driver.verify()).length, 1, 'from now on it is one');
  });

  test(`a device of somebody else's with the ends of ${name} is named, and stays`, async (t) => {
    const host = setUp([wish]);
    const theirs = encapsulation === 'ipip' ? { ipip: IPIP_TO_ANY } : { vxlan: vxlanOf(VXLAN) };
    host.rtnetlink.addLink('theirs', theirs);
    const [failure, ...others] = (await host.again()).failures;
    t.is(failure?.object, `tunnel ${name}`);
    t.regex(failure?.message ?? '', /^another device .*: remove it \(ip -d link show type (ipip|vxlan)\)$/);
    t.deepEqual([others, await host.names()], [[], ['eth0', 'lo', 'theirs']]);
  });

  test(`the MTU of ${name} is that of the interface with the local address, and on lo the smallest of the others`, async (t) => {
    const host = setUp([wish]);
    host.change('eth0', { mtu: 9000 });
    await assertWhole(t, host, wish, 9000);
    host.give('lo', '10.99.1.1/32');
    for (const [other, rest] of Object.entries({
      eth1: { mtu: 4000 },
      cali1: { mtu: 1400 },
      'vxlan-v6.calico': { mtu: 1300 },
      eth2: { mtu: 1400, up: false },
      can0: { mtu: 72 },
      tailscale0: { mtu: 1280 },
    }))
      host.rtnetlink.addLink(other, rest);
    host.driver.queueResync();
    await host.driver.applyUpdates();
    t.is(host.rtnetlink.linkNamed(name).mtu, 4000 - OVERHEAD[encapsulation]);
  });

  test(`without an interface that has the address of the host ${name} waits, and is no failure`, async (t) => {
    const host = setUp([{ ...wish, local: address('10.99.1.2') }]);
    t.like(await host.again(), {
      failures: [],
      waiting: [
        {
          object: `tunnel ${name}`,
          message: 'no interface has the address 10.99.1.2 of this host',
        },
      ],
    });
    t.deepEqual(await host.driver.verify(), []);
    t.deepEqual(await host.names(), ['eth0', 'lo']);
  });
}

const IPIP_TO_ANY = { local: ENDS.local, remote: undefined };

function vxlanOf({ id, port, local }: VxlanTunnel) {
  return { id, port, local, underlay: undefined, learning: false };
}
