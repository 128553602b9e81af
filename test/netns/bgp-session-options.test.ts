/** Options that show in where connections come from, how far they go and what a path may hold. Real BIRD at every end. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { address, type NetworkText, type PeerText } from '../topology/topology-fixture.js';
import {
  allEstablished,
  appears,
  applyToAll,
  badSignatures,
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
const COMMON = {
  nodes: NODES,
  pools: { '10.65.0.0/16': {}, 'fd65::/48': {} },
  bgp: { default: { nodeToNodeMeshEnabled: false } },
} satisfies NetworkText;

let lab: Lab<'h1' | 'h2' | 'h3'>;

const live = (network: NetworkText): Promise<void> =>
  applyToAll(Object.values(lab), { ...COMMON, ...network });

/** h1 and h2 in both families, with sessions like this. */
const pair = (peer: Omit<PeerText, 'node' | 'peerIP'>): NetworkText => ({
  peers: {
    four: { node: 'h1', peerIP: '10.99.0.2', ...peer },
    six: { node: 'h1', peerIP: 'fd99::2', ...peer },
  },
});

/** Systems in a row, h2 in the middle, which asks both others; h3 is told with these options. */
const row = (systems: readonly [number, number, number], toH3: Partial<PeerText> = {}): NetworkText => ({
  nodes: {
    h1: { ...NODES.h1, as: systems[0] },
    h2: { ...NODES.h2, as: systems[1] },
    h3: { ...NODES.h3, as: systems[2] },
  },
  peers: {
    left4: { node: 'h2', peerIP: '10.99.0.1' },
    left6: { node: 'h2', peerIP: 'fd99::1' },
    right4: { node: 'h2', peerIP: '10.99.0.3', ...toH3 },
    right6: { node: 'h2', peerIP: 'fd99::3', ...toH3 },
  },
});

const birdc = (host: Host, socket: string, ...command: string[]): Promise<string> =>
  host.namespace.run('birdc', ['-s', join(host.stateDir, `${socket}.ctl`), ...command]);
const log = (host: Host): Promise<string> => readFile(join(host.stateDir, 'bird.log'), 'utf8');

test.before('three hosts on a bridge, a workload in each family on each', async () => {
  lab = await createLab({ h1: 1, h2: 2, h3: 3 });
  for (const [index, host] of Object.values(lab).entries()) {
    await host.namespace.ip(`route add 10.65.${index + 1}.1/32 dev cali1 scope link proto 80`);
    await host.namespace.ip(`-6 route add fd65::${index + 1}:1/128 dev cali1 proto 80`);
  }
});

test.after.always('nothing is left', () => lab?.[Symbol.asyncDispose]());

test.serial('one end waits and the other one dials', async (t) => {
  const { h1, h2 } = lab;
  await h1.applies({ ...COMMON, ...pair({}) });
  await until(async () => (await h1.speaker.status()).sessions.every(({ state }) => state === 'Passive'), {
    what: 'h1 to wait',
  });
  await h2.applies({ ...COMMON, ...pair({}) });
  await allEstablished(h1, 2);
  const connections = await h1.namespace.run('ss', ['-Htn', 'state', 'established', 'sport', '=', ':179']);
  t.is(connections.trim().split('\n').length, 2, connections);
});

test.serial('localASNumber is the system that the peer sees', async (t) => {
  const { h1, h2 } = lab;
  await live(pair({ localASNumber: 65010 }));
  await allEstablished(h1, 2);
  for (const destination of ['10.65.1.1', 'fd65::1:1']) {
    await appears(h2, destination);
    t.regex(await birdc(h2, 'bird', 'show', 'route', 'all', 'for', destination), /BGP\.as_path: 65010\s/);
  }
});

test.serial('a route whose path holds our own system is taken as often as the peer allows', async (t) => {
  const { h2, h3 } = lab;
  await live(row([65001, 65002, 65001]));
  await allEstablished(h2, 4);
  // What h2 itself has comes after, so the refusal is not just a delay.
  for (const destination of ['10.65.2.1', 'fd65::2:1']) await appears(h3, destination);
  for (const destination of ['10.65.1.1', 'fd65::1:1']) t.is(await h3.route(destination), '');
  await live(row([65001, 65002, 65001], { numAllowedLocalASNumbers: 1 }));
  for (const destination of ['10.65.1.1', 'fd65::1:1']) await appears(h3, destination);
});

test.serial('nextHopMode Keep leaves the host that passes routes on out of their way', async (t) => {
  const { h2, h3 } = lab;
  await live(row([65001, 65002, 65003]));
  await allEstablished(h2, 4);
  t.regex(await appears(h3, '10.65.1.1'), /via 10\.99\.0\.2 /);
  t.regex(await appears(h3, 'fd65::1:1'), /via fd99::2 /);
  await live(row([65001, 65002, 65003], { nextHopMode: 'Keep' }));
  await until(async () => /via 10\.99\.0\.1 /.test(await h3.route('10.65.1.1')), { what: 'h1 as next hop' });
  await until(async () => /via fd99::1 /.test(await h3.route('fd65::1:1')), { what: 'h1 as IPv6 next hop' });
  t.pass();
});

test.serial('MD5 passwords and BFD work over IPv6 as over IPv4', async (t) => {
  const { h1, h2 } = lab;
  for (const host of [h1, h2]) await writeFile(join(host.stateDir, 'pair'), 'correct horse\n');
  await live(pair({ password: { file: 'pair' }, bfd: true }));
  await allEstablished(h1, 2);
  for (const peer of ['10.99.0.2', 'fd99::2'])
    await until(
      async () =>
        new RegExp(`^${peer}\\s+\\S+\\s+Up`, 'm').test(await birdc(h1, 'bird', 'show', 'bfd', 'sessions')),
      { timeoutMs: 20_000, what: `BFD with ${peer}` },
    );
  process.kill(await h2.birdPid(), 'SIGSTOP');
  await until(async () => (await h1.speaker.status()).established === 0, { what: 'the end of the sessions' });
  for (const { lastError } of (await h1.speaker.status()).sessions)
    t.regex(lastError ?? '', /BFD session down/);
  process.kill(await h2.birdPid(), 'SIGCONT');
  const before = await badSignatures(h1);
  await writeFile(join(h1.stateDir, 'pair'), 'battery staple\n');
  await h1.speaker.resync();
  // Packets with the wrong signature are dropped without a word: the one who dials sees no answer.
  await until(async () => (await badSignatures(h1)) > before, { what: 'h1 to refuse a signature' });
  await until(async () => (await h2.speaker.status()).sessions.every(({ state }) => state === 'Connect'), {
    timeoutMs: 20_000,
    what: 'h2 to dial in vain',
  });
  t.is((await h1.speaker.status()).established, 0);
});

test.serial('a daemon that dies loses no IPv6 route of its peers, nor of its own host', async (t) => {
  const { h1, h2 } = lab;
  await live(pair({}));
  await allEstablished(h1, 2);
  const watched = [
    { host: h1, destination: 'fd65::2:1' },
    { host: h2, destination: 'fd65::1:1' },
  ];
  for (const { host, destination } of watched) await appears(host, destination);
  const before = await connections(h1);
  t.is(before.length, 2);
  process.kill(await h2.birdPid(), 'SIGKILL');
  await until(
    async () => {
      for (const { host, destination } of watched)
        t.not(await host.route(destination), '', `${host.name} lost ${destination}`);
      const now = await connections(h1);
      return now.length === 2 && !now.some((connection) => before.includes(connection));
    },
    { timeoutMs: 30_000, what: 'the sessions of the restarted daemon' },
  );
  for (const { host, destination } of watched) t.regex(await host.route(destination), /proto bird/);
});

test.serial('a session comes from the address of the node, whatever the kernel would choose', async (t) => {
  const { h1, h2 } = lab;
  await h2.namespace.ip('addr add 10.99.0.102/24 dev eth0');
  await h2.namespace.ip('route add 10.99.0.1/32 dev eth0 src 10.99.0.102');
  const four = (sourceAddress: 'UseNodeIP' | 'None'): NetworkText => ({
    peers: { four: { node: 'h1', peerIP: '10.99.0.2', sourceAddress } },
  });
  await live(four('None'));
  await until(async () => /connect from unknown address 10\.99\.0\.102/.test(await log(h1)), {
    timeoutMs: 20_000,
    what: 'a call from the other address',
  });
  t.is((await h1.speaker.status()).established, 0);
  await live(four('UseNodeIP'));
  await allEstablished(h1, 1);
  const connections = await h1.namespace.run('ss', ['-Htn', 'state', 'established', 'sport', '=', ':179']);
  t.regex(connections, /10\.99\.0\.1:179\s+10\.99\.0\.2:\d+/);
  await h2.namespace.ip('route del 10.99.0.1/32 dev eth0');
  await h2.namespace.ip('addr del 10.99.0.102/24 dev eth0');
});

/** Packets to sockets with a TTL below what they ask for (nstat(8)), whoever of the two dialled. */
async function ttlDrops({ namespace }: Host): Promise<number> {
  const counters = await namespace.run('nstat', ['-asz', 'TcpExtTCPMinTTLDrop']);
  return Number(/TcpExtTCPMinTTLDrop\s+(\d+)/.exec(counters)?.[1]);
}

test.serial('TTL security keeps out a peer behind a router, which reachableBy leads to', async (t) => {
  const { h1, h2, h3 } = lab;
  // h3 is a stranger now, at an address that only h2 knows the way to, and answers by way of h2.
  await live({ nodes: { h1: NODES.h1 } });
  await h3.namespace.ip('addr add 10.98.0.3/32 dev lo');
  await h3.namespace.ip('route add 10.99.0.1/32 via 10.99.0.2');
  await h2.namespace.ip('route add 10.98.0.3/32 via 10.99.0.3');
  await h2.namespace.run('sysctl', [
    ...['-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.send_redirects=0'],
    ...[
      'net.ipv4.conf.eth0.send_redirects=0',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.eth0.rp_filter=0',
    ],
  ]);
  const config = join(h3.stateDir, 'far.conf');
  await writeFile(
    config,
    `router id 10.98.0.3; protocol device {}
     protocol bgp far {
       local 10.98.0.3 as 65100; neighbor 10.99.0.1 as 64512; multihop 2; ttl security on;
       connect delay time 1; connect retry time 2; error wait time 1, 2;
       ipv4 { import all; export none; };
     }`,
  );
  const files = ['-s', join(h3.stateDir, 'far.ctl'), '-P', join(h3.stateDir, 'far.pid')];
  await h3.namespace.run('bird', ['-c', config, ...files]);
  t.teardown(() => birdc(h3, 'far', 'down').catch(() => {}));
  const far = (ttlSecurity: number): NetworkText => ({
    nodes: { h1: NODES.h1 },
    peers: {
      far: { peerIP: '10.98.0.3', asNumber: 65100, reachableBy: address('10.99.0.2'), ttlSecurity },
    },
  });
  await live(far(2));
  t.regex(await appears(h1, '10.98.0.3'), /^10\.98\.0\.3 via 10\.99\.0\.2 dev eth0 proto bird/);
  await allEstablished(h1, 1);
  // As near as this it is not: what it sends has passed one router more than allowed.
  await live(far(1));
  await until(async () => (await h1.speaker.status()).established === 0, { what: 'the end of the session' });
  const before = await ttlDrops(h1);
  await until(async () => (await ttlDrops(h1)) > before, {
    timeoutMs: 90_000,
    what: 'a packet from too far',
  });
  t.is((await h1.speaker.status()).established, 0);
  await live(far(2));
  await allEstablished(h1, 1);
  await live({});
  await vanishes(h1, '10.98.0.3');
});
