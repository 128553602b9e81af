/**
 * What an agent is told of its host and itself: a Node without an address, one with the address of another host, and
 * secrets, which it tells nobody.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import type { StoreKey } from '../../src/model/store.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { LabPrograms } from '../helpers/lab-programs.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
const NODES = join('network', 'nodes.yaml');
const GIVEN = '    ipv4Address: 10.99.0.3/24\n    ipv6Address: fd99::3/64\n';
let lab: TestLab;

test.before('host-3 has no address in its manifest', async () => {
  const seed = await mkdtemp(join(tmpdir(), 'heddle-nodes-'));
  await cp(exampleFolder('three-hosts'), seed, { recursive: true });
  const text = await readFile(join(seed, NODES), 'utf8');
  if (!text.includes(`spec:\n  bgp:\n${GIVEN}`)) throw new Error('The example has changed');
  await writeFile(join(seed, NODES), text.replace(`spec:\n  bgp:\n${GIVEN}`, 'spec: {}\n'));
  lab = await TestLab.start(seed);
  await rm(seed, { recursive: true });
});
test.after.always('the lab goes', () => lab?.[Symbol.asyncDispose]());

/** The keys by which others know where host-3 is. */
async function registered(): Promise<Readonly<Record<string, string | undefined>>> {
  const keys = [
    'v1/host/host-3/bird_ip',
    ...['ip_addr_v4', 'ip_addr_v6', 'network_v4'].map((key) => `bgp/v1/host/host-3/${key}`),
  ];
  const values = await Promise.all(
    keys.map(async (key) => (await lab.store.get(`${lab.layout.root}/${key}` as StoreKey)).entry?.value),
  );
  return Object.fromEntries(keys.map((key, index) => [key.slice(key.lastIndexOf('/') + 1), values[index]]));
}

const OWN = {
  bird_ip: '10.99.0.3',
  ip_addr_v4: '10.99.0.3',
  ip_addr_v6: 'fd99::3',
  network_v4: '10.99.0.0/24',
};

async function untilHost(name: string, says: (error: string | undefined, state: string) => boolean) {
  return until(
    async () => {
      const host = (await lab.status()).hosts.find(({ node }) => node === name);
      return host && says(host.error, host.state) ? host : undefined;
    },
    { timeoutMs: 20_000 },
  );
}

test('a Node without an address: its agent registers what it finds, workloads are reached, and no plan touches it', async (t) => {
  await lab.live(await lab.head());
  await until(async () => (await registered()).bird_ip !== undefined);
  t.deepEqual(await registered(), OWN);
  await lab.routed();
  t.true(await lab.arrives('web-1', 'web-3', 'icmp', 4));
  t.true(await lab.arrives('web-1', 'web-3', 'icmp', 6));
  const plan = await lab.heddle([
    ...['reconcile', '--dry-run', '--detailed-exitcode', '--repo', lab.state.repository],
    ...['--etcd', lab.state.etcdOutside],
  ]);
  t.is(plan.code, 0, plan.stdout + plan.stderr);
});

test('an address that a manifest gives and the host does not have is AddressMismatch, until either is mended', async (t) => {
  const file = join(lab.state.workTree, NODES);
  const text = await readFile(file, 'utf8');
  const wrong = GIVEN.replace('10.99.0.3', '10.99.0.33');
  await writeFile(file, text.replace('spec: {}\n', `spec:\n  bgp:\n${wrong}`));
  await lab.push('A wrong address');
  const { state } = await untilHost('host-3', (error) => /AddressMismatch: 10\.99\.0\.33 /.test(error ?? ''));
  t.is(state, 'degraded');
  await writeFile(file, text.replace('spec: {}\n', `spec:\n  bgp:\n${GIVEN}`));
  await lab.live(await lab.push('The right one'));
  t.deepEqual(await registered(), OWN);
  await writeFile(file, text);
  await lab.live(await lab.push('No address again'));
  t.deepEqual(await registered(), OWN, 'what the manifest gave is kept by the host');
});

const SECRETS = { bgp: 'Bgp-Secret-4711', etcd: 'Etcd-Secret-4712', wrong: 'Wrong-Secret-4713' } as const;

test('secrets are in no log, no key of the store, no metric and no answer of an agent, at any log level', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-secrets-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const [name, secret] of Object.entries(SECRETS)) await writeFile(join(folder, name), `${secret}\n`);
  const file = join(lab.state.workTree, 'network', 'bgp.yaml');
  await writeFile(file, `${await readFile(file, 'utf8')}  nodeMeshPassword: { file: bgp }\n`);
  const commit = await lab.push('A password');
  await until(async () => (await lab.status()).sources.some((source) => source.commit === commit));

  const ctl = (...args: string[]) =>
    lab.on('fabric', ['env', 'ETCDCTL_API=3', 'etcdctl', `--endpoints=${lab.state.etcdInside}`, ...args]);
  await ctl('user', 'add', `root:${SECRETS.etcd}`);
  await ctl('user', 'grant-role', 'root', 'root');
  await ctl('auth', 'enable');
  const programs = new LabPrograms(lab.state);
  for (const [host, password] of [
    ['host-1', 'etcd'],
    ['host-2', 'wrong'],
  ] as const) {
    await programs.kill(`agent ${host}`);
    const user = ['--etcd-user', 'root', '--etcd-password-file', join(folder, password)];
    const flags = [...user, '--secrets-dir', folder, '--log-level', 'debug'];
    await programs.start(`agent ${host}`, (first) => [...first, ...flags]);
  }
  const config = join(lab.stateDirOf('host-1'), 'bird', 'bird.conf');
  await until(async () => (await readFile(config, 'utf8')).includes(SECRETS.bgp), { timeoutMs: 30_000 });
  await until(() => /"msg":"store is away"/.test(programs.log('agent host-2')), { timeoutMs: 30_000 });

  await using store = openEtcdDatastore({
    ...{ endpoints: [lab.state.etcdOutside], user: 'root', password: SECRETS.etcd },
  });
  const status = () => store.get(lab.layout.keys.hostStatus('host-1'));
  await until(async () => (await status()).entry?.value.includes(commit), { timeoutMs: 30_000 });
  const { entries } = await store.snapshot('/');
  const told = {
    log: programs.log('agent host-1'),
    'log with a wrong password': programs.log('agent host-2'),
    store: [...entries].map(([key, { value }]) => `${key} ${value}`).join('\n'),
    metrics: (await lab.ask('host-1', '/metrics')).body,
    readiness: (await lab.ask('host-1', '/readiness')).body,
  };
  for (const [where, text] of Object.entries(told)) {
    t.true(text.length > 100, `${where} says something`);
    for (const secret of Object.values(SECRETS)) t.false(text.includes(secret), `${secret} in ${where}`);
  }
});
