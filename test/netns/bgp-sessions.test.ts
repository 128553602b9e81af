/** What sessions are told beside who their ends are: passwords, timers, BFD, hops, gateways. Real BIRD at both ends. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { address, type NetworkText, type PeerText } from '../topology/topology-fixture.js';
import { allEstablished, appears, applyToAll, badSignatures, createLab, type Lab } from './bgp-fixture.js';

requirePrivateNetns();

const NODES = { h1: { v4: '10.99.0.1/24' }, h2: { v4: '10.99.0.2/24' }, h3: { v4: '10.99.0.3/24' } };
const MESH: NetworkText = { nodes: NODES, pools: { '10.65.0.0/16': {} } };

/** h1 and h2 only, with a session like this. */
const peering = (peer: Omit<PeerText, 'node' | 'peerIP'>): NetworkText => ({
  ...MESH,
  bgp: { default: { nodeToNodeMeshEnabled: false } },
  peers: { p: { node: 'h1', peerIP: '10.99.0.2', ...peer } },
});

let lab: Lab<'h1' | 'h2' | 'h3'>;

const live = (network: NetworkText): Promise<void> => applyToAll(Object.values(lab), network);

test.before('three hosts on a bridge, a workload on each', async () => {
  lab = await createLab({ h1: 1, h2: 2, h3: 3 });
  for (const [index, host] of Object.values(lab).entries())
    await host.namespace.ip(`route add 10.65.${index + 1}.1/32 dev cali1 scope link proto 80`);
});

test.after.always('nothing is left', () => lab?.[Symbol.asyncDispose]());

test.serial(
  'a password keeps out who does not know it, and its file can be put right while all runs',
  async (t) => {
    const { h1, h2, h3 } = lab;
    for (const host of [h1, h2]) await writeFile(join(host.stateDir, 'mesh'), 'correct horse\n');
    await writeFile(join(h3.stateDir, 'mesh'), 'battery staple');
    await live({ ...MESH, bgp: { default: { nodeMeshPassword: { file: 'mesh' } } } });
    await until(async () => (await h1.speaker.status()).established === 1, {
      timeoutMs: 20_000,
      what: 'h1 and h2',
    });
    t.regex(await appears(h2, '10.65.1.1'), /via 10\.99\.0\.1/);
    await until(async () => (await badSignatures(h1)) + (await badSignatures(h3)) > 0, {
      what: 'h1 and h3 to refuse each other',
    });
    t.is((await h3.speaker.status()).established, 0);
    t.is(await h2.route('10.65.3.1'), '');

    await writeFile(join(h3.stateDir, 'mesh'), 'correct horse');
    t.deepEqual(await h3.speaker.resync(), { changed: 1, failures: [] });
    await allEstablished(h3, 2);
    t.is((await stat(join(h3.stateDir, 'bird.conf'))).mode & 0o777, 0o600);
    t.false(JSON.stringify([h1.logged, h3.logged]).includes('horse'));
  },
);

test.serial('a session whose password file is missing is left out, and the others go on', async (t) => {
  const { h1, h2, h3 } = lab;
  const network: NetworkText = {
    ...MESH,
    peers: { p: { node: 'h1', peerIP: '10.99.0.2', password: { file: 'pair' } } },
  };
  await live(network);
  await until(async () => (await h1.speaker.status()).established === 1, {
    timeoutMs: 20_000,
    what: 'h1 and h3',
  });
  const { problem, sessions } = await h1.speaker.status();
  t.regex(problem ?? '', /^Node_10_99_0_2: the password file \S+\/pair cannot be read: ENOENT$/);
  t.like(sessions[0], { name: 'Node_10_99_0_2', established: false, state: 'Down' });
  t.regex(sessions[0]?.lastError ?? '', /pair cannot be read/);
  t.regex(await appears(h1, '10.65.3.1'), /via 10\.99\.0\.3/);

  for (const host of [h1, h2]) await writeFile(join(host.stateDir, 'pair'), 'secret\n');
  for (const host of [h1, h2]) t.deepEqual(await host.speaker.resync(), { changed: 1, failures: [] });
  await allEstablished(h1, 2);
  t.is((await h1.speaker.status()).problem, undefined);
  for (const host of [h1, h2]) await rm(join(host.stateDir, 'pair'));
  await allEstablished(h3, 2);
});

test.serial('BFD notices a dead peer long before the hold time is over', async (t) => {
  const { h1, h2 } = lab;
  await live(peering({ bfd: true }));
  await allEstablished(h1, 1);
  const bfd = () =>
    h1.namespace.run('birdc', ['-s', join(h1.stateDir, 'bird.ctl'), 'show', 'bfd', 'sessions']);
  await until(async () => /10\.99\.0\.2\s+\S+\s+Up/.test(await bfd()), {
    timeoutMs: 20_000,
    what: 'the BFD session',
  });
  process.kill(await h2.birdPid(), 'SIGSTOP');
  await until(async () => (await h1.speaker.status()).established === 0, { what: 'the end of the session' });
  t.regex((await h1.speaker.status()).sessions[0]?.lastError ?? '', /BFD session down/);
  process.kill(await h2.birdPid(), 'SIGCONT');
  await allEstablished(h1, 1);
});

test.serial(
  'TTL security, timers and a source left to the kernel do not keep a session from coming up',
  async (t) => {
    const { h1, h2 } = lab;
    await live(
      peering({ ttlSecurity: 1, keepaliveTime: '5s', maxRestartTime: '77s', sourceAddress: 'None' }),
    );
    for (const host of [h1, h2]) await allEstablished(host, 1);
    const details = await h1.namespace.run('birdc', [
      '-s',
      join(h1.stateDir, 'bird.ctl'),
      'show',
      'protocols',
      'all',
    ]);
    t.regex(details, /Hold timer: +[\d.]+\/15/);
    t.regex(details, /Keepalive timer: +[\d.]+\/5/);
    t.regex(details, /Restart time: 77/);
  },
);

test.serial('a peer behind a gateway is reached by a route of its own', async (t) => {
  const { h1, h2 } = lab;
  await h2.namespace.ip('addr add 10.98.0.2/32 dev lo');
  await live({
    ...peering({ asNumber: 65002 }),
    nodes: { h1: NODES.h1 },
    peers: { p: { peerIP: '10.98.0.2', asNumber: 65002, reachableBy: address('10.99.0.2') } },
  });
  t.regex(await appears(h1, '10.98.0.2'), /^10\.98\.0\.2 via 10\.99\.0\.2 dev eth0 proto bird/);
  await live(MESH);
  await until(async () => (await h1.route('10.98.0.2')) === '', { what: 'the end of the route to the peer' });
  await h2.namespace.ip('addr del 10.98.0.2/32 dev lo');
});

test.serial('nextHopMode Self puts a host that passes routes on into their way', async (t) => {
  const { h1, h2, h3 } = lab;
  const nodes = {
    h1: { ...NODES.h1, as: 65001 },
    h2: { ...NODES.h2, as: 65002 },
    h3: { ...NODES.h3, as: 65002 },
  };
  const network = (nextHopMode: 'Auto' | 'Self'): NetworkText => ({
    ...MESH,
    nodes,
    bgp: { default: { nodeToNodeMeshEnabled: false } },
    peers: {
      out: { node: 'h2', peerIP: '10.99.0.1' },
      in: { node: 'h2', peerIP: '10.99.0.3', nextHopMode },
    },
  });
  await live(network('Auto'));
  await allEstablished(h2, 2);
  t.regex(await appears(h3, '10.65.1.1'), /via 10\.99\.0\.1 dev eth0/);
  await live(network('Self'));
  await until(async () => /via 10\.99\.0\.2 dev eth0/.test(await h3.route('10.65.1.1')), {
    what: 'h2 as next hop',
  });
  t.regex(await h1.route('10.65.3.1'), /via 10\.99\.0\.2 dev eth0/);
});

test.serial(
  'bindMode NodeIP listens on the address of the node alone, at the port that was asked for',
  async (t) => {
    const { h1, h2 } = lab;
    await live({ ...MESH, bgp: { default: { bindMode: 'NodeIP', listenPort: 1790 } } });
    await allEstablished(h1, 2);
    const listening = await h2.namespace.run('ss', ['-Hltn']);
    t.deepEqual(
      listening
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/)[3]),
      ['10.99.0.2:1790'],
    );
    t.regex(await readFile(join(h2.stateDir, 'bird.conf'), 'utf8'), /strict bind on;/);
  },
);
