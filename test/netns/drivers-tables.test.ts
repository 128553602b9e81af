/**
 * Law 4: the drivers on the real kernel: what an earlier life and other programs left, interfaces that come and go, and
 * people who change things by hand.
 */

import test, { type ExecutionContext } from 'ava';
import type { DriverFailure } from '../../src/agent/dataplane/driver.js';
import { monitorInterfaces } from '../../src/agent/dataplane/drivers/interface-monitor.js';
import { kernelDrivers } from '../../src/agent/dataplane/drivers/kernel-drivers.js';
import { neighborKey } from '../../src/agent/dataplane/drivers/neighbor.js';
import { kernelDriversOf } from '../../src/agent/dataplane/kernel-kinds.js';
import { hostAddresses } from '../../src/kernel/host-addresses.js';
import { NETLINK_NETFILTER } from '../../src/kernel/netlink/constants.js';
import { type NetlinkTransportName, netlinkTransports } from '../../src/kernel/netlink/index.js';
import { openConntrack } from '../../src/kernel/open-conntrack.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import { MAC, neighbor, PREFIX, PROTOCOL, route } from '../agent/dataplane/drivers/driver-fixture.js';
import { bringUpLoopback, createVeth, ip, ipJson, requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

requirePrivateNetns();
// Before the first declaration: ava takes no more after an await.
const unavailable = await netlinkTransports['node-netlink'].available();
test.before(bringUpLoopback);

const ADDRESSES: Record<IpFamily, (host: number) => string> = {
  4: (host) => `192.168.1.${host}`,
  6: (host) => `fd65::${host}`,
};

/** The drivers of an agent. */
async function openAgent(transport: NetlinkTransportName) {
  const rtnetlink = openRtNetlink(await netlinkTransports[transport].open());
  const conntrack = openConntrack(await netlinkTransports[transport].open({ protocol: NETLINK_NETFILTER }));
  const settings = { deviceRouteProtocol: PROTOCOL, interfacePrefix: PREFIX };
  const wired = kernelDrivers({
    families: IP_FAMILIES,
    settings,
    rtnetlink,
    procSys,
    conntrack,
    hostAddresses,
  });
  const drivers = kernelDriversOf(wired.drivers);
  return {
    rtnetlink,
    drivers,
    want(host: number, interfaceName: string) {
      for (const { family, routes, neighbors } of wired.families) {
        const [wantedRoute, wantedNeighbor] = [
          route(ADDRESSES[family](host), interfaceName),
          neighbor(ADDRESSES[family](host), interfaceName),
        ];
        routes.set(wantedRoute.cidr, wantedRoute);
        neighbors.set(neighborKey(wantedNeighbor), wantedNeighbor);
      }
    },
    async apply(): Promise<readonly DriverFailure[]> {
      const failures: DriverFailure[] = [];
      for (const driver of drivers) failures.push(...(await driver.applyUpdates()).failures);
      for (const driver of drivers.toReversed()) failures.push(...(await driver.applyDeletions()).failures);
      return failures;
    },
    async verify(): Promise<readonly DriverFailure[]> {
      return (await Promise.all(drivers.map((driver) => driver.verify()))).flat();
    },
    queueResync() {
      for (const driver of drivers) driver.queueResync();
    },
    async [Symbol.asyncDispose]() {
      await rtnetlink.close();
      await conntrack.close();
    },
  };
}

/** Routes and permanent neighbours as ip(8) shows them, kernel's own included. */
async function kernelState(): Promise<readonly string[]> {
  const state: string[] = [];
  for (const family of IP_FAMILIES) {
    for (const it of await ipJson(`-${family} route show table main`))
      state.push(`${it.dst} ${it.dev} ${it.protocol ?? 'boot'}`);
    for (const it of await ipJson(`-${family} neigh show nud permanent`))
      state.push(`${it.dst} ${it.dev} ${it.lladdr}`);
  }
  return state.sort();
}

/** What the agent makes of host number `host` on an interface. */
function programmed(host: number, interfaceName: string): readonly string[] {
  return IP_FAMILIES.flatMap((family) => [
    `${ADDRESSES[family](host)} ${interfaceName} ${PROTOCOL}`,
    `${ADDRESSES[family](host)} ${interfaceName} ${MAC}`,
  ]);
}

const isSubset = (part: readonly string[], whole: readonly string[]): boolean =>
  part.every((one) => whole.includes(one));

driverTests('koffi');
if (unavailable === undefined) driverTests('node-netlink');
// Whether the reason is a good one is asked in kernel-node-netlink.test.ts.
else test(`drivers over node-netlink: not available: ${unavailable}`, (t) => t.truthy(unavailable));

function driverTests(transport: NetlinkTransportName): void {
  const serial = (title: string, body: (t: ExecutionContext) => Promise<void>) =>
    test.serial(`drivers over ${transport}: ${title}`, body);

  serial('a restarted agent sweeps what is its own and stale, and touches nothing of others', async (t) => {
    await using cali1 = await createVeth({ name: 'cali1' });
    await using cali2 = await createVeth({ name: 'cali2' });
    await using _eth0 = await createVeth({ name: 'eth0' });
    {
      await using before = await openAgent(transport);
      before.want(1, cali1.name);
      before.want(2, cali1.name);
      before.want(3, cali2.name);
      t.deepEqual(await before.apply(), []);
    }
    // Foreign: routes of boot, of another daemon and of the kernel, neighbours elsewhere, entries that are not permanent.
    await ip('route add 10.1.0.0/24 dev cali1');
    await ip('route add 10.2.0.0/24 dev eth0 proto bird');
    await ip('-6 route add fd99::/64 dev cali1');
    await ip(`neigh add 10.9.9.9 lladdr ${MAC} dev eth0 nud permanent`);
    await ip(`neigh add 10.9.9.8 lladdr ${MAC} dev cali1 nud stale`);
    // The kernel's own come with the carrier.
    const links = ['cali1', 'cali2', 'eth0'].map((name) => `fe80::/64 ${name} kernel`);
    await until(async () => isSubset(links, await kernelState()), { what: 'the link-local routes' });
    const stale = [...programmed(2, 'cali1'), ...programmed(3, 'cali2')];
    const foreign = (await kernelState()).filter(
      (line) => ![...stale, ...programmed(1, 'cali1')].includes(line),
    );
    t.true(isSubset(links, foreign));
    t.true(foreign.includes('10.1.0.0/24 cali1 boot'));

    await using after = await openAgent(transport);
    after.want(1, cali1.name);
    after.want(3, cali1.name);
    after.want(4, cali2.name);
    t.deepEqual(await after.apply(), []);
    t.deepEqual(
      await kernelState(),
      [...foreign, ...programmed(1, 'cali1'), ...programmed(3, 'cali1'), ...programmed(4, 'cali2')].sort(),
    );
    t.deepEqual(await after.verify(), []);
    t.is((await ipJson('neigh show dev cali1 nud stale')).length, 1);
  });

  serial('an interface that is deleted and made again under its name gets everything back', async (t) => {
    await using agent = await openAgent(transport);
    const stop = new AbortController();
    let changes = 0;
    const monitor = monitorInterfaces({
      rtnetlink: agent.rtnetlink,
      interfacePrefix: PREFIX,
      drivers: agent.drivers,
      onChange: () => (changes += 1),
      // Events have to suffice where there are any.
      resyncMs: transport === 'koffi' ? 3_600_000 : 50,
      pollMs: 20,
      signal: stop.signal,
    });
    agent.want(1, 'cali1');
    t.deepEqual(await agent.apply(), [], 'no interface yet is no failure');
    t.deepEqual(await agent.verify(), []);

    const programmedNow = async () => {
      await agent.apply();
      const state = await kernelState();
      return programmed(1, 'cali1').every((line) => state.includes(line));
    };
    const first = await createVeth({ name: 'cali1' });
    await until(programmedNow, { what: 'routes over the new interface' });
    await first[Symbol.asyncDispose]();
    await using second = await createVeth({ name: 'cali1' });
    await until(programmedNow, { what: 'routes over the interface of the same name' });

    await ip(`link set ${second.name} down`);
    await ip(`link set ${second.name} up`);
    await until(programmedNow, { what: 'routes over the interface that was down' });
    t.deepEqual(await agent.verify(), []);
    stop.abort();
    await monitor;
    t.true(changes > 0);
  });

  serial('what is removed by hand is seen by verify() and repaired at the next resync', async (t) => {
    await using cali1 = await createVeth({ name: 'cali1' });
    await using agent = await openAgent(transport);
    agent.want(1, cali1.name);
    await agent.apply();
    await ip('route del 192.168.1.1/32');
    await ip('-6 route del fd65::1/128');
    await ip('neigh del 192.168.1.1 dev cali1');
    t.deepEqual((await agent.verify()).map(({ object, message }) => `${object}: ${message}`).sort(), [
      'neighbor 192.168.1.1 dev cali1: not in the kernel',
      'route 192.168.1.1/32 dev cali1: not in the kernel',
      'route fd65::1/128 dev cali1: not in the kernel',
    ]);
    agent.queueResync();
    t.deepEqual(await agent.apply(), []);
    t.deepEqual(await agent.verify(), []);
  });

  serial('a route in the way is taken over on a workload interface, and reported elsewhere', async (t) => {
    await using cali1 = await createVeth({ name: 'cali1' });
    await using _eth0 = await createVeth({ name: 'eth0' });
    await ip('route add 192.168.1.1/32 dev cali1 scope link');
    await ip('-6 route add fd65::1/128 dev cali1 metric 1');
    await ip('route add 192.168.1.2/32 dev eth0');
    await ip('-6 route add fd65::2/128 dev eth0 metric 1');
    await using agent = await openAgent(transport);
    agent.want(1, cali1.name);
    agent.want(2, cali1.name);
    const blocked = (await agent.apply()).map(({ object }) => object).sort();
    t.deepEqual(blocked, ['route 192.168.1.2/32 dev cali1', 'route fd65::2/128 dev cali1']);
    const state = await kernelState();
    for (const line of programmed(1, 'cali1')) t.true(state.includes(line), line);
    t.true(state.includes('192.168.1.2 eth0 boot') && state.includes('fd65::2 eth0 boot'));
  });

  serial('a workload that moved here is reached here, while BGP still has it at its old host', async (t) => {
    await using cali1 = await createVeth({ name: 'cali1' });
    await using _eth0 = await createVeth({ name: 'eth0' });
    await ip('addr add 10.99.0.1/24 dev eth0');
    await ip('-6 addr add fd99::1/64 dev eth0 nodad');
    await ip('route add 192.168.1.1/32 via 10.99.0.2 proto bird metric 32');
    await ip('-6 route add fd65::1/128 via fd99::2 proto bird metric 32');
    await using agent = await openAgent(transport);
    agent.want(1, cali1.name);
    t.deepEqual(await agent.apply(), []);
    t.deepEqual(await agent.verify(), []);
    for (const family of IP_FAMILIES) {
      const [chosen] = await ipJson(`-${family} route get ${ADDRESSES[family](1)}`);
      t.is(chosen?.dev, 'cali1', `IPv${family}`);
      t.is((await ipJson(`-${family} route show proto bird`)).length, 1, "which is BIRD's to withdraw");
    }
  });

  serial('routes of an earlier life with another metric are replaced and swept', async (t) => {
    await using cali1 = await createVeth({ name: 'cali1' });
    for (const host of [1, 2])
      await ip(`-6 route add ${ADDRESSES[6](host)}/128 dev cali1 proto ${PROTOCOL} metric 1024`);
    await using agent = await openAgent(transport);
    agent.want(1, cali1.name);
    t.deepEqual(await agent.apply(), []);
    const held = await ipJson(`-6 route show proto ${PROTOCOL}`);
    t.deepEqual(
      held.map(({ dst, metric }) => `${dst} ${metric}`),
      ['fd65::1 1'],
    );
  });

  serial('crooked routes of our own are put straight, in both families', async (t) => {
    await using cali1 = await createVeth({ name: 'cali1' });
    await ip(`route add 192.168.1.1/32 dev cali1 proto ${PROTOCOL} metric 5`);
    await ip(`route add blackhole 192.168.1.2/32 proto ${PROTOCOL}`);
    await ip(`-6 route add fd65::1/128 dev cali1 proto ${PROTOCOL} metric 5`);
    await ip(`-6 route add blackhole fd65::2/128 proto ${PROTOCOL}`);
    await using agent = await openAgent(transport);
    agent.want(1, cali1.name);
    agent.want(2, cali1.name);
    t.deepEqual(await agent.apply(), []);
    t.deepEqual(await agent.verify(), []);
    for (const family of IP_FAMILIES)
      t.is((await ipJson(`-${family} route show proto ${PROTOCOL}`)).length, 2);
  });
}
