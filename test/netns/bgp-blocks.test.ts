/** Blocks of addresses on three hosts with real BIRD: who hears of a block, who of its addresses, and where packets end. */
import test from 'ava';
import { flood } from '../helpers/flood.js';
import { createNamespace, type Namespace, requirePrivateNetns, uniqueName } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import type { NetworkText } from '../topology/topology-fixture.js';
import {
  allEstablished,
  appears,
  applyToAll,
  connections,
  createLab,
  type Host,
  type Lab,
  vanishes,
} from './bgp-fixture.js';

requirePrivateNetns();

const NODES = {
  h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64' },
  h2: { v4: '10.99.0.2/24', v6: 'fd99::2/64' },
  h3: { v4: '10.99.0.3/24', v6: 'fd99::3/64' },
};
const POOLS = { '10.65.0.0/16': {}, 'fd65::/48': {} };
const BLOCKS = ['10.65.1.0/26', 'fd65::40/122'] as const;
/** A workload of h1 inside each of the blocks, an address there that nobody has, and a workload beside the blocks. */
const WORKLOADS = ['10.65.1.1', 'fd65::41'] as const;
const FREE = ['10.65.1.9', 'fd65::49'] as const;
const BESIDE = ['10.65.9.1', 'fd65::901'] as const;
const VIA_H1 = [/via 10\.99\.0\.1 dev eth0 proto bird/, /via fd99::1 dev eth0 proto bird/] as const;

type State = 'confirmed' | 'pending' | 'pendingDeletion';

let lab: Lab<'h1' | 'h2' | 'h3'>;
let workload: Namespace;

async function live(blocks: NetworkText['blocks'] = {}, more: NetworkText = {}): Promise<void> {
  await applyToAll(Object.values(lab), { nodes: NODES, pools: POOLS, blocks, ...more });
}

/** Both blocks are h1's, in this state. */
const ownedByH1 = (state: State): NonNullable<NetworkText['blocks']> =>
  Object.fromEntries(BLOCKS.map((cidr) => [cidr, { h1: state }]));

/** Whether an answer comes: one that is to come may take its time on a busy machine. */
async function pings(from: Host, address: string, waitS = '0.4'): Promise<boolean> {
  return (await from.namespace.exec('ping', ['-c1', '-W', waitS, address])).code === 0;
}
const answers = (from: Host, address: string): Promise<boolean> => pings(from, address, '10');

/** A namespace behind the workload interface of h1, with an address of either block. */
async function startWorkload({ namespace: host }: Host): Promise<Namespace> {
  const inside = await createNamespace('wl');
  const port = uniqueName('cp');
  await inside.run('sysctl', ['-qw', 'net.ipv6.conf.default.accept_dad=0']);
  await host.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  await host.run('sysctl', ['-qw', 'net.ipv4.conf.cali1.proxy_arp=1', 'net.ipv4.neigh.cali1.proxy_delay=0']);
  await host.ip(`link add ${port} type veth peer name eth0 netns ${inside.name}`);
  await host.ip(`link set ${port} master cali1 up`);
  await inside.ip('link set eth0 up');
  await inside.ip(`addr add ${WORKLOADS[0]}/32 dev eth0`);
  await inside.ip('route add 169.254.1.1 dev eth0 scope link');
  await inside.ip('route add default via 169.254.1.1 dev eth0');
  await inside.ip(`-6 addr add ${WORKLOADS[1]}/128 dev eth0 nodad`);
  const linkLocal = async () => /inet6 (fe80\S+)\/64/.exec(await host.ip('-6 addr show dev cali1'))?.[1];
  const gateway = await until(linkLocal, { what: 'the link-local address of cali1' });
  await inside.ip(`-6 route add default via ${gateway} dev eth0`);
  return inside;
}

test.before('three hosts in a mesh, workloads on the first', async () => {
  lab = await createLab({ h1: 1, h2: 2, h3: 3 });
  workload = await startWorkload(lab.h1);
  for (const address of [...WORKLOADS, ...BESIDE]) {
    const isV6 = address.includes(':');
    await lab.h1.namespace.ip(
      `${isV6 ? '-6' : '-4'} route add ${address}/${isV6 ? 128 : 32} dev cali1 ${isV6 ? '' : 'scope link '}proto 80`,
    );
  }
});

test.after.always('nothing is left', async () => {
  await workload?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
});

test.serial('a confirmed block is announced in place of the addresses in it, in both families', async (t) => {
  await live(ownedByH1('confirmed'));
  for (const host of [lab.h2, lab.h3]) {
    for (const [index, cidr] of BLOCKS.entries()) {
      t.regex(await appears(host, cidr), VIA_H1[index] ?? /never/);
      t.regex(await appears(host, BESIDE[index] ?? ''), VIA_H1[index] ?? /never/);
      t.is(await host.route(WORKLOADS[index] ?? ''), '', 'the address is hidden by its block');
    }
  }
  for (const cidr of BLOCKS) t.regex(await lab.h1.route(cidr), /^blackhole .* proto bird/);
});

test.serial('packets reach the workloads of a block, and end at its host where there is none', async (t) => {
  const { h1, h2 } = lab;
  for (const address of WORKLOADS) t.true(await answers(h2, address), address);
  // A packet that h1 sent on to its default gateway would be a route of h1 in the first place.
  for (const address of FREE) {
    t.false(await pings(h2, address), address);
    const { code, stderr } = await h1.namespace.exec('ip', ['route', 'get', address]);
    t.not(code, 0);
    t.regex(stderr, /Invalid argument|unreachable/i);
  }
});

test.serial('an address of a block that lives on another host is announced by that host', async (t) => {
  const { h1, h2, h3 } = lab;
  for (const [index, address] of FREE.entries()) {
    const family = index === 0 ? '-4' : '-6';
    await h2.namespace.ip(`${family} route add ${address} dev cali1 proto 80`);
    const gateway = index === 0 ? /via 10\.99\.0\.2 / : /via fd99::2 /;
    for (const host of [h1, h3]) t.regex(await appears(host, address), gateway, host.name);
    t.regex(await h3.route(BLOCKS[index] ?? ''), VIA_H1[index] ?? /never/);
    await h2.namespace.ip(`${family} route del ${address} dev cali1 proto 80`);
    for (const host of [h1, h3]) await vanishes(host, address);
  }
});

for (const state of ['pending', 'pendingDeletion'] as const)
  test.serial(
    `a block that is ${state} is not announced, its workloads are, and not a packet is lost`,
    async (t) => {
      const { h1, h2 } = lab;
      await live(ownedByH1('confirmed'));
      for (const cidr of BLOCKS) await appears(h2, cidr);
      await allEstablished(h2, 4);
      const before = await connections(h2);
      t.is(before.length, 4);
      const floods = WORKLOADS.map((address) => flood(h2.namespace, address, { count: 50, everyMs: 20 }));
      await live(ownedByH1(state));
      for (const [index, cidr] of BLOCKS.entries()) {
        await vanishes(h2, cidr);
        t.regex(await appears(h2, WORKLOADS[index] ?? ''), VIA_H1[index] ?? /never/);
        t.regex(await h1.route(cidr), /^blackhole .* proto bird/, 'what is left still ends here');
      }
      t.deepEqual(await Promise.all(floods), [[], []]);
      t.deepEqual(await connections(h2), before, 'no session was touched');
    },
  );

test.serial('not even a filter that accepts everything announces a block that is not settled', async (t) => {
  const { h2 } = lab;
  await live(ownedByH1('pending'), {
    bgp: { default: { nodeToNodeMeshEnabled: false } },
    peers: { p: { node: 'h1', peerIP: '10.99.0.2', filters: ['all'] } },
    filters: { all: { exportV4: [{ action: 'Accept' }] } },
  });
  await allEstablished(h2, 1);
  await appears(h2, WORKLOADS[0]);
  t.is(await h2.route(BLOCKS[0]), '');
});

test.serial('a block in a pool that is kept out of BGP is not announced', async (t) => {
  const { h1, h2 } = lab;
  await live(ownedByH1('confirmed'), {
    pools: { ...POOLS, '10.65.1.0/24': { disableBGPExport: true }, 'fd65::/64': { disableBGPExport: true } },
  });
  await allEstablished(h2, 4);
  await appears(h2, BESIDE[0]);
  for (const address of [...BLOCKS, ...WORKLOADS]) t.is(await h2.route(address), '', address);
  for (const cidr of BLOCKS) t.regex(await h1.route(cidr), /^blackhole/);
});

test.serial('a block of a single address is its workload’s own route', async (t) => {
  const { h1, h2 } = lab;
  await live({ '10.65.1.1/32': { h1: 'confirmed' }, 'fd65::41/128': { h1: 'confirmed' } });
  for (const [index, address] of WORKLOADS.entries()) {
    t.regex(await appears(h2, address), VIA_H1[index] ?? /never/);
    t.regex(await h1.route(address), /dev cali1/);
    t.true(await answers(h2, address));
  }
});

test.serial('a block that is gone leaves nothing behind', async (t) => {
  const { h1, h2 } = lab;
  await live(ownedByH1('confirmed'));
  for (const cidr of BLOCKS) await appears(h2, cidr);
  await live({});
  for (const host of [h1, h2]) for (const cidr of BLOCKS) await vanishes(host, cidr);
  for (const address of WORKLOADS) await appears(h2, address);
  t.deepEqual(await h1.speaker.verify(), []);
});

test.serial('whoever claims a block of this host, its packets go to its own workloads', async (t) => {
  const { h1, h3 } = lab;
  await live(ownedByH1('confirmed'));
  // h3 is told another truth, as by a store that it reads too late.
  const { failures } = await h3.applies({
    nodes: NODES,
    pools: { '10.65.0.0/16': {} },
    blocks: { '10.65.1.0/26': { h3: 'confirmed' } },
  });
  t.deepEqual(failures, []);
  await until(
    async () =>
      (await h1.speaker.status()).sessions.some(
        ({ peerName, imported }) => peerName === 'h3' && imported > 0,
      ),
    { what: "h3's claim at h1" },
  );
  t.regex(await h1.route('10.65.1.0/26'), /^blackhole /);
  t.regex(await h1.route('10.65.1.1'), /dev cali1/);
});
