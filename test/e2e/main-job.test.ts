/**
 * The main job on the example of three hosts: a git push changes what packets may do, on real parts.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { startAgent } from '../../src/lab/lab.js';
import { signal } from '../../src/lab/lab-processes.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn<{ lab: TestLab }>;
let lab: TestLab;

test.before('the lab is up', async () => {
  lab = await TestLab.start(exampleFolder('three-hosts'));
  await lab.live(await lab.head());
  await lab.routed();
});
test.after.always('the lab goes without a trace', () => lab?.[Symbol.asyncDispose]());

for (const family of [4, 6] as const) {
  test(`members of a profile reach each other across hosts, others do not (IPv${family})`, async (t) => {
    t.true(await lab.arrives('web-1', 'web-2', 'icmp', family));
    t.true(await lab.arrives('web-3', 'web-1', 'tcp', family));
    t.false(await lab.reaches('batch-1', 'web-1', 'icmp', family), 'on the same host');
    t.false(await lab.reaches('batch-1', 'web-3', 'tcp', family), 'on another host');
    t.false(
      await lab.reaches('web-1', 'batch-2', 'tcp', family),
      'nothing comes into an endpoint without a profile',
    );
  });
}

test('every ConnectivityTest of the example goes with real packets as it does with heddle test', async (t) => {
  t.regex(await lab.probed('three-hosts'), /[1-9]\d* probes, 0 mismatches/);
});

test('every host has a route to every workload, its own by link scope and protocol 80', async (t) => {
  for (const { name } of lab.plan.hosts) {
    const routes = await lab.on(name, ['ip', 'route']);
    for (const workload of lab.plan.workloads) {
      const [address = ''] = workload.addresses;
      const line = routes.split('\n').find((one) => one.startsWith(`${address} `)) ?? '';
      if (workload.host === name)
        t.regex(line, new RegExp(`dev ${workload.interfaceName} proto 80 scope link`));
      else t.regex(line, /via 10\.99\.0\.\d dev eth0 proto bird/);
    }
  }
});

test('a workload learns its gateway 169.254.1.1 by proxy ARP, with the MAC of the host side', async (t) => {
  t.true(await lab.arrives('web-1', 'web-2', 'icmp'));
  const workload = lab.plan.workloads.find(({ name }) => name === 'web-1');
  t.regex(
    await lab.on('web-1', ['ip', 'neigh']),
    new RegExp(`169\\.254\\.1\\.1 dev eth0 lladdr ${workload?.hostMac}`),
  );
});

test('a second reconcile of the same commit writes nothing', async (t) => {
  const { revision: before } = await lab.store.get(lab.layout.keys.ready);
  const { code, stdout } = await lab.heddle([
    ...[
      'reconcile',
      '--once',
      '--repo',
      lab.state.workTree,
      '--ref',
      'main',
      '--etcd',
      lab.state.etcdOutside,
    ],
  ]);
  t.is(code, 0);
  t.regex(stdout, /No changes/);
  const root = await lab.store.snapshot(lab.layout.prefix);
  t.true([...root.entries.values()].every(({ modRevision }) => modRevision <= before));
});

test('a push that removes the rule cuts the connection on every host, and only that', async (t) => {
  const file = join(lab.state.workTree, 'profiles/web.yaml');
  const original = await readFile(file, 'utf8');
  await writeFile(file, `${original}spec:\n  tags: [web]\n  ingress: []\n  egress:\n    - action: Allow\n`);
  await lab.live(await lab.push('Nobody may talk to web'));
  t.false(await lab.reaches('web-1', 'web-2', 'tcp'));
  t.false(await lab.reaches('web-2', 'web-1', 'icmp', 6));
  await writeFile(file, original);
  await lab.live(await lab.push('They may again'));
  t.true(await lab.arrives('web-1', 'web-2', 'tcp'));
});

test('an invalid commit changes nothing; wait ends and says why, and so does status', async (t) => {
  const file = join(lab.state.workTree, 'profiles/broken.yaml');
  await writeFile(
    file,
    'apiVersion: heddle/v1\nkind: Profile\nmetadata: { name: broken }\nspec: { ingres: [] }\n',
  );
  const commit = await lab.push('A typing error');
  const store = ['--etcd', lab.state.etcdOutside];
  const waited = await lab.heddle(['wait', '--commit', commit, '--timeout', '10m', ...store]);
  t.is(waited.code, 8);
  t.regex(
    waited.stdout,
    /live on 0\/3 hosts; it is refused\n {2}InvalidManifests: profiles\/broken\.yaml:4:\d+/,
  );
  const { stdout } = await lab.heddle(['status', ...store]);
  t.regex(
    stdout,
    new RegExp(`the newest commit is ${commit.slice(0, 7)}\n +Valid=False InvalidManifests: profiles`),
  );
  t.true(await lab.arrives('web-1', 'web-2', 'tcp'));
  await rm(file);
  await lab.live(await lab.push('Without the error'));
});

test('an agent that is killed leaves traffic as it was, and its successor takes over', async (t) => {
  const host = lab.plan.hosts.find(({ name }) => name === 'host-2');
  const agent = lab.state.processes.find(({ role }) => role === 'agent host-2');
  if (!host || !agent) throw new Error('There is no agent on host-2');
  const sessions = async () => (await lab.on('host-2', ['ip', 'route', 'show', 'proto', 'bird'])).trim();
  const before = await sessions();
  signal(agent, 'SIGKILL');
  t.true(await lab.arrives('web-1', 'web-2', 'tcp'));
  t.false(await lab.reaches('batch-1', 'web-2', 'tcp'));
  await lab.on('host-2', ['iptables-nft', '-t', 'filter', '-F', 'FORWARD']);
  const successor = await startAgent(lab.options, lab.state, host);
  await until(async () => /cali-FORWARD/.test(await lab.on('host-2', ['iptables-nft', '-S', 'FORWARD'])));
  t.false(await lab.reaches('batch-1', 'web-2', 'tcp'));
  t.true(await lab.arrives('web-1', 'web-2', 'tcp'));
  t.is(await sessions(), before, 'BIRD ran on');
  t.not(successor.pid, agent.pid);
  const isReady = async () => (await lab.ask('host-2', '/readiness').catch(() => undefined))?.status === 200;
  await t.notThrowsAsync(until(isReady, { what: 'the successor to be ready' }));
});

test('a removed endpoint leaves no route, rule or set member anywhere', async (t) => {
  await rm(join(lab.state.workTree, 'endpoints/web-3.yaml'));
  await lab.live(await lab.push('web-3 is gone'));
  for (const { name } of lab.plan.hosts) {
    await until(async () => !(await lab.on(name, ['ip', 'route'])).includes('192.168.3.10'));
    t.notRegex(await lab.on(name, ['ipset', 'save']), /192\.168\.3\.10|::3:10/);
  }
  const gone = lab.plan.workloads.find(({ name }) => name === 'web-3');
  t.notRegex(
    await lab.on('host-3', ['iptables-nft-save', '-t', 'filter']),
    new RegExp(gone?.interfaceName ?? ''),
  );
  const { entries } = await lab.store.snapshot(lab.layout.prefix);
  t.deepEqual(
    [...entries.keys()].filter((key) => key.includes('web-3') || key.includes('192.168.3.10')),
    [],
  );
});
