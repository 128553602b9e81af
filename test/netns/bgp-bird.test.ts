/** Three hosts on one bridge, real BIRD on each, configured from manifests by way of topology and speaker. */
import { appendFile, chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { stopBird } from '../../src/agent/bgp/bird/bird-process.js';
import { createBgpSpeaker } from '../../src/agent/bgp/index.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import { requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';
import { type NetworkText, topologyInput } from '../topology/topology-fixture.js';
import {
  allEstablished,
  appears,
  createFabric,
  createHost,
  type Fabric,
  type Host,
  logInto,
  vanishes,
} from './bgp-fixture.js';

requirePrivateNetns();

const POOLS = { '10.65.0.0/16': {}, 'fd65::/48': {} };
const NODES = {
  h1: { v4: '10.99.0.1/24', v6: 'fd99::1/64' },
  h2: { v4: '10.99.0.2/24', v6: 'fd99::2/64' },
  h3: { v4: '10.99.0.3/24', v6: 'fd99::3/64' },
};
const NETWORK: NetworkText = { nodes: NODES, pools: POOLS };

/** What BIRD wrote into its log about loading a configuration, and about sessions that changed their state. */
async function events(host: Host): Promise<{ readonly loads: number; readonly flaps: readonly string[] }> {
  const lines = (await readFile(join(host.stateDir, 'bird.log'), 'utf8')).split('\n');
  return {
    loads: lines.filter((line) => line.endsWith('<INFO> Reconfiguring')).length,
    flaps: lines.flatMap((line) => /(Mesh_\w+): State changed/.exec(line)?.[1] ?? []),
  };
}

interface Lab {
  readonly h1: Host;
  readonly h2: Host;
  readonly h3: Host;
}
let lab: Lab;
let fabric: Fabric;

test.before('three hosts on a bridge, each applied its own model', async () => {
  fabric = await createFabric();
  const [h1, h2, h3] = [
    await createHost(fabric, 'h1', 1),
    await createHost(fabric, 'h2', 2),
    await createHost(fabric, 'h3', 3),
  ];
  lab = { h1, h2, h3 };
  for (const host of Object.values(lab)) {
    const { failures } = await host.applies(NETWORK);
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
  }
});

test.after.always('nothing is left', async () => {
  for (const host of Object.values(lab)) await host[Symbol.asyncDispose]();
  await fabric?.[Symbol.asyncDispose]();
});

test.serial('the mesh comes up in both families', async (t) => {
  const { h1, h2, h3 } = lab;
  for (const host of [h1, h2, h3]) {
    const sessions = await allEstablished(host, 4);
    t.deepEqual(
      sessions.map(({ family }) => family),
      [4, 4, 6, 6],
    );
    t.deepEqual(await host.speaker.verify(), []);
  }
  t.deepEqual(
    (await h2.speaker.status()).sessions.map(({ name, peerName }) => `${name} ${peerName}`),
    ['Mesh_10_99_0_1 h1', 'Mesh_10_99_0_3 h3', 'Mesh_fd99__1 h1', 'Mesh_fd99__3 h3'],
  );
});

test.serial(
  'the other hosts learn a workload inside a pool, and nothing else that the kernel routes',
  async (t) => {
    const { h1, h2, h3 } = lab;
    // In this order: when the last one has come, those before it would be there too.
    await h1.namespace.ip('route add 172.16.0.0/16 via 10.99.0.77');
    await h1.namespace.ip('route add 172.17.0.1/32 dev cali1 scope link proto 80');
    await h1.namespace.ip('route add 10.65.0.0/24 dev cali1 proto 80');
    await h1.namespace.ip('route add 10.65.2.2/32 dev cali1 proto static');
    await h1.namespace.ip('route add 10.65.1.1/32 dev cali1 scope link proto 80');
    await h1.namespace.ip('-6 route add fd65::1:1/128 dev cali1 proto 80');
    for (const host of [h2, h3]) {
      t.regex(await appears(host, '10.65.1.1'), /via 10\.99\.0\.1 dev eth0 proto bird/);
      t.regex(await appears(host, 'fd65::1:1'), /via fd99::1 dev eth0 proto bird/);
      const learned = await host.namespace.ip('-4 route show proto bird');
      t.is(learned.trim().split('\n').length, 1, learned);
      t.regex(await host.route('default'), /^default via 10\.99\.0\.254 dev eth0 *$/);
    }
    await h1.namespace.ip('route del 10.65.1.1/32 dev cali1');
    await vanishes(h3, '10.65.1.1');
    await h1.namespace.ip('route add 10.65.1.1/32 dev cali1 scope link proto 80');
    await appears(h3, '10.65.1.1');
  },
);

test.serial('a host does not believe what a peer says of addresses outside the pools', async (t) => {
  const { h1, h2, h3 } = lab;
  await h3.applies({ ...NETWORK, pools: { '0.0.0.0/0': {} } });
  await h3.namespace.ip('route add 172.18.0.1/32 dev cali1 scope link proto 80');
  await h3.namespace.ip('route add 10.65.3.3/32 dev cali1 scope link proto 80');
  for (const host of [h1, h2]) {
    await appears(host, '10.65.3.3');
    t.is(await host.route('172.18.0.1'), '');
  }
  await h3.applies(NETWORK);
});

test.serial('two hosts with the same workload each use their own and announce it', async (t) => {
  const { h1, h2, h3 } = lab;
  const routesFrom = async (host: Host, peer: string) =>
    (await host.speaker.status()).sessions.find(({ name }) => name === peer)?.imported ?? 0;
  const before = await routesFrom(h1, 'Mesh_10_99_0_2');
  await h2.namespace.ip('route add 10.65.1.1/32 dev cali1 scope link proto 80');
  await until(async () => (await routesFrom(h1, 'Mesh_10_99_0_2')) === before + 1, {
    what: "h2's claim at h1",
  });
  t.is(await h1.route('10.65.1.1'), '10.65.1.1 dev cali1 proto 80 scope link');
  t.is(await h2.route('10.65.1.1'), '10.65.1.1 dev cali1 proto 80 scope link');
  await h1.namespace.ip('route del 10.65.1.1/32 dev cali1');
  await until(async () => /via 10\.99\.0\.2 /.test(await h3.route('10.65.1.1')), { what: 'h2 as next hop' });
  await h1.namespace.ip('route add 10.65.1.1/32 dev cali1 scope link proto 80');
  await h2.namespace.ip('route del 10.65.1.1/32 dev cali1');
  await until(async () => /via 10\.99\.0\.1 /.test(await h3.route('10.65.1.1')), { what: 'h1 as next hop' });
});

test.serial(
  'an equal configuration is not loaded again, and a new node leaves other sessions alone',
  async (t) => {
    const { h1 } = lab;
    await allEstablished(h1, 4);
    const before = await events(h1);
    t.deepEqual(await h1.applies(NETWORK), { changed: 0, failures: [] });
    t.is((await events(h1)).loads, before.loads);

    const larger = { ...NETWORK, nodes: { ...NODES, h4: { v4: '10.99.0.4/24' } } };
    t.deepEqual(await h1.applies(larger), { changed: 1, failures: [] });
    t.like(await h1.speaker.status(), { configured: 5, established: 4 });
    t.deepEqual(await h1.applies(NETWORK), { changed: 1, failures: [] });
    await allEstablished(h1, 4);
    const { loads, flaps } = await events(h1);
    t.is(loads, before.loads + 2);
    t.deepEqual(new Set(flaps.slice(before.flaps.length)), new Set(['Mesh_10_99_0_4']));
  },
);

test.serial('a new agent adopts the daemon of the one before it', async (t) => {
  const { h1 } = lab;
  const [before, pid] = [await events(h1), await h1.birdPid()];
  h1.speaker.close();
  h1.speaker = h1.newSpeaker();
  t.deepEqual(await h1.applies(NETWORK), { changed: 0, failures: [] });
  await allEstablished(h1, 4);
  t.deepEqual(await events(h1), before);
  t.is(await h1.birdPid(), pid);
});

test.serial(
  'a daemon that dies is started again for graceful restart, and no route is lost anywhere',
  async (t) => {
    const { h1, h2, h3 } = lab;
    await h2.namespace.ip('route add 10.65.2.1/32 dev cali1 scope link proto 80');
    await appears(h1, '10.65.2.1');
    const watched = [
      { host: h1, destination: '10.65.2.1' },
      { host: h3, destination: '10.65.1.1' },
    ];
    const pid = await h1.birdPid();
    h1.logged.length = 0;
    process.kill(pid, 'SIGKILL');
    await until(() => h1.logged.some(({ message }) => message === 'started BIRD'), { what: 'a new BIRD' });
    t.deepEqual(
      h1.logged.map(({ message, fields }) => [message, fields?.recovering]),
      [
        ['BIRD is gone', undefined],
        ['started BIRD', true],
      ],
    );
    const established = async () => (await h1.speaker.status()).established === 4;
    await until(
      async () => {
        for (const { host, destination } of watched)
          t.not(await host.route(destination), '', `${host.name} lost ${destination}`);
        return established();
      },
      { timeoutMs: 30_000, what: 'the sessions of the restarted daemon' },
    );
    for (const { host, destination } of watched) t.regex(await host.route(destination), /proto bird/);
    t.not(await h1.birdPid(), pid);
  },
);

test.serial(
  'a configuration that bird -p refuses leaves file, daemon and sessions as they are',
  async (t) => {
    const { h1 } = lab;
    await allEstablished(h1, 4);
    const [before, file] = [await events(h1), await readFile(join(h1.stateDir, 'bird.conf'), 'utf8')];
    h1.speaker.close();
    h1.speaker = h1.newSpeaker(async (command, args, options) => {
      const staged = args[0] === '-p' && args[2];
      if (staged) await appendFile(staged, 'nonsense;\n');
      return h1.namespace.exec(command, args, options);
    });
    const { changed, failures } = await h1.applies({ ...NETWORK, pools: { '10.65.0.0/16': {} } });
    t.is(changed, 0);
    t.regex(
      failures[0]?.message ?? '',
      /does not pass bird -p, the old one stays: .*bird\.conf\.new:\d+:\d+ syntax error/,
    );
    t.is(await readFile(join(h1.stateDir, 'bird.conf'), 'utf8'), file);
    t.deepEqual(await events(h1), before);
    t.regex((await h1.speaker.verify())[0]?.message ?? '', /another configuration/);
  },
);

test.serial('a configuration that only the daemon refuses is taken back from the disk', async (t) => {
  const { h1 } = lab;
  const file = await readFile(join(h1.stateDir, 'bird.conf'), 'utf8');
  h1.speaker.close();
  h1.speaker = h1.newSpeaker(async (_command, args) => {
    await appendFile(args[2] ?? '', 'nonsense;\n');
    return { code: 0, stdout: '', stderr: '' };
  });
  const { failures } = await h1.applies({ ...NETWORK, pools: { '10.65.0.0/16': {} } });
  t.regex(failures[0]?.message ?? '', /bird\.conf:\d+:\d+ syntax error/);
  t.is(await readFile(join(h1.stateDir, 'bird.conf'), 'utf8'), file);
  h1.speaker.close();
  h1.speaker = h1.newSpeaker();
  t.deepEqual(await h1.applies(NETWORK), { changed: 0, failures: [] });
  t.deepEqual(await h1.speaker.verify(), []);
});

test.serial('a host that leaves BGP loses the routes of others, and they lose its own', async (t) => {
  const { h1, h2, h3 } = lab;
  const learnedFromH1 = async () => (await h3.namespace.ip('-4 route show proto bird via 10.99.0.1')).trim();
  const before = await learnedFromH1();
  // Several times: a kernel route that a filter had refused meanwhile came back as another network.
  for (const round of [1, 2, 3]) {
    t.deepEqual(await h1.speaker.apply(undefined), { changed: 1, failures: [] }, `round ${round}`);
    await vanishes(h1, '10.65.2.1');
    await vanishes(h3, '10.65.1.1');
    t.deepEqual(await h1.speaker.status(), { configured: 0, established: 0, sessions: [] });
    t.deepEqual(await h1.speaker.verify(), []);
    const says = async () => {
      const { sessions } = await h2.speaker.status();
      const session = sessions.find(({ name }) => name === 'Mesh_10_99_0_1');
      return session?.established === false && session.lastError;
    };
    t.is(await until(says, { what: 'the end of the session at h2' }), 'Received: Peer de-configured');
    t.deepEqual(await h1.applies(NETWORK), { changed: 1, failures: [] });
    await allEstablished(h1, 4);
    await appears(h3, '10.65.1.1');
    t.is(await learnedFromH1(), before);
  }
});

test.serial('a full disk leaves file, daemon and sessions as they are, and is got over', async (t) => {
  const { h2 } = lab;
  await allEstablished(h2, 4);
  const file = await readFile(join(h2.stateDir, 'bird.conf'), 'utf8');
  const larger = { ...NETWORK, nodes: { ...NODES, h4: { v4: '10.99.0.4/24' } } };
  const filler = join(h2.stateDir, 'filler');
  const { code } = await h2.namespace.exec('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096']);
  t.not(code, 0, 'the disk is not full');
  const { changed, failures } = await h2.applies(larger);
  t.is(changed, 0);
  t.regex(failures[0]?.message ?? '', /ENOSPC/);
  t.is(await readFile(join(h2.stateDir, 'bird.conf'), 'utf8'), file);
  t.is((await h2.speaker.status()).established, 4);
  await rm(filler);
  t.deepEqual(await h2.speaker.resync(), { changed: 1, failures: [] });
  t.like(await h2.speaker.status(), { configured: 5, established: 4 });
  t.deepEqual(await h2.applies(NETWORK), { changed: 1, failures: [] });
});

test.serial('stopping the agent stops nothing; stopBird() ends the daemon', async (t) => {
  const { h3, h2 } = lab;
  h3.speaker.close();
  await appears(h2, '10.65.3.3');
  t.true(await stopBird(h3.stateDir));
  t.false(await stopBird(h3.stateDir));
  await vanishes(h2, '10.65.3.3');
  t.regex((await h3.speaker.status()).problem ?? '', /no BIRD listens/);
});

test.serial(
  'a BIRD that others run is given its configuration, and nothing else is done to it',
  async (t) => {
    const { h1, h3 } = lab;
    const system = { configFile: join(h3.stateDir, 'etc.conf'), controlSocket: join(h3.stateDir, 'run.ctl') };
    await writeFile(system.configFile, 'log syslog all;\nrouter id 10.99.0.3;\nprotocol device {}\n');
    await chmod(system.configFile, 0o640);
    const speaker = createBgpSpeaker({
      mode: 'system',
      stateDir: '/nonexistent',
      system,
      exec: h3.namespace.exec,
      log: logInto(h3.logged),
    });
    const model = bgpModelFor('h3', topologyInput(NETWORK));
    t.deepEqual(await speaker.apply(undefined), { changed: 0, failures: [] });
    t.regex((await speaker.apply(model)).failures[0]?.message ?? '', /no BIRD listens/);

    const { configFile, controlSocket } = system;
    await h3.namespace.run('bird', [
      '-c',
      configFile,
      '-s',
      controlSocket,
      '-P',
      join(h3.stateDir, 'run.pid'),
    ]);
    t.deepEqual(await speaker.resync(), { changed: 0, failures: [] });
    await h3.namespace.run('birdc', [
      '-s',
      controlSocket,
      'configure',
      `"${join(h1.stateDir, 'bird.conf')}"`,
    ]);
    t.regex((await speaker.verify())[0]?.message ?? '', /another configuration/);
    t.deepEqual(await speaker.resync(), { changed: 1, failures: [] });
    await until(async () => (await speaker.status()).established === 4, { what: 'the sessions of h3' });
    t.is((await stat(configFile)).mode & 0o777, 0o640);
    speaker.close();
    await h3.namespace.run('birdc', ['-s', controlSocket, 'down']);
  },
);
