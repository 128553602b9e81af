/**
 * What the drivers are for: two workloads in namespaces of their own reach each other over the host, in both
 * families, and neither can pretend to be somebody else.
 */

import { readFile } from 'node:fs/promises';
import test from 'ava';
import { FlowTable } from '../../src/agent/dataplane/drivers/flow-table.js';
import { kernelDrivers } from '../../src/agent/dataplane/drivers/kernel-drivers.js';
import { neighborKey } from '../../src/agent/dataplane/drivers/neighbor.js';
import { PolicedState } from '../../src/agent/dataplane/flows/policed-state.js';
import { kernelDriversOf } from '../../src/agent/dataplane/kernel-kinds.js';
import { hostSysctls, workloadSysctls } from '../../src/agent/dataplane/sysctls/workload-sysctls.js';
import { hostAddresses } from '../../src/kernel/host-addresses.js';
import { NETLINK_NETFILTER } from '../../src/kernel/netlink/constants.js';
import { netlinkTransports } from '../../src/kernel/netlink/index.js';
import { openConntrack } from '../../src/kernel/open-conntrack.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import { type Cidr, IP_FAMILIES } from '../../src/model/address.js';
import { MAC, neighbor, PREFIX, PROTOCOL, route } from '../agent/dataplane/drivers/driver-fixture.js';
import {
  bringUpLoopback,
  createNamespace,
  createVeth,
  ip,
  type Namespace,
  requirePrivateNetns,
  run,
} from '../helpers/netns.js';

requirePrivateNetns();
test.before(async () => {
  await bringUpLoopback();
  await run('sysctl', NO_DAD);
});

const HOST_MAC = '02:00:00:00:00:fe';
/** Else a link-local address, and with it the IPv6 gateway, is not used for a second or two (RFC 4862). */
const NO_DAD = ['-qw', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.all.accept_dad=0'];
/** What HOST_MAC makes of fe80::/64 (RFC 4291, appendix A). */
const HOST_LINK_LOCAL = 'fe80::ff:fe00:fe';

/** A namespace with one interface, as a container runtime would make it. */
async function createWorkload(interfaceName: string, host: number) {
  const namespace = await createNamespace('wl');
  await namespace.run('sysctl', NO_DAD);
  const veth = await createVeth({
    name: interfaceName,
    peer: 'eth0',
    peerNamespace: namespace,
    mac: HOST_MAC,
    peerMac: MAC,
  });
  await namespace.ip(`addr add 192.168.1.${host}/32 dev eth0`);
  await namespace.ip(`addr add fd65::${host}/128 dev eth0 nodad`);
  await namespace.ip('route add 169.254.1.1 dev eth0 scope link');
  await namespace.ip('route add default via 169.254.1.1 dev eth0');
  await namespace.ip(`-6 route add default via ${HOST_LINK_LOCAL} dev eth0`);
  return {
    namespace,
    async [Symbol.asyncDispose]() {
      await veth[Symbol.asyncDispose]();
      await namespace[Symbol.asyncDispose]();
    },
  };
}

/** The host's way out: with it, and only with it, the kernel answers for the gateway. */
async function createUplink() {
  const uplink = await createVeth();
  await ip(`addr add 10.99.0.1/24 dev ${uplink.name}`);
  await ip('route add default via 10.99.0.254');
  return uplink;
}

/** The drivers, wanting everything that these workloads need. */
async function program(workloads: Readonly<Record<string, number>>) {
  const rtnetlink = openRtNetlink(await netlinkTransports.koffi.open());
  const settings = { deviceRouteProtocol: PROTOCOL, interfacePrefix: PREFIX };
  const wired = kernelDrivers({
    families: IP_FAMILIES,
    settings,
    rtnetlink,
    procSys,
    // None of these tests takes a route away.
    conntrack: { flowsOf: async () => [], delete: async () => [] },
    hostAddresses,
  });
  const { families, sysctls } = wired;
  const drivers = kernelDriversOf(wired.drivers);
  const settingsOf = Object.keys(workloads).flatMap((name) => workloadSysctls(name, IP_FAMILIES));
  for (const { path, value } of [...hostSysctls(IP_FAMILIES), ...settingsOf]) sysctls.set(path, value);
  for (const [name, host] of Object.entries(workloads))
    for (const { family, routes, neighbors } of families) {
      const address = family === 4 ? `192.168.1.${host}` : `fd65::${host}`;
      routes.set(route(address, name).cidr, route(address, name));
      neighbors.set(neighborKey(neighbor(address, name)), neighbor(address, name));
    }
  for (const driver of drivers) await driver.applyUpdates();
  return {
    problems: async () => (await Promise.all(drivers.map((driver) => driver.verify()))).flat(),
    [Symbol.asyncDispose]: () => rtnetlink.close(),
  };
}

async function reaches(from: Namespace, address: string, options: readonly string[] = []): Promise<boolean> {
  const { code } = await from.exec('ping', ['-c1', '-W1', ...options, address]);
  return code === 0;
}

/** As `reaches`, where an answer is to come: a busy machine is given its time. */
const isAnswered = (from: Namespace, address: string): Promise<boolean> => reaches(from, address, ['-W10']);

test.serial('workloads reach each other and their host through proxy ARP, in both families', async (t) => {
  await using _uplink = await createUplink();
  await using first = await createWorkload('cali1', 1);
  await using second = await createWorkload('cali2', 2);
  await using agent = await program({ cali1: 1, cali2: 2 });
  t.deepEqual(await agent.problems(), []);
  t.true(await isAnswered(first.namespace, '192.168.1.2'), 'IPv4');
  t.true(await isAnswered(first.namespace, 'fd65::2'), 'IPv6');
  t.true(await isAnswered(second.namespace, '10.99.0.1'), 'the host');
  t.regex(
    await first.namespace.run('ip', ['neigh', 'show', '169.254.1.1']),
    new RegExp(`lladdr ${HOST_MAC}`),
  );
});

test.serial('a workload that sends from the address of another is not heard, in IPv4', async (t) => {
  await using _uplink = await createUplink();
  await using first = await createWorkload('cali1', 1);
  await using second = await createWorkload('cali2', 2);
  await using agent = await program({ cali1: 1, cali2: 2 });
  t.deepEqual(await agent.problems(), []);
  const received = async () => Number((await icmpCounters(second.namespace)).InEchos);
  // The honest one first: the kernel does not answer the ARP request of a liar either.
  t.true(await isAnswered(first.namespace, '192.168.1.2'));
  t.is(await received(), 1);
  await first.namespace.ip('addr add 192.168.1.77/32 dev eth0');
  t.false(await reaches(first.namespace, '192.168.1.2', ['-I', '192.168.1.77']));
  t.is(await received(), 1, 'the request was dropped, not the answer');
  await run('sysctl', ['-qw', 'net.ipv4.conf.cali1.rp_filter=0']);
  await reaches(first.namespace, '192.168.1.2', ['-I', '192.168.1.77']);
  t.is(await received(), 2, 'without the filter it gets through');
});

test.serial('a host without another route to it does not answer for the gateway', async (t) => {
  await using first = await createWorkload('cali1', 1);
  await using agent = await program({ cali1: 1 });
  t.deepEqual(await agent.problems(), []);
  t.false(await reaches(first.namespace, '10.99.0.1'));
  const gateway = () => first.namespace.run('ip', ['neigh', 'show', '169.254.1.1']);
  t.notRegex(await gateway(), /lladdr/);
  await using uplink = await createUplink();
  await first.namespace.ip('neigh flush dev eth0');
  t.true(await isAnswered(first.namespace, '10.99.0.1'), `with a route over ${uplink.name}`);
  t.regex(await gateway(), /lladdr/);
});

test.serial('sysctls in the kernel are read back, repaired, and wait for their interface', async (t) => {
  await using agent = await program({ cali1: 1 });
  t.deepEqual(await agent.problems(), [], 'a missing interface is no problem');
  await using _first = await createWorkload('cali1', 1);
  t.true(
    (await agent.problems()).some(({ object }) => object === 'sysctl net/ipv4/conf/cali1/proxy_arp = 1'),
  );
  await using again = await program({ cali1: 1 });
  t.deepEqual(await again.problems(), []);
  const path = '/proc/sys/net/ipv4/conf/cali1/rp_filter';
  t.is(await readFile(path, 'utf8'), '1\n');
  await run('sysctl', ['-qw', 'net.ipv4.conf.cali1.rp_filter=0']);
  t.deepEqual((await again.problems()).map(({ object }) => object).sort(), [
    'sysctl net/ipv4/conf/cali1/rp_filter = 1',
  ]);
  await using repaired = await program({ cali1: 1 });
  t.deepEqual(await repaired.problems(), []);
  t.is(await readFile(path, 'utf8'), '1\n');
});

test.serial(
  'the flows of an address that left are deleted, those of others stay, in both families',
  async (t) => {
    await using uplink = await createUplink();
    await ip(`addr add fd99::1/64 dev ${uplink.name}`);
    await using first = await createWorkload('cali1', 1);
    await using second = await createWorkload('cali2', 2);
    await using agent = await program({ cali1: 1, cali2: 2 });
    t.deepEqual(await agent.problems(), []);
    for (const tables of ['iptables-nft', 'ip6tables-nft'])
      await run(tables, ['-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'ACCEPT']);
    await ip('addr add 10.99.0.1/32 dev lo');
    await ip('addr add fd99::1/128 dev lo');
    for (const { namespace } of [first, second])
      for (const address of ['10.99.0.1', 'fd99::1']) t.true(await isAnswered(namespace, address), address);
    const flows = async (address: string) =>
      (await run('conntrack', ['-L', '-f', address.includes(':') ? 'ipv6' : 'ipv4'])).split(`src=${address} `)
        .length - 1;
    t.deepEqual(
      await Promise.all(['192.168.1.1', '192.168.1.2', 'fd65::1', 'fd65::2'].map(flows)),
      [1, 1, 1, 1],
      'each workload has a flow in each family',
    );

    await using conntrack = openConntrack(
      await netlinkTransports.koffi.open({ protocol: NETLINK_NETFILTER }),
    );
    const table = new FlowTable({ conntrack, policed: new PolicedState(IP_FAMILIES), hostAddresses });
    for (const cidr of ['192.168.1.1/32', 'fd65::1/128']) table.addressLeft(cidr as Cidr);
    t.deepEqual(await table.applyDeletions(), { changed: 2, failures: [] });
    t.deepEqual(
      await Promise.all(['192.168.1.1', '192.168.1.2', 'fd65::1', 'fd65::2'].map(flows)),
      [0, 1, 0, 1],
    );
    t.deepEqual(await table.verify(), []);

    for (const tables of ['iptables-nft', 'ip6tables-nft']) await run(tables, ['-F', 'INPUT']);
    await ip('addr del 10.99.0.1/32 dev lo');
    await ip('addr del fd99::1/128 dev lo');
  },
);

/** The ICMP counters of a namespace by name. */
async function icmpCounters(namespace: Namespace): Promise<Readonly<Record<string, string>>> {
  const lines = (await namespace.run('cat', ['/proc/net/snmp']))
    .split('\n')
    .filter((line) => line.startsWith('Icmp:'));
  const [names = [], values = []] = lines.map((line) => line.split(' '));
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}
