/**
 * Law 3 on the real kernel: each call that the drivers make of it (netlink, /proc/sys, conntrack) fails once, before or after
 * it did its work, in the middle of a change of everything there is: the host ends as it would have without.
 */
import test from 'ava';
import { applySteps, runSteps } from '../../src/agent/dataplane/apply-steps.js';
import { recordDesired } from '../../src/agent/dataplane/desired-record.js';
import { kernelDrivers } from '../../src/agent/dataplane/drivers/kernel-drivers.js';
import { kernelDriversOf } from '../../src/agent/dataplane/kernel-kinds.js';
import { createManagers } from '../../src/agent/dataplane/managers/index.js';
import { hostSysctls, workloadSysctls } from '../../src/agent/dataplane/sysctls/workload-sysctls.js';
import { exec } from '../../src/kernel/exec.js';
import { hostAddresses } from '../../src/kernel/host-addresses.js';
import { NETLINK_NETFILTER } from '../../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openConntrack } from '../../src/kernel/open-conntrack.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import type { OverlayModel } from '../../src/topology/overlay.js';
import { address, cidr, endpoint, endpointId, mac, settings } from '../agent/dataplane/batch.js';
import { PREFIX, PROTOCOL } from '../agent/dataplane/drivers/driver-fixture.js';
import { bringUpLoopback, createVeth, ip, ipJson, requirePrivateNetns, run } from '../helpers/netns.js';

requirePrivateNetns();
test.before(bringUpLoopback);

const INTERFACES = ['cali1', 'cali2', 'cali3'];
const UNDERLAY: Readonly<Record<IpFamily, readonly string[]>> = {
  4: ['10.99.0.1/24', '10.99.0.2/24'],
  6: ['fd99::1/64', 'fd99::2/64'],
};
const workload = (family: IpFamily, host: number) => (family === 4 ? `10.65.0.${host}` : `fd65::${host}`);

/** What a host is to have. */
interface Wish {
  /** By the number in their addresses. */
  readonly workloads: readonly { readonly host: number; readonly interfaceName: string }[];
  /** The two ends of its tunnels, by a number too. */
  readonly own: number;
  readonly peer: number;
}

/** One goes, one moves, one comes, one stays; both ends of the overlay change, so that its devices are made anew. */
const BEFORE: Wish = { workloads: on({ 1: 'cali1', 2: 'cali2', 3: 'cali3' }), own: 1, peer: 7 };
const AFTER: Wish = { workloads: on({ 1: 'cali1', 2: 'cali3', 4: 'cali2' }), own: 2, peer: 8 };

function on(places: Readonly<Record<number, string>>): Wish['workloads'] {
  return Object.entries(places).map(([host, interfaceName]) => ({ host: Number(host), interfaceName }));
}

function overlay({ own, peer }: Wish): OverlayModel {
  return {
    tunnels: IP_FAMILIES.map((family) => ({
      encapsulation: 'vxlan',
      family,
      mac: mac('66:00:00:00:00:01'),
      hostAddress: address(family === 4 ? `10.99.0.${own}` : `fd99::${own}`),
      tunnelAddress: address(family === 4 ? '10.66.0.1' : 'fd66::1'),
      peers: [
        {
          node: 'b',
          mac: mac(`66:00:00:00:00:0${peer}`),
          hostAddress: address(family === 4 ? `10.99.0.${peer}` : `fd99::${peer}`),
          gateway: address(family === 4 ? `10.66.0.${peer}` : `fd66::${peer}`),
        },
      ],
    })),
    routes: IP_FAMILIES.map((family) => ({
      type: 'tunnel',
      encapsulation: 'vxlan',
      cidr: cidr(family === 4 ? '10.66.7.0/26' : 'fd66:7::/122'),
      gateway: address(family === 4 ? `10.66.0.${peer}` : `fd66::${peer}`),
    })),
  };
}

type Call<A extends unknown[], R> = (...args: A) => Promise<R>;

/** Has the call with this number fail, of those while it is armed. A read that fails afterwards is one that failed before, so only writes do. */
function faultAt(number: number, when: 'before' | 'after') {
  let calls = 0;
  let isArmed = false;
  const guard =
    <A extends unknown[], R>(call: Call<A, R>): Call<A, R> =>
    async (...args) => {
      if (isArmed) calls += 1;
      if (!isArmed || calls !== number) return call(...args);
      if (when === 'after') await call(...args);
      throw new Error('injected fault');
    };
  return {
    read: <A extends unknown[], R>(call: Call<A, R>) => (when === 'before' ? guard(call) : call),
    write: guard,
    arm(armed: boolean): void {
      isArmed = armed;
    },
    get happened() {
      return calls >= number;
    },
  };
}
type Fault = ReturnType<typeof faultAt>;

/** An agent's drivers, whose kernel may fail them. */
function openDrivers(fault: Fault) {
  const rtnetlink = openRtNetlink(openKoffiTransport());
  const conntrack = openConntrack(openKoffiTransport({ protocol: NETLINK_NETFILTER }));
  const wired = kernelDrivers({
    families: IP_FAMILIES,
    settings: { deviceRouteProtocol: PROTOCOL, interfacePrefix: PREFIX },
    rtnetlink: {
      ...rtnetlink,
      links: fault.read(() => rtnetlink.links()),
      routes: fault.read((family, filter) => rtnetlink.routes(family, filter)),
      neighbors: fault.read((family) => rtnetlink.neighbors(family)),
      addresses: fault.read(() => rtnetlink.addresses()),
      forwarding: fault.read(() => rtnetlink.forwarding()),
      apply: fault.write((ops) => rtnetlink.apply(ops)),
    },
    procSys: {
      read: fault.read((path) => procSys.read(path)),
      write: fault.write((path, value) => procSys.write(path, value)),
    },
    conntrack: {
      flowsOf: fault.read((networks) => conntrack.flowsOf(networks)),
      delete: fault.write((flows) => conntrack.delete(flows)),
    },
    hostAddresses,
  });
  // Chains and sets are wishes and no more: nothing here goes through programs.
  const wishes = recordDesired(IP_FAMILIES);
  const families = wishes.families.map((family, index) => ({ ...family, ...wired.families[index] }));
  const managers = createManagers({ ...wired, families });
  managers.onUpdate(settings());
  const drivers = kernelDriversOf(wired.drivers);
  const steps = applySteps({ packetFilters: [], kernel: wired.drivers });
  let workloads: Wish['workloads'] = [];
  return {
    want(wish: Wish): void {
      for (const { host } of workloads)
        managers.onUpdate({ type: 'workload-endpoint-remove', id: endpointId(`w${host}`) });
      workloads = wish.workloads;
      for (const { host, interfaceName } of workloads) {
        const addresses = IP_FAMILIES.map((family) => address(workload(family, host)));
        managers.onUpdate(endpoint(`w${host}`, interfaceName, { addresses }));
      }
      managers.onUpdate({ type: 'overlay-update', model: overlay(wish) });
      managers.completeDeferredWork();
    },
    /** As an agent does after each change, and after each failure. */
    async apply(): Promise<number> {
      return (await runSteps(steps)).failures.length;
    },
    queueResync(): void {
      for (const driver of drivers) driver.queueResync();
    },
    async verify() {
      return (await Promise.all(drivers.map((driver) => driver.verify()))).flat();
    },
    async [Symbol.asyncDispose]() {
      await rtnetlink.close();
      await conntrack.close();
    },
  };
}

/** The kernel as text: whatever the drivers may have written. */
async function kernel(): Promise<readonly string[]> {
  const texts = [
    ...(await ipJson('-d addr show type vxlan')).map(describeTunnel),
    await ip('-4 route show table main'),
    await ip('-6 route show table main'),
    await ip('neigh show nud permanent'),
    await run('bridge', ['fdb', 'show', 'dev', 'vxlan.calico']),
    await run('bridge', ['fdb', 'show', 'dev', 'vxlan-v6.calico']),
    ...(await Promise.all(
      [...hostSysctls(IP_FAMILIES), ...INTERFACES.flatMap((name) => workloadSysctls(name, IP_FAMILIES))].map(
        async ({ path }) => `${path} ${await procSys.read(path)}`,
      ),
    )),
  ];
  const flows = await exec('conntrack', ['-L', '-p', 'udp']);
  const ends = flows.stdout.split('\n').map((line) => /src=\S+ dst=\S+/.exec(line)?.[0] ?? '');
  const lines = [...texts.flatMap((text) => text.split('\n')), ...ends].map((line) => line.trim());
  // Link-local addresses and routes come by themselves, some time later; numbers of interfaces are never the same.
  return lines.filter((line) => !/fe80::|^\d+: /.test(line)).sort();
}

function describeTunnel(link: Readonly<Record<string, unknown>>): string {
  const addresses = (link.addr_info as readonly { readonly local: string; readonly scope: string }[])
    .filter(({ scope }) => scope === 'global')
    .map(({ local }) => local);
  return [link.ifname, link.mtu, link.address, link.flags, ...addresses].join(' ');
}

/** A host as it was before, in a change that a fault may meet; what came of it. */
async function change(fault: Fault) {
  await using _first = await createVeth({ name: 'cali1' });
  await using _second = await createVeth({ name: 'cali2' });
  await using _third = await createVeth({ name: 'cali3' });
  await using _uplink = await createVeth({ name: 'eth0' });
  for (const family of IP_FAMILIES)
    for (const one of UNDERLAY[family]) await ip(`addr add ${one} dev eth0${family === 6 ? ' nodad' : ''}`);
  try {
    await using drivers = openDrivers(fault);
    drivers.want(BEFORE);
    const failedBefore = await drivers.apply();
    for (const host of [1, 3])
      await run('conntrack', ['-I', '-s', workload(4, host), '-d', '192.0.2.1', ...UDP_FLOW]);
    fault.arm(true);
    drivers.want(AFTER);
    drivers.queueResync();
    const failed = await drivers.apply();
    for (let round = 0; round < 2; round += 1) await drivers.apply();
    fault.arm(false);
    return { failedBefore, failed, differences: await drivers.verify(), kernel: await kernel() };
  } finally {
    for (const { ifname } of await ipJson('link show type vxlan')) await ip(`link delete ${ifname}`);
    for (const family of IP_FAMILIES) await ip(`-${family} route flush proto ${PROTOCOL}`);
    await run('conntrack', ['-F']);
  }
}

const UDP_FLOW = ['-p', 'udp', '--sport', '9', '--dport', '9', '-t', '600', '-u', 'SEEN_REPLY'];

for (const when of ['before', 'after'] as const)
  test.serial(`a host converges after any call of its drivers failed ${when} it did its work`, async (t) => {
    const undisturbed = await change(faultAt(Number.POSITIVE_INFINITY, when));
    t.deepEqual([undisturbed.failedBefore, undisturbed.failed, undisturbed.differences], [0, 0, []]);
    t.true(undisturbed.kernel.includes('src=10.65.0.1 dst=192.0.2.1'), 'a flow that stays');
    t.false(undisturbed.kernel.includes('src=10.65.0.3 dst=192.0.2.1'), 'the flow of an address that left');
    let reported = 0;
    let call = 1;
    for (; ; call += 1) {
      const fault = faultAt(call, when);
      const { failedBefore, failed, differences, kernel: found } = await change(fault);
      if (!fault.happened) break;
      if (failed > 0) reported += 1;
      t.is(failedBefore, 0);
      t.deepEqual(differences, [], `call ${call}`);
      t.deepEqual(found, undisturbed.kernel, `call ${call}`);
    }
    t.log(`${call - 1} calls, ${reported} of which were reported at once`);
    t.true(reported > 0);
  });
