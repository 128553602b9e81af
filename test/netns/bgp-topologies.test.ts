/** Who hears of a workload, and with which next hop, in networks that are no full mesh. Real BIRD on every host. */
import test from 'ava';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import type { NetworkText } from '../topology/topology-fixture.js';
import {
  allEstablished,
  appears,
  applyToAll,
  createLab,
  type Host,
  type Lab,
  vanishes,
} from './bgp-fixture.js';

requirePrivateNetns();

const NO_MESH = { default: { nodeToNodeMeshEnabled: false } };
const COMMON = { pools: { '10.65.0.0/16': {}, 'fd65::/48': {} }, bgp: NO_MESH } satisfies NetworkText;
const NODES = {
  h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64', labels: { rack: 'r1' } },
  h2: { v4: '10.99.0.2/24', v6: 'fd99::2/64', labels: { rack: 'r2' } },
};
const RR1 = { v4: '10.99.0.11', v6: 'fd99::11', cluster: '1.0.0.1' };
const RR2 = { v4: '10.99.0.12', v6: 'fd99::12', cluster: '1.0.0.1' };

let lab: Lab<'h1' | 'h2' | 'r1' | 'r2'>;

/** Gives every host its part of the network; the hosts that are not in it leave BGP. */
const live = (network: NetworkText): Promise<void> =>
  applyToAll(Object.values(lab), { ...COMMON, ...network });

test.before('four hosts on a bridge, a workload in each family on two of them', async () => {
  lab = await createLab({ h1: 1, h2: 2, r1: 11, r2: 12 });
  for (const [index, host] of [lab.h1, lab.h2].entries()) {
    await host.namespace.ip(`route add 10.65.${index + 1}.1/32 dev cali1 scope link proto 80`);
    await host.namespace.ip(`-6 route add fd65::${index + 1}:1/128 dev cali1 proto 80 metric 1`);
  }
});

test.after.always('nothing is left', () => lab?.[Symbol.asyncDispose]());

test.serial(
  'a RouteReflector passes routes on with their next hop, and has none in its own kernel',
  async (t) => {
    const { h1, h2, r1 } = lab;
    await live({ nodes: NODES, reflectors: { r1: RR1 } });
    await allEstablished(r1, 4);
    t.regex(await appears(h2, '10.65.1.1'), /via 10\.99\.0\.1 dev eth0 proto bird/);
    t.regex(await appears(h1, '10.65.2.1'), /via 10\.99\.0\.2 dev eth0 proto bird/);
    t.regex(await appears(h2, 'fd65::1:1'), /via fd99::1 dev eth0 proto bird/);
    t.is(await r1.namespace.ip('route show proto bird'), '');
    t.is(await r1.namespace.ip('-6 route show proto bird'), '');
    await h1.namespace.ip('route del 10.65.1.1/32 dev cali1');
    await vanishes(h2, '10.65.1.1');
    await h1.namespace.ip('route add 10.65.1.1/32 dev cali1 scope link proto 80');
    await appears(h2, '10.65.1.1');
  },
);

test.serial('of two RouteReflectors of one cluster one may go, and no route is lost meanwhile', async (t) => {
  const { h1, h2, r1 } = lab;
  await live({ nodes: NODES, reflectors: { r1: RR1, r2: RR2 } });
  await allEstablished(h1, 4);
  await allEstablished(h2, 4);
  // Each reflector has told both: what follows does not rest on the other one.
  const told = async (host: Host) =>
    (await host.speaker.status()).sessions.every(({ imported }) => imported > 0);
  await until(async () => (await told(h1)) && (await told(h2)), { what: 'routes from both reflectors' });
  t.regex(await h2.route('10.65.1.1'), /^10\.65\.1\.1 via 10\.99\.0\.1 dev eth0 proto bird metric \d+$/);
  using losses = h2.watchLosses();
  // The end of a route that BIRD does not care for shows that the watch is on.
  await until(
    async () => {
      await h2.namespace.ip('route add 172.16.0.1/32 dev cali1');
      await h2.namespace.ip('route del 172.16.0.1/32 dev cali1');
      return losses.lines.length > 0;
    },
    { what: 'the watch over routes' },
  );
  r1.speaker.close();
  process.kill(await r1.birdPid(), 'SIGKILL');
  await until(async () => (await h2.speaker.status()).established === 2, { what: 'h2 without r1' });
  t.deepEqual(
    losses.lines.filter((line) => !line.includes('172.16.0.1')),
    [],
  );
  t.regex(await h2.route('10.65.1.1'), /via 10\.99\.0\.1 dev eth0 proto bird/);
  r1.speaker = r1.newSpeaker();
});

test.serial('routes cross two clusters by the mesh of their reflectors', async (t) => {
  const { h1, h2, r1, r2 } = lab;
  await live({
    nodes: NODES,
    reflectors: {
      r1: { ...RR1, clients: "rack == 'r1'" },
      r2: { ...RR2, cluster: '1.0.0.2', clients: "rack == 'r2'" },
    },
  });
  await allEstablished(r1, 4);
  await allEstablished(r2, 4);
  t.regex(await appears(h2, '10.65.1.1'), /via 10\.99\.0\.1 dev eth0 proto bird/);
  t.regex(await appears(h1, 'fd65::2:1'), /via fd99::2 dev eth0 proto bird/);
});

test.serial('nodes reflect, and are hosts as well', async (t) => {
  const { h1, h2, r1 } = lab;
  await live({
    nodes: { ...NODES, r1: { v4: '10.99.0.11/24', cluster: '1.0.0.1', labels: { rr: 'yes' } } },
    peers: { reflectors: { nodeSelector: '!has(rr)', peerSelector: 'has(rr)' } },
  });
  await r1.namespace.ip('route add 10.65.3.1/32 dev cali1 scope link proto 80');
  t.regex(await appears(h2, '10.65.1.1'), /via 10\.99\.0\.1 dev eth0 proto bird/);
  t.regex(await appears(h1, '10.65.3.1'), /via 10\.99\.0\.11 dev eth0 proto bird/);
  t.regex(await appears(r1, '10.65.2.1'), /via 10\.99\.0\.2 dev eth0 proto bird/);
  await r1.namespace.ip('route del 10.65.3.1/32 dev cali1');
});

test.serial(
  'a chain of nodes in three systems: the one in between is the next hop of either side',
  async (t) => {
    const { h1, h2, r1 } = lab;
    await live({
      nodes: {
        h1: { ...NODES.h1, as: 65001 },
        r1: { v4: '10.99.0.11/24', as: 65002 },
        h2: { ...NODES.h2, as: 65003 },
      },
      peers: { left: { node: 'h1', peerIP: '10.99.0.11' }, right: { node: 'r1', peerIP: '10.99.0.2' } },
    });
    await allEstablished(r1, 2);
    t.regex(await appears(h2, '10.65.1.1'), /via 10\.99\.0\.11 dev eth0 proto bird/);
    t.regex(await appears(h1, '10.65.2.1'), /via 10\.99\.0\.11 dev eth0 proto bird/);
  },
);

test.serial('in a full mesh of systems nobody tells the mesh what he heard there', async (t) => {
  const { h1, h2, r1 } = lab;
  await live({
    bgp: {},
    nodes: {
      h1: { ...NODES.h1, as: 65001 },
      r1: { v4: '10.99.0.11/24', as: 65002 },
      h2: { ...NODES.h2, as: 65003 },
    },
  });
  await allEstablished(h1, 3);
  await allEstablished(h2, 3);
  t.regex(await appears(h2, '10.65.1.1'), /via 10\.99\.0\.1 dev eth0 proto bird/);
  t.regex(await appears(r1, '10.65.1.1'), /via 10\.99\.0\.1 dev eth0 proto bird/);
  const { sessions } = await r1.speaker.status();
  t.deepEqual(
    sessions.map(({ exported }) => exported),
    [0, 0],
  );
});
