/**
 * Programs that die, hang and start in the wrong order, on hosts whose traffic goes on.
 */
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { exec } from '../../src/kernel/exec.js';
import { type CommandLine, runOrThrow } from '../../src/kernel/namespaces.js';
import { processStartTime } from '../../src/lab/lab-processes.js';
import { labFolder } from '../../src/lab/lab-state.js';
import type { StoreKey } from '../../src/model/store.js';
import { currentLeader } from '../../src/reconciler/leader.js';
import { ALLOWED, FaultLab } from '../helpers/fault-lab.js';
import { pidIn } from '../helpers/pid-file.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
let fault: FaultLab;

test.before('traffic flows', async () => {
  fault = await FaultLab.start();
});
test.after.always('the lab goes', () => fault?.[Symbol.asyncDispose]());

const HOSTS = ['host-1', 'host-2', 'host-3'];
/** Lets batch into web; and web, which a policy would deny otherwise. */
const OPEN_WEB = JSON.stringify({
  ...{ apiVersion: 'heddle/v1', kind: 'GlobalNetworkPolicy', metadata: { name: 'open' } },
  spec: {
    ...{ selector: "app == 'web'", types: ['Ingress'] },
    ingress: [{ action: 'Allow', source: { selector: "app in {'web', 'batch'}" } }],
  },
});
const inLab = (...names: string[]): string => join(labFolder(fault.lab.plan.name), ...names);

/** Runs something with traffic watched: nothing denied passes, and unless told otherwise nothing allowed is lost. */
/** Of all flows together: a hundred or so of each. */
const PROBES_WHILE_IT_HANGS = 3_000;

async function underTraffic(act: () => Promise<void>, { mayLose = false } = {}): Promise<void> {
  const start = fault.traffic.now();
  await act();
  await fault.everythingAllowedPasses();
  await fault.nothingDeniedPassed(start);
  if (!mayLose) await fault.nothingAllowedWasLost(start);
  fault.traffic.forget(start);
}

test('an agent that is killed again and again in the middle of a large change opens nothing', async (t) => {
  await underTraffic(async () => {
    for (let round = 0; round < 3; round += 1) {
      const commit = await fault.pushVariant(round);
      const isApplied = async () =>
        (await fault.lab.status()).sources.some((source) => source.commit === commit);
      await until(isApplied, { timeoutMs: 20_000 });
      // The moment of the crash is what is drawn here; nothing is waited for.
      const crashMs = randomInt(400);
      t.log(`killed ${crashMs} ms after the commit`);
      await pause(crashMs);
      await fault.programs.kill('agent host-1');
      await fault.programs.start('agent host-1');
      await fault.lab.live(commit);
    }
  });
  t.pass();
});

test('a reconciler that is killed while it leads is followed: the next push goes live by another host', async (t) => {
  const { store, layout } = fault.lab;
  const leader = () => currentLeader({ store, layout, name: 'default' });
  const verified = async () =>
    (await fault.lab.status()).sources[0]?.conditions.find(({ type }) => type === 'Verified')?.message;
  await underTraffic(async () => {
    const before = (await leader())?.node;
    await fault.programs.kill(`reconcile ${before}`);
    const commit = await fault.pushVariant(7);
    await fault.lab.live(commit);
    const after = (await leader())?.node;
    t.log(`${before} was followed by ${after}`);
    t.true(after !== undefined && after !== before);
    await until(async () => (await verified()) === '2 of 2 verifiers agree', { timeoutMs: 30_000 });
    await fault.programs.start(`reconcile ${before}`);
    await until(async () => (await verified()) === '3 of 3 verifiers agree', { timeoutMs: 30_000 });
    t.is((await leader())?.node, after, 'who comes back does not take the lead');
  });
});

test('a BIRD that is killed is started again, and of 400 pings and more none is lost', async (t) => {
  const before = await birdOf('host-2');
  t.truthy(processStartTime(before));
  await underTraffic(async () => {
    const start = fault.traffic.now();
    process.kill(before, 'SIGKILL');
    await until(async () => (await birdOf('host-2')) !== before);
    await fault.untilHost('host-2', ({ bgp }) => bgp.established === bgp.configured);
    const pings = () =>
      ALLOWED.flatMap((pair) => fault.traffic.probes(start, pair)).filter(
        ({ flow }) => flow.protocol === 'icmp',
      ).length;
    await until(() => pings() >= 400);
    t.log(`${pings()} pings`);
    await t.notThrowsAsync(fault.nothingAllowedWasLost(start));
  });
});

test('a BIRD that hangs holds up no policy; its host says what is missing, and is live when it is there', async (t) => {
  const policy = join(fault.lab.state.workTree, 'open.yaml');
  const pair = ['batch-1', 'web-1'] as const;
  const bird = await birdOf('host-1');
  const start = fault.traffic.now();
  process.kill(bird, 'SIGSTOP');
  try {
    for (const [isOpen, change] of [
      [true, () => writeFile(policy, OPEN_WEB)],
      [false, () => rm(policy)],
    ] as const) {
      await change();
      const commit = await fault.lab.push(isOpen ? 'Open' : 'Close');
      if (isOpen) await fault.traffic.untilAllowed(pair, 30_000);
      else await fault.traffic.untilDenied(pair, 30_000);
      const { state, error } = await fault.untilHost(
        'host-1',
        ({ sources, error: said }) => sources.default?.commit === commit && said !== undefined,
      );
      t.true(['applying', 'degraded', 'failed'].includes(state), state);
      t.regex(error ?? '', /BIRD|BGP/);
    }
    await fault.untilRed('host-1', 'bgp-daemon');
    t.like(await fault.lab.ask('host-1', '/liveness'), { status: 200 });
  } finally {
    process.kill(bird, 'SIGCONT');
  }
  await fault.lab.live(await fault.lab.head());
  await fault.untilGreen('host-1');
  await fault.nothingAllowedWasLost(start);
  await fault.nothingDeniedPassed(fault.traffic.now());
});

test('another BIRD on the host is named, until it is gone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-rival-'));
  const [config, socket, pidFile] = ['bird.conf', 'bird.ctl', 'bird.pid'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  // Without a kernel protocol, so that it takes nothing away while it is there.
  await writeFile(config, 'router id 192.0.2.1;\nprotocol device { }\n');
  await fault.lab.on('host-2', ['bird', '-c', config, '-s', socket, '-P', pidFile]);
  const rival = await pidIn(pidFile);
  try {
    // While the daemon has not confirmed a configuration that is what the status says.
    const { error } = await fault.untilHost('host-2', ({ state }) => state === 'degraded');
    t.regex(
      error ?? '',
      new RegExp(`another BIRD runs on this host \\(process ${rival}\\).*disable --now bird`),
    );
  } finally {
    process.kill(rival, 'SIGTERM');
  }
  await fault.untilGreen('host-2');
  await rm(folder, { recursive: true, force: true });
});

test('a peer that never answers and one that is refused are named in the status, with the reason, and hold up nothing', async (t) => {
  const file = join(fault.lab.state.workTree, 'peers.yaml');
  const peer = (name: string, peerIP: string) =>
    JSON.stringify({
      ...{ apiVersion: 'heddle/v1', kind: 'BGPPeer', metadata: { name } },
      spec: { node: 'host-1', peerIP, asNumber: 65_001 },
    });
  await using _stranger = await startStranger(65_002);
  await using _file = { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
  await underTraffic(async () => {
    await writeFile(file, `${peer('silent', '10.99.0.77')}\n---\n${peer('stranger', '10.99.0.254')}`);
    await fault.lab.live(await fault.lab.push('Peers'));
    const { sessions = [] } = await fault.untilHost('host-1', ({ sessions: found = [] }) =>
      found.some(({ lastError }) => /Bad peer AS/.test(lastError ?? '')),
    );
    t.log(sessions.filter(({ state }) => state !== 'Established'));
    const named = (address: string) => sessions.find(({ name }) => name.endsWith(address));
    t.regex(named('10_99_0_77')?.state ?? '', /^(?:Active|Connect|Idle)$/);
    t.regex(named('10_99_0_254')?.lastError ?? '', /Bad peer AS/);
    await fault.untilRed('host-1', 'bgp-session-down');
    await rm(file);
    await fault.lab.live(await fault.lab.push('No peers'));
  });
  await fault.untilGreen('host-1');
});

test('without etcd traffic goes on, an agent starts, and a push waits until etcd is back', async (t) => {
  const before = await fault.lab.on('host-1', ['iptables-nft-save', '-t', 'filter']);
  let commit = '';
  await underTraffic(async () => {
    await fault.programs.kill('etcd');
    commit = await fault.pushVariant(6);
    const logged = fault.programs.log('agent host-1').length;
    await fault.programs.kill('agent host-1');
    await fault.programs.start('agent host-1');
    await until(() => fault.programs.log('agent host-1').slice(logged).includes('store is away'));
    const rules = (text: string) =>
      text
        .split('\n')
        .filter((line) => /^[:-]/.test(line))
        .map((line) => line.replace(/ \[.*/, ''));
    t.deepEqual(rules(await fault.lab.on('host-1', ['iptables-nft-save', '-t', 'filter'])), rules(before));
    await fault.programs.start('etcd');
    await fault.lab.live(commit);
  });
});

test('while etcd hangs traffic goes on, and a push is made up for', async (t) => {
  await underTraffic(async () => {
    fault.programs.signal('etcd', 'SIGSTOP');
    const commit = await fault.pushVariant(7);
    const hung = fault.traffic.now();
    await fault.nothingDeniedPassed(hung);
    await until(() => fault.traffic.probes(hung).length > PROBES_WHILE_IT_HANGS);
    await fault.nothingAllowedWasLost(hung);
    fault.programs.signal('etcd', 'SIGCONT');
    await fault.lab.live(commit);
  });
  t.pass();
});

test('an etcd that lost everything empties no host: they hold what they have until it is filled again', async (t) => {
  const commit = await fault.lab.head();
  await underTraffic(async () => {
    for (const host of HOSTS) fault.programs.signal(`reconcile ${host}`, 'SIGSTOP');
    await fault.programs.kill('etcd');
    await rm(inLab('etcd'), { recursive: true });
    await fault.programs.start('etcd');
    for (const host of HOSTS) {
      await fault.untilHost(
        host,
        ({ state, error }) => state === 'held' && /the store is not ready/.test(error ?? ''),
      );
      t.regex(await fault.lab.on(host, ['ip', 'route']), / proto 80 /);
    }
    for (const host of HOSTS) fault.programs.signal(`reconcile ${host}`, 'SIGCONT');
    await fault.lab.live(commit);
  });
});

test('/readiness is 503 with the reason while etcd, Ready or a peer is away, and 200 otherwise; /liveness is 200 throughout', async (t) => {
  const isAlive = async () => t.like(await fault.lab.ask('host-1', '/liveness'), { status: 200 });
  await fault.untilGreen('host-1');
  await isAlive();

  await fault.programs.kill('etcd');
  await fault.untilRed('host-1', 'datastore-away');
  await isAlive();
  await fault.programs.start('etcd');
  await fault.untilGreen('host-1');

  await withValue(`${fault.lab.layout.root}/v1/Ready`, 'false', async () => {
    await fault.untilRed('host-1', 'store-not-ready');
    await isAlive();
  });
  await fault.untilGreen('host-1');

  await withDeadBird('host-3', async () => {
    await fault.untilRed('host-1', 'bgp-session-down');
    await fault.untilRed('host-3', 'bgp-daemon');
    await isAlive();
  });
  await fault.untilGreen('host-1');
  await fault.untilGreen('host-3');
});

test('/metrics is what a host holds: its kernel, its part of the store, its sessions, its commit', async (t) => {
  const commit = await fault.lab.head();
  await fault.untilGreen('host-1');
  const { status, body } = await fault.lab.ask('host-1', '/metrics');
  t.is(status, 200);
  const figures = figuresOf(body);
  const on = (...command: CommandLine) => fault.lab.on('host-1', command);
  const rules = (await on('iptables-nft-save')) + (await on('ip6tables-nft-save'));
  const routes = (await on('ip', 'route')) + (await on('ip', '-6', 'route'));
  const sets = (await on('ipset', 'save')).match(/^create .*/gm) ?? [];
  const endpoints = fault.lab.plan.workloads.filter(({ host }) => host === 'host-1').length;
  t.like(Object.fromEntries(figures), {
    felix_iptables_chains: rules.match(/^:cali-/gm)?.length,
    felix_iptables_rules: rules.match(/^-A .*"cali:/gm)?.length,
    felix_ipsets_calico: sets.filter((set) => /^create cali[46]\d/.test(set)).length,
    felix_ipsets_total: sets.length,
    heddle_routes: routes.match(/ proto 80 /g)?.length,
    felix_resync_state: 3,
    felix_cluster_num_hosts: HOSTS.length,
    'heddle_host_state{state="live"}': 1,
    'heddle_bgp_sessions{state="Established"}': 2 * (HOSTS.length - 1),
  });
  t.true((figures.get('felix_active_local_endpoints') ?? 0) >= endpoints);
  t.regex(
    body,
    new RegExp(`^heddle_commit_info\\{source="default",commit="${commit}",seq="\\d+"\\} 1$`, 'm'),
  );
  for (const name of [
    ...['felix_calc_graph_update_time_seconds_count', 'felix_int_dataplane_apply_time_seconds_count'],
    ...['felix_int_dataplane_msg_batch_size_count', 'felix_int_dataplane_messages{type="profile-update"}'],
    ...[
      'felix_exec_time_micros_count',
      'felix_iptables_restore_calls',
      'felix_route_table_list_seconds_count',
    ],
    ...['felix_active_local_tags', 'felix_ipset_lines_executed', 'felix_iptables_lines_executed'],
  ])
    t.true((figures.get(name) ?? 0) > 0, name);
});

test('a malformed endpoint is denied, and its host is degraded and names the key', async (t) => {
  const { keys } = await stored();
  const key = keys.find((candidate) => /workload\/heddle\/web-1\/endpoint\//.test(candidate)) ?? '';
  await withValue(key, '{"state": 12', async () => {
    const { state, error } = await fault.untilHost('host-1', (report) => report.state === 'degraded');
    t.is(state, 'degraded');
    t.true(error?.includes(key), error);
    const since = fault.traffic.now();
    await fault.traffic.assertNeverAllowed(['web-2', 'web-1'], since);
    await fault.traffic.assertNeverAllowed(['web-1', 'web-2'], since);
  });
});

test('a malformed profile denies whoever names it, and every host is degraded and names the key', async (t) => {
  const key = `${fault.lab.layout.root}/v1/policy/profile/web/rules`;
  await withValue(key, 'nonsense', async () => {
    for (const host of HOSTS) {
      const { error } = await fault.untilHost(host, ({ state }) => state === 'degraded');
      t.true(error?.includes(key), error);
    }
    const since = fault.traffic.now();
    await fault.traffic.assertNeverAllowed(['web-2', 'web-1'], since);
    await fault.traffic.assertNeverAllowed(['web-1', 'web-2'], since);
  });
});

for (const [path, value] of [
  ['/v1/host/host-1/endpoint/eth0', '{"name":"eth0","expected_ipv4_addrs":["10.99.0.1"],"profile_ids":[]}'],
  ['/heddle/v1/resources/futurethings/one', '{"spec":{}}'],
] as const)
  test(`what no agent enforces, ${path}, is never live`, async (t) => {
    const key = `${fault.lab.layout.root}${path}`;
    await withValue(key, value, async () => {
      const { error } = await fault.untilHost('host-1', ({ state }) => state === 'degraded');
      t.true(error?.includes(key) || error?.includes('HostEndpoint'), error);
    });
  });

test('a full disk fails the BIRD configuration alone, keeps the old one, and is reported until there is room', async (t) => {
  const folder = inLab('hosts', 'host-3', 'bird');
  await fault.programs.kill('agent host-3');
  process.kill(await birdOf('host-3'), 'SIGKILL');
  const pidFile = await readFile(join(folder, 'bird.pid'));
  await runOrThrow(exec, ['mount', '-t', 'tmpfs', '-o', 'size=256k', 'heddle-full', folder]);
  t.teardown(() => runOrThrow(exec, ['umount', '--lazy', folder]).then(() => {}));
  // By this the agent knows that its BIRD has crashed, and that routes are to be kept.
  await writeFile(join(folder, 'bird.pid'), pidFile);
  await fault.programs.start('agent host-3');
  await fault.untilHost('host-3', ({ state, bgp }) => state === 'live' && bgp.established === 4);
  await fault.everythingAllowedPasses();

  await t.throwsAsync(writeFile(join(folder, 'filler'), Buffer.alloc(512 * 1024)), { code: 'ENOSPC' });
  await underTraffic(async () => {
    const pool = { apiVersion: 'heddle/v1', kind: 'IPPool', metadata: { name: 'more' } };
    const text = JSON.stringify({ ...pool, spec: { cidr: '172.20.0.0/16' } });
    await writeFile(join(fault.lab.state.workTree, 'pool.yaml'), text);
    const commit = await fault.pushVariant(9);
    const { error } = await fault.untilHost('host-3', ({ state }) => state === 'failed');
    t.regex(error ?? '', /^BIRD configuration .*bird\.conf: .*ENOSPC/);
    t.regex(await fault.lab.on('host-3', ['ipset', 'save']), / 192\.168\.100\.1$/m, 'the rest is in force');
    await rm(join(folder, 'filler'));
    await fault.lab.live(commit);
  });
});

/** A BIRD of somebody else in the fabric, in another AS than anybody expects. */
async function startStranger(as: number): Promise<AsyncDisposable> {
  const [config, socket, pid] = ['conf', 'ctl', 'pid'].map((end) => inLab(`stranger.${end}`));
  if (config === undefined || socket === undefined || pid === undefined) throw new Error('unreachable');
  const neighbours = `local 10.99.0.254 as ${as}; neighbor range 10.99.0.0/24 as ${as - 1};`;
  await writeFile(
    config,
    `router id 10.99.0.254;\nprotocol device {}\nprotocol bgp { ${neighbours} ipv4 { import none; export none; }; }\n`,
  );
  await fault.lab.on('fabric', ['bird', '-c', config, '-s', socket, '-P', pid]);
  return {
    async [Symbol.asyncDispose]() {
      process.kill(await pidIn(pid), 'SIGKILL');
    },
  };
}

function birdOf(host: string): Promise<number> {
  return pidIn(inLab('hosts', host, 'bird', 'bird.pid'));
}

/** Kills a BIRD and keeps it from coming back: what its agent would start it with is no program meanwhile. */
async function withDeadBird(host: string, act: () => Promise<void>): Promise<void> {
  const folder = inLab('hosts', host, 'bird');
  const config = join(folder, 'bird.conf');
  await rename(config, `${config}.kept`);
  await mkdir(config);
  try {
    process.kill(await birdOf(host), 'SIGKILL');
    await act();
  } finally {
    await rmdir(config);
    await rename(`${config}.kept`, config);
  }
}

/** Prometheus' text format: every line a comment or a sample. */
function figuresOf(text: string): ReadonlyMap<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !/^# (?:HELP|TYPE) \w+ ./.test(line));
  return new Map(
    samples.map((line) => {
      const [, name = '', value = ''] = /^([a-z_]+(?:\{(?:\w+="[^"]*",?)+\})?) (\S+)$/.exec(line) ?? [];
      if (name === '' || Number.isNaN(Number(value))) throw new Error(`No sample: ${line}`);
      return [name, Number(value)];
    }),
  );
}

async function stored() {
  const { entries } = await fault.lab.store.snapshot(fault.lab.layout.prefix);
  return { keys: [...entries.keys()], entries };
}

/** Puts a value into the store by hand, and puts back what was there. */
async function withValue(text: string, value: string, act: () => Promise<void>): Promise<void> {
  const { store } = fault.lab;
  const key = text as StoreKey;
  const { entry } = await store.get(key);
  const write = (op: { op: 'put'; key: StoreKey; value: string } | { op: 'delete'; key: StoreKey }) =>
    store.transact({ guards: [], writes: [{ write: op }] });
  for (const host of HOSTS) fault.programs.signal(`reconcile ${host}`, 'SIGSTOP');
  const start = fault.traffic.now();
  try {
    await write({ op: 'put', key, value });
    await act();
  } finally {
    await write(entry ? { op: 'put', key, value: entry.value } : { op: 'delete', key });
    for (const host of HOSTS) fault.programs.signal(`reconcile ${host}`, 'SIGCONT');
  }
  for (const host of HOSTS) await fault.untilHost(host, ({ state }) => state === 'live');
  await fault.everythingAllowedPasses();
  await fault.nothingDeniedPassed(start);
}
