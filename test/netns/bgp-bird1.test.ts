/** Hosts that run BIRD 1.6, the two daemons of the older documents, among hosts that run BIRD 2. */
import { join } from 'node:path';
import test from 'ava';
import { stopBird } from '../../src/agent/bgp/bird/bird-process.js';
import { createBird1Speaker } from '../../src/agent/bgp/bird1/bird1-speaker.js';
import { BIRD1_PROGRAMS } from '../helpers/bird1.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import type { NetworkText } from '../topology/topology-fixture.js';
import {
  allEstablished,
  appears,
  connections,
  createFabric,
  createHost,
  type Fabric,
  type Host,
  logInto,
  vanishes,
} from './bgp-fixture.js';

requirePrivateNetns();

const NETWORK: NetworkText = {
  nodes: {
    h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64' },
    h2: { v4: '10.99.0.2/24', v6: 'fd99::2/64' },
    h3: { v4: '10.99.0.3/24', v6: 'fd99::3/64' },
  },
  pools: { '10.65.0.0/16': {}, 'fd65::/64': {} },
};

let fabric: Fabric;
let hosts: readonly Host[];

test.before('two hosts with BIRD 1.6 and one with BIRD 2, a workload on each', async () => {
  fabric = await createFabric();
  hosts = [
    await createHost(fabric, 'h1', 1),
    await createHost(fabric, 'h2', 2),
    await createHost(fabric, 'h3', 3),
  ];
  for (const [index, host] of hosts.entries()) {
    await host.namespace.ip(`route add 10.65.${index + 1}.1/32 dev cali1 scope link proto 80`);
    await host.namespace.ip(`-6 route add fd65::${index + 1}/128 dev cali1 proto 80`);
    if (index < 2) host.speaker = bird1Of(host);
  }
});

test.after.always('nothing is left', async () => {
  for (const host of hosts ?? []) {
    host.speaker.close();
    for (const program of ['bird', 'bird6']) await stopBird(join(host.stateDir, program));
    await host[Symbol.asyncDispose]();
  }
  await fabric?.[Symbol.asyncDispose]();
});

function bird1Of({ stateDir, namespace, logged }: Host) {
  return createBird1Speaker({
    daemon: { mode: 'managed', stateDir },
    programsDir: BIRD1_PROGRAMS,
    secretsDir: stateDir,
    exec: namespace.exec,
    log: logInto(logged),
    retainMs: 0,
  });
}

async function live(network: NetworkText): Promise<readonly number[]> {
  const changed: number[] = [];
  for (const host of hosts) {
    const report = await host.applies(network);
    if (report.failures.length > 0) throw new Error(JSON.stringify(report.failures));
    changed.push(report.changed);
  }
  return changed;
}

test.serial(
  'a mesh of both versions comes up in both families, and every kernel has every route',
  async (t) => {
    await live(NETWORK);
    for (const host of hosts) await allEstablished(host, 4);
    for (const [index, host] of hosts.entries())
      for (const other of [1, 2, 3].filter((number) => number !== index + 1)) {
        t.regex(
          await appears(host, `10.65.${other}.1`),
          new RegExp(`via 10\\.99\\.0\\.${other} dev eth0 proto bird`),
        );
        t.regex(await appears(host, `fd65::${other}`), new RegExp(`via fd99::${other} dev eth0 proto bird`));
      }
  },
);

test.serial('sessions tell their state, their time and their routes', async (t) => {
  const { sessions } = (await hosts[0]?.speaker.status()) ?? {};
  const found = sessions?.find(({ name }) => name === 'Mesh_fd99__3');
  t.like(found, { state: 'Established', imported: 1, exported: 1, peerName: 'h3' });
  t.regex(found?.since ?? '', /^20\d\d-\d\d-\d\dT/);
});

test.serial(
  'an equal configuration is not loaded again, another one is, and sessions that stay keep their connections and times',
  async (t) => {
    const [host] = hosts;
    if (!host) throw new Error('there is a first host');
    const look = async () => ({
      told: (await host.speaker.status()).sessions.map(({ name, since }) => `${name} ${since}`),
      connections: await connections(host),
    });
    const before = await look();
    t.deepEqual(await live(NETWORK), [0, 0, 0]);
    const hidden: NetworkText = {
      ...NETWORK,
      pools: { ...NETWORK.pools, '10.65.1.0/24': { disableBGPExport: true } },
    };
    t.deepEqual(await live(hidden), [1, 1, 1], 'of BIRD 1.6 the daemon of one family only');
    for (const other of hosts.slice(1)) await vanishes(other, '10.65.1.1');
    t.deepEqual(await look(), before);
  },
);

test.serial('filters, communities, prepended paths and blocks mean the same to both versions', async (t) => {
  await live({
    ...NETWORK,
    blocks: { '10.65.1.0/26': { h1: 'confirmed' } },
    bgp: { default: { nodeToNodeMeshEnabled: false } },
    filters: {
      mark: { exportV6: [{ action: 'Accept', operations: [{ addCommunity: { value: '65000:7' } }] }] },
      marked: { importV6: [{ action: 'Reject', communities: { values: ['65000:7'] } }] },
    },
    peers: {
      p: { node: 'h1', peerIP: '10.99.0.3', keepaliveTime: '5s' },
      q: { node: 'h1', peerIP: 'fd99::3', filters: ['mark'], reversePeering: 'Manual' },
      r: { node: 'h3', peerIP: 'fd99::1', filters: ['marked'], reversePeering: 'Manual' },
    },
  });
  const [h1, , h3] = hosts;
  if (!h1 || !h3) return t.fail();
  await allEstablished(h1, 2);
  t.regex(await appears(h3, '10.65.1.0/26'), /via 10\.99\.0\.1/);
  t.is(await h3.route('10.65.1.1'), '');
  t.regex(await appears(h1, 'fd65::3'), /via fd99::3/);
  t.is(await h3.route('fd65::1'), '');
  t.regex(await h1.route('10.65.1.0/26'), /^blackhole/);
});

test.serial('a host that leaves BGP takes its routes along', async (t) => {
  await live(NETWORK);
  const [h1, h2] = hosts;
  if (!h1 || !h2) return t.fail();
  await appears(h1, 'fd65::2');
  await h1.speaker.apply(undefined);
  await vanishes(h1, 'fd65::2');
  await vanishes(h2, '10.65.1.1');
  t.deepEqual(await h1.speaker.verify(), []);
});
