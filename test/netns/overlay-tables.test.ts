/**
 * Law 4: tunnels, their forwarding tables, and the routes of an overlay, on the real kernel: made, mended, swept, and told from
 * what others have.
 */
import { spawn } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { VXLAN_NAMES } from '../../src/agent/dataplane/intent.js';
import { netlinkTransports } from '../../src/kernel/netlink/index.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { type Cidr, IP_FAMILIES, type IpFamily, type MacAddress } from '../../src/model/address.js';
import type { OverlayModel, OverlayTunnel } from '../../src/topology/overlay.js';
import { PROTOCOL } from '../agent/dataplane/drivers/driver-fixture.js';
import { bringUpLoopback, createVeth, ip, ipJson, requirePrivateNetns, run } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { address } from '../topology/topology-fixture.js';
import { type OverlayAgent, openOverlayAgent } from './overlay-fixture.js';

requirePrivateNetns();
test.before(bringUpLoopback);

const HOSTS: Record<IpFamily, { readonly own: string; readonly peer: string }> = {
  4: { own: '10.99.1.1', peer: '10.99.2.2' },
  6: { own: 'fd99:1::1', peer: 'fd99:2::2' },
};
const ENDS: Record<IpFamily, { readonly own: string; readonly peer: string; readonly block: string }> = {
  4: { own: '10.65.1.0', peer: '10.65.2.0', block: '10.65.2.0/26' },
  6: { own: 'fd65::100', peer: 'fd65::200', block: 'fd65::200/122' },
};
const OWN_MAC = '66:00:00:00:00:01' as MacAddress;
const PEER_MAC = '66:00:00:00:00:02' as MacAddress;
const OTHER_MAC = '66:00:00:00:00:09' as MacAddress;

function tunnelOf(family: IpFamily): OverlayTunnel {
  const [host, end] = [HOSTS[family], ENDS[family]];
  const peer = { node: 'b', mac: PEER_MAC, hostAddress: address(host.peer), gateway: address(end.peer) };
  return {
    encapsulation: 'vxlan',
    family,
    mac: OWN_MAC,
    hostAddress: address(host.own),
    tunnelAddress: address(end.own),
    peers: [peer],
  };
}

const MODEL: OverlayModel = {
  tunnels: IP_FAMILIES.map(tunnelOf),
  routes: IP_FAMILIES.flatMap((family) => [
    {
      type: 'tunnel' as const,
      encapsulation: 'vxlan' as const,
      cidr: ENDS[family].block as Cidr,
      gateway: address(ENDS[family].peer),
    },
    { type: 'blackhole' as const, cidr: (family === 4 ? '10.65.1.0/26' : 'fd65::100/122') as Cidr },
    {
      type: 'direct' as const,
      cidr: (family === 4 ? '10.65.7.0/26' : 'fd65::700/122') as Cidr,
      gateway: address(family === 4 ? '10.99.1.7' : 'fd99:1::7'),
    },
  ]),
};

/** A host with one interface, and the agent on it; what is left of tunnels goes at the end. */
async function withHost(mtu: number, body: () => Promise<void>): Promise<void> {
  await using _eth0 = await createVeth({ name: 'eth0' });
  await ip(`link set eth0 mtu ${mtu}`);
  await ip(`addr add ${HOSTS[4].own}/24 dev eth0`);
  await ip(`addr add ${HOSTS[6].own}/64 dev eth0 nodad`);
  try {
    await body();
  } finally {
    for (const { ifname } of await ipJson('link show type vxlan')) await ip(`link delete ${ifname}`);
    for (const family of IP_FAMILIES) await ip(`-${family} route flush proto ${PROTOCOL}`);
  }
}

async function tunnels(): Promise<readonly unknown[]> {
  const links = await ipJson('-d addr show type vxlan');
  return links
    .toSorted((a, b) => (Number(a.mtu) < Number(b.mtu) ? 1 : -1))
    .map(({ ifname, mtu, address: mac, flags, addr_info: addresses }) => ({
      ifname,
      mtu,
      mac,
      up: (flags as readonly string[]).includes('UP'),
      addresses: (addresses as readonly { scope: string; local: string; prefixlen: number }[])
        .filter(({ scope }) => scope === 'global')
        .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    }));
}

function whole(underlayMtu: number): readonly unknown[] {
  return IP_FAMILIES.map((family) => ({
    ifname: VXLAN_NAMES[family],
    mtu: underlayMtu - (family === 4 ? 50 : 70),
    mac: OWN_MAC,
    up: true,
    addresses: [`${ENDS[family].own}/${family === 4 ? 32 : 128}`],
  }));
}

async function assertWhole(t: ExecutionContext, agent: OverlayAgent, mtu = 1500) {
  t.deepEqual(await agent.apply(), []);
  t.deepEqual(await agent.verify(), []);
  t.deepEqual(await tunnels(), whole(mtu));
  for (const family of IP_FAMILIES) {
    const name = VXLAN_NAMES[family];
    const [neighbor, ...others] = await ipJson(`-${family} neigh show nud permanent dev ${name}`);
    t.like(neighbor, { dst: ENDS[family].peer, lladdr: PEER_MAC });
    t.deepEqual(others, []);
    const routes = await ipJson(`-${family} route show proto ${PROTOCOL}`);
    t.deepEqual(
      routes
        .map(({ type, dst, gateway, dev }) => [type ?? 'unicast', dst, gateway, type ? undefined : dev])
        .sort(),
      [
        ['blackhole', family === 4 ? '10.65.1.0/26' : 'fd65::100/122', undefined, undefined],
        ['unicast', ENDS[family].block, ENDS[family].peer, name],
        [
          'unicast',
          family === 4 ? '10.65.7.0/26' : 'fd65::700/122',
          family === 4 ? '10.99.1.7' : 'fd99:1::7',
          'eth0',
        ],
      ].sort(),
    );
  }
}

test.serial('an overlay is made, changes nothing when it is whole, and goes without a trace', async (t) => {
  await withHost(1500, async () => {
    await using agent = await openOverlayAgent(MODEL);
    await assertWhole(t, agent);
    const before = await ipJson('link show type vxlan');
    await assertWhole(t, agent);
    t.deepEqual(await ipJson('link show type vxlan'), before, 'the same devices');
    agent.want(undefined);
    t.deepEqual(await agent.apply(), []);
    t.deepEqual(await tunnels(), []);
    for (const family of IP_FAMILIES)
      t.deepEqual(await ipJson(`-${family} route show proto ${PROTOCOL}`), []);
  });
});

test.serial('the MTU of a tunnel follows the interface underneath', async (t) => {
  await withHost(9000, async () => {
    await using agent = await openOverlayAgent(MODEL);
    await assertWhole(t, agent, 9000);
    await ip('link set eth0 mtu 1400');
    await assertWhole(t, agent, 1400);
  });
});

test.serial('a tunnel stands on an address of lo, and is of the size of what is below', async (t) => {
  await withHost(9000, async () => {
    await ip(`addr add ${HOSTS[4].own}/32 dev lo`);
    await using _eth1 = await createVeth({ name: 'eth1' });
    await ip('link set eth1 mtu 1400');
    try {
      await using agent = await openOverlayAgent(MODEL);
      t.deepEqual(await agent.apply(), []);
      t.deepEqual(await agent.verify(), []);
      t.is((await ipJson(`link show ${VXLAN_NAMES[4]}`))[0]?.mtu, 1400 - 50);
      t.is((await ipJson(`link show ${VXLAN_NAMES[6]}`))[0]?.mtu, 9000 - 70);
    } finally {
      await ip(`addr del ${HOSTS[4].own}/32 dev lo`);
    }
  });
});

test.serial('whatever is changed by hand is put right: device, address, neighbour, route', async (t) => {
  await withHost(1500, async () => {
    await using agent = await openOverlayAgent(MODEL);
    await assertWhole(t, agent);
    const [name4, name6] = [VXLAN_NAMES[4], VXLAN_NAMES[6]];
    const damages = [
      [`link set ${name4} down`, `link set ${name6} address 66:00:00:00:00:77`],
      [`link set ${name4} mtu 1200`, `addr add 10.1.1.1/32 dev ${name4}`],
      [`-6 addr flush dev ${name6} scope global`, `neigh flush dev ${name4} nud permanent`],
      [`link delete ${name6}`, `route delete ${ENDS[4].block}`],
      [`link delete ${name4}`, `link add ${name4} type vxlan id 7 dstport 4789 local ${HOSTS[4].own}`],
    ];
    for (const damage of damages) {
      for (const line of damage) await ip(line);
      t.true((await agent.verify()).length > 0, damage.join('; '));
      await assertWhole(t, agent);
    }
  });
});

test.serial(
  'a restarted agent sweeps what is its own and stale, and touches nothing of others',
  async (t) => {
    await withHost(1500, async () => {
      {
        await using before = await openOverlayAgent(MODEL);
        await assertWhole(t, before);
      }
      const name = VXLAN_NAMES[4];
      // Of an earlier life: an end that has left, on a tunnel that stays.
      const bridge = openRtNetlink(await netlinkTransports.koffi.open());
      const index = Number((await ipJson(`link show ${name}`))[0]?.ifindex);
      const stale = { interfaceIndex: index, mac: OTHER_MAC, destination: address('10.99.2.9'), state: 0x80 };
      await ip(`link add flannel.1 type vxlan id 1 dstport 8472 local ${HOSTS[4].own} nolearning`);
      const foreignIndex = Number((await ipJson('link show flannel.1'))[0]?.ifindex);
      const foreign = { ...stale, interfaceIndex: foreignIndex };
      t.deepEqual(
        await bridge.apply([
          { op: 'replace', object: 'forwarding', entry: stale },
          { op: 'replace', object: 'forwarding', entry: foreign },
        ]),
        [undefined, undefined],
      );
      await ip(`neigh add 10.65.9.0 lladdr ${OTHER_MAC} dev ${name} nud permanent`);
      await ip('link set flannel.1 up');
      await ip(`neigh add 10.65.9.0 lladdr ${OTHER_MAC} dev flannel.1 nud permanent`);
      await ip('route add 10.65.9.0/26 via 10.99.1.9 proto bird');
      await ip(`route add 10.65.8.0/26 via 10.99.1.9 proto ${PROTOCOL}`);

      const model = { ...MODEL, tunnels: MODEL.tunnels.filter(({ family }) => family === 4) };
      await using after = await openOverlayAgent(model);
      t.deepEqual(await after.apply(), []);
      const lines = (await bridge.forwarding()).map(({ interfaceIndex, mac }) => [interfaceIndex, mac]);
      t.deepEqual(
        lines.sort(),
        [
          [index, PEER_MAC],
          [foreignIndex, OTHER_MAC],
        ].sort(),
      );
      const names = (await ipJson('link show type vxlan')).map(({ ifname }) => ifname);
      t.deepEqual(names.sort(), ['flannel.1', name], 'the tunnel of IPv6 was ours, and is not wanted');
      const neighbors = await ipJson('neigh show nud permanent');
      t.deepEqual(neighbors.map(({ dst, dev }) => `${dst} ${dev}`).sort(), [
        '10.65.2.0 vxlan.calico',
        '10.65.9.0 flannel.1',
      ]);
      t.is((await ipJson('route show 10.65.9.0/26')).length, 1);
      t.is((await ipJson('route show 10.65.8.0/26')).length, 0);
      await bridge.close();
    });
  },
);

test.serial(
  'law 5: without its tunnel a route is held by a blackhole, and the tunnel waits for an address of the host',
  async (t) => {
    await using _eth0 = await createVeth({ name: 'eth0' });
    const routes = MODEL.routes.filter(({ type }) => type === 'tunnel');
    await using agent = await openOverlayAgent({ ...MODEL, routes });
    const held = async (family: IpFamily) =>
      (await ipJson(`-${family} route show proto ${PROTOCOL}`)).map(({ type = 'unicast', dst }) => [
        type,
        dst,
      ]);
    for (const type of ['blackhole', 'unicast', 'blackhole']) {
      if (type === 'unicast')
        for (const family of IP_FAMILIES)
          await ip(`addr add ${HOSTS[family].own}/${family === 4 ? 24 : 64} dev eth0`);
      else {
        await ip('addr flush dev eth0');
        for (const { ifname } of await ipJson('link show type vxlan')) await ip(`link delete ${ifname}`);
      }
      t.deepEqual(await agent.apply(), []);
      t.deepEqual(await agent.verify(), []);
      t.is((await tunnels()).length, type === 'unicast' ? 2 : 0);
      for (const family of IP_FAMILIES) t.deepEqual(await held(family), [[type, ENDS[family].block]]);
    }
    agent.want(undefined);
    t.deepEqual(await agent.apply(), []);
    for (const family of IP_FAMILIES) t.deepEqual(await held(family), []);
  },
);

test.serial(
  'law 5: while a pool changes its encapsulation, or a tunnel is made anew, nothing leaves by the default route',
  async (t) => {
    await withHost(1500, async () => {
      await ip('route add default via 10.99.1.254');
      const bare = ['-o', 'eth0', '-d', ENDS[4].block];
      await run('iptables-nft', ['-t', 'mangle', '-A', 'POSTROUTING', ...bare]);
      const seen = async () =>
        Number((await run('iptables-nft', ['-t', 'mangle', '-vnxL', 'POSTROUTING'])).match(/^ +(\d+)/m)?.[1]);
      const ping = spawn('ping', ['-n', '-q', '-i', '0.001', '-I', HOSTS[4].own, '10.65.2.5'], {
        stdio: 'ignore',
      });
      try {
        await until(async () => (await seen()) > 0);
        await using agent = await openOverlayAgent(MODEL);
        t.deepEqual(await agent.apply(), []);
        const before = await seen();
        for (let round = 0; round < 10; round += 1) {
          agent.want(IN_IPIP);
          await agent.apply();
          agent.want(MODEL);
          t.deepEqual(await agent.apply(), []);
          await ip(`link set ${VXLAN_NAMES[4]} type vxlan learning`);
          t.deepEqual(await agent.apply(), []);
        }
        t.is((await seen()) - before, 0);
      } finally {
        ping.kill();
        await run('iptables-nft', ['-t', 'mangle', '-F', 'POSTROUTING']);
      }
    });
  },
);

/** The same networks, where the kernel has IP in IP. */
const IN_IPIP: OverlayModel = {
  tunnels: [
    {
      ...{ encapsulation: 'ipip', family: 4, hostAddress: address(HOSTS[4].own), tunnelAddress: undefined },
      peers: [{ node: 'b', hostAddress: address(HOSTS[4].peer), gateway: address(HOSTS[4].peer) }],
    },
  ],
  routes: [
    {
      ...{ type: 'tunnel', encapsulation: 'ipip', cidr: ENDS[4].block as Cidr },
      gateway: address(HOSTS[4].peer),
    },
  ],
};
