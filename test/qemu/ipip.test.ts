/**
 * IP in IP on a kernel that has it: our device is made, mended and removed beside the kernel's own tunl0, which is nobody's
 * business of ours (law 4); and packets between hosts cross the network between them as protocol 4 (RFC 2003).
 */
import test, { type ExecutionContext } from 'ava';
import { IPIP_NAME } from '../../src/agent/dataplane/intent.js';
import type { Cidr } from '../../src/model/address.js';
import type { OverlayModel } from '../../src/topology/overlay.js';
import { PROTOCOL } from '../agent/dataplane/drivers/driver-fixture.js';
import {
  bringUpLoopback,
  createNamespace,
  createVeth,
  hasIpip,
  ip,
  ipJson,
  type Namespace,
  requirePrivateNetns,
  run,
} from '../helpers/netns.js';
import { type OverlayAgent, openOverlayAgent } from '../netns/overlay-fixture.js';
import { address } from '../topology/topology-fixture.js';

requirePrivateNetns();
test.before(bringUpLoopback);

const [OWN, PEER] = ['10.99.1.1', '10.99.2.2'];
const [BLOCK, OWN_BLOCK] = ['10.65.2.0/26', '10.65.1.0/26'];
const TUNNEL_ADDRESS = '10.65.1.0';

function modelWith(tunnelAddress: string | undefined): OverlayModel {
  return {
    tunnels: [
      {
        ...{ encapsulation: 'ipip', family: 4, hostAddress: address(OWN) },
        tunnelAddress: tunnelAddress === undefined ? undefined : address(tunnelAddress),
        peers: [{ node: 'b', hostAddress: address(PEER), gateway: address(PEER) }],
      },
    ],
    routes: [
      { type: 'tunnel', encapsulation: 'ipip', cidr: BLOCK as Cidr, gateway: address(PEER) },
      { type: 'blackhole', cidr: OWN_BLOCK as Cidr },
    ],
  };
}

const MODEL = modelWith(TUNNEL_ADDRESS);

/** A host with one interface; what a test leaves goes at the end. */
async function withHost(mtu: number, body: () => Promise<void>): Promise<void> {
  await using _eth0 = await createVeth({ name: 'eth0' });
  await ip(`link set eth0 mtu ${mtu}`);
  await ip(`addr add ${OWN}/24 dev eth0`);
  try {
    await body();
  } finally {
    await removeOwn();
  }
}

async function removeOwn(): Promise<void> {
  await ip(`route flush proto ${PROTOCOL}`);
  if (await device(IPIP_NAME)) await ip(`link delete ${IPIP_NAME}`);
}

async function device(name: string) {
  const [link] = (await ipJson('-d addr show')).filter(({ ifname }) => ifname === name);
  if (!link) return undefined;
  const { mtu, flags, addr_info: addresses } = link;
  return {
    mtu,
    up: (flags as readonly string[]).includes('UP'),
    // The kernel gives it a link-local one by itself.
    addresses: (addresses as readonly { scope: string; local: string; prefixlen: number }[])
      .filter(({ scope }) => scope === 'global')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  };
}

async function routes(): Promise<readonly string[]> {
  const listed = await ipJson(`route show proto ${PROTOCOL}`);
  return listed
    .map(({ type = 'unicast', dst, gateway = '-', dev = '-', flags }) =>
      [type, dst, gateway, dev, ...(flags as readonly string[])].join(' '),
    )
    .sort();
}

async function assertWhole(t: ExecutionContext, agent: OverlayAgent, mtu = 1480, why?: string) {
  t.deepEqual(await agent.apply(), [], why);
  t.deepEqual(await agent.verify(), [], why);
  t.deepEqual(await device(IPIP_NAME), { mtu, up: true, addresses: [`${TUNNEL_ADDRESS}/32`] }, why);
  t.deepEqual(
    await routes(),
    [`blackhole ${OWN_BLOCK} - -`, `unicast ${BLOCK} ${PEER} ${IPIP_NAME} onlink`],
    why,
  );
}

test.serial('this kernel has IP in IP, and loads it for who asks', async (t) => {
  t.true(await hasIpip());
});

test.serial('the device is there, changes nothing when it is whole, and goes without a trace', async (t) => {
  await withHost(1500, async () => {
    await using agent = await openOverlayAgent(MODEL);
    await assertWhole(t, agent);
    const before = await ipJson(`link show ${IPIP_NAME}`);
    await assertWhole(t, agent);
    t.deepEqual(await ipJson(`link show ${IPIP_NAME}`), before);
    agent.want(undefined);
    t.deepEqual(await agent.apply(), []);
    t.deepEqual(await agent.verify(), []);
    t.is(await device(IPIP_NAME), undefined);
    t.deepEqual(await routes(), []);
    agent.want(MODEL);
    await assertWhole(t, agent);
  });
});

test.serial('the MTU follows the interface underneath', async (t) => {
  await withHost(9000, async () => {
    await using agent = await openOverlayAgent(MODEL);
    await assertWhole(t, agent, 8980);
    await ip('link set eth0 mtu 1400');
    await assertWhole(t, agent, 1380);
  });
});

test.serial('whatever is changed by hand is put right: device, address, route', async (t) => {
  await withHost(1500, async () => {
    await using agent = await openOverlayAgent(MODEL);
    await assertWhole(t, agent);
    const damages = [
      [`link set ${IPIP_NAME} down`],
      [`link set ${IPIP_NAME} mtu 1200`, `addr add 10.1.1.1/32 dev ${IPIP_NAME}`],
      [`addr flush dev ${IPIP_NAME}`],
      [`link delete ${IPIP_NAME}`],
      [`link delete ${IPIP_NAME}`, `link add ${IPIP_NAME} type ipip local ${OWN} remote ${PEER}`],
      [`link delete ${IPIP_NAME}`, `link add ${IPIP_NAME} type bridge`],
      [`route delete ${BLOCK}`],
      [`route flush proto ${PROTOCOL}`, `link set ${IPIP_NAME} down`],
    ];
    for (const damage of damages) {
      for (const line of damage) await ip(line);
      t.true((await agent.verify()).length > 0, damage.join('; '));
      await assertWhole(t, agent, 1480, damage.join('; '));
    }
  });
});

test.serial(
  'law 4: a restarted agent sweeps its own device and routes, and touches nothing of a tunl0 in use',
  async (t) => {
    await withHost(1500, async () => {
      {
        await using before = await openOverlayAgent(MODEL);
        await assertWhole(t, before);
      }
      // As a real server of IPVS has it: up, with the address of the service.
      await ip('addr add 10.1.1.1/32 dev tunl0');
      await ip('link set tunl0 up');
      await ip('route add 10.1.2.0/24 via 10.99.1.9 dev tunl0 onlink');
      const foreign = await device('tunl0');
      const assertForeignIsWhole = async () => {
        t.deepEqual(await device('tunl0'), foreign);
        t.is((await ipJson('route show 10.1.2.0/24')).length, 1);
      };
      try {
        await using after = await openOverlayAgent(undefined);
        t.deepEqual(await after.apply(), []);
        t.is(await device(IPIP_NAME), undefined);
        t.deepEqual(await routes(), []);
        await assertForeignIsWhole();
        after.want(MODEL);
        await assertWhole(t, after);
        await assertForeignIsWhole();
      } finally {
        await ip('addr flush dev tunl0');
        await ip('link set tunl0 down');
      }
    });
  },
);

test.serial('a device of others with our ends is named, and stays', async (t) => {
  await withHost(1500, async () => {
    await ip(`link add theirs type ipip local ${OWN}`);
    try {
      await using agent = await openOverlayAgent(MODEL);
      const [failure, ...others] = await agent.apply();
      t.is(failure?.object, `tunnel ${IPIP_NAME}`);
      t.is(
        failure?.message,
        `another device is IP in IP from ${OWN} to any host: remove it (ip -d link show type ipip)`,
      );
      t.deepEqual(others, []);
      t.is((await ipJson('link show theirs')).length, 1);
      t.deepEqual(await routes(), [`blackhole ${BLOCK} - -`, `blackhole ${OWN_BLOCK} - -`].sort());
    } finally {
      await ip('link delete theirs');
    }
  });
});

/** The host at the other end, as ip(8) makes it, and a network between the two that routes and counts. */
async function withPeer(
  own: 'on eth0' | 'on lo',
  body: (hosts: { fabric: Namespace; peer: Namespace }) => Promise<void>,
): Promise<void> {
  await using fabric = await createNamespace('fb');
  await using peer = await createNamespace('pe');
  await using _eth0 = await createVeth({ name: 'eth0', peer: 'port1', peerNamespace: fabric });
  await ip(`link add eth1 netns ${peer.name} type veth peer name port2 netns ${fabric.name}`);
  for (const words of [
    'addr add 10.99.1.254/24 dev port1',
    'addr add 10.99.2.254/24 dev port2',
    'link set port2 up',
  ])
    await fabric.ip(words);
  await fabric.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  await ip(`addr add ${own === 'on eth0' ? OWN : '10.99.1.3'}/24 dev eth0`);
  if (own === 'on lo') {
    await ip(`addr add ${OWN}/32 dev lo`);
    await fabric.ip(`route add ${OWN} via 10.99.1.3`);
  }
  await ip('route add default via 10.99.1.254');
  await peer.ip(`addr add ${PEER}/24 dev eth1`);
  await peer.ip('link set eth1 up');
  await peer.ip('route add default via 10.99.2.254');
  // Workloads of either host.
  await ip('addr add 10.65.1.5/32 dev lo');
  await peer.ip('addr add 10.65.2.5/32 dev lo');
  await peer.ip('link set tunl0 up');
  await peer.ip(`route add ${OWN_BLOCK} via ${OWN} dev tunl0 onlink`);
  try {
    await body({ fabric, peer });
  } finally {
    await removeOwn();
    await ip('addr delete 10.65.1.5/32 dev lo');
    if (own === 'on lo') await ip(`addr delete ${OWN}/32 dev lo`);
  }
}

for (const [own, tunnelAddress] of [
  ['on eth0', TUNNEL_ADDRESS],
  ['on eth0', undefined],
  ['on lo', TUNNEL_ADDRESS],
] as const)
  test.serial(
    `hosts reach each other, and the network between sees protocol 4 only (host address ${own}, ${tunnelAddress ?? 'none'} on the tunnel)`,
    async (t) => {
      await withPeer(own, async ({ fabric, peer }) => {
        // The other end takes it from this host's address only, as its guard does.
        await peer.run('iptables', ['-A', 'INPUT', '!', '-s', OWN, '-p', '4', '-j', 'DROP']);
        for (const sight of ['-p 4', '-s 10.65.0.0/16', '-d 10.65.0.0/16'])
          await fabric.run('iptables', ['-t', 'raw', '-A', 'PREROUTING', ...sight.split(' ')]);
        await using agent = await openOverlayAgent(modelWith(tunnelAddress));
        t.deepEqual(await agent.apply(), []);
        t.deepEqual(await agent.verify(), []);
        const ping = (to: string, from: string) => ['-c', '3', '-W', '10', '-I', from, to];
        await run('ping', ping('10.65.2.5', '10.65.1.5'));
        await peer.run('ping', ping('10.65.1.5', '10.65.2.5'));
        // The largest packet that fits, and no larger one.
        await run('ping', [...ping('10.65.2.5', '10.65.1.5'), '-M', 'do', '-s', '1452']);
        await t.throwsAsync(run('ping', [...ping('10.65.2.5', '10.65.1.5'), '-M', 'do', '-s', '1453']));
        // Of the host itself.
        await run('ping', ['-c', '1', '-W', '10', '10.65.2.5']);
        const listed = await fabric.run('iptables', ['-t', 'raw', '-vnxL', 'PREROUTING']);
        const [encapsulated = 0, ...bare] = listed
          .trim()
          .split('\n')
          .slice(2)
          .map((line) => Number.parseInt(line, 10));
        t.true(encapsulated >= 19, `${encapsulated} packets of protocol 4`);
        t.deepEqual(bare, [0, 0]);
      });
    },
  );
