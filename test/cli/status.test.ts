/** What `heddle status` says of the reconcilers of a source, which run as processes on a real etcd. */
import test from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { type HostStatus, hostStatusCodec } from '../../src/layout/records.js';
import { startEtcd } from '../helpers/etcd.js';
import { heddle, startHeddle } from '../helpers/heddle.js';
import { until } from '../helpers/until.js';
import { makeRepository, temporaryFolder } from '../loader/sources/repository.js';

const TIER = 'apiVersion: heddle/v1\nkind: Tier\nmetadata: {name: a}\nspec: {order: 1}\n';

test('status: processes verify each other, one that reads another folder is named, and none are missed when all die', async (t) => {
  await using etcd = await startEtcd();
  const repository = makeRepository(t);
  repository.push({ 'net/a.yaml': TIER, 'other/a.yaml': `${TIER}# another\n` }, 'first');
  const store = ['--etcd', etcd.endpoint];
  const loop = (node: string, path: string, ...more: string[]) =>
    startHeddle([
      ...['reconcile', '--interval', '200ms', '--node', node, '--repo', repository.bare, '--path', path],
      ...['--cache-dir', temporaryFolder(t), ...store, ...more],
    ]);
  const conditions = async (): Promise<{ type: string; status: string; reason: string; message: string }[]> =>
    JSON.parse((await heddle(['status', '--output', 'json', ...store])).stdout).sources[0]?.conditions ?? [];
  const condition = async (type: string) => (await conditions()).find((one) => one.type === type);
  const patience = { timeoutMs: 60_000 };

  await using leader = loop('host-1', 'net');
  await until(async () => (await condition('Verified'))?.message === '1 of 1 verifiers agree', patience);
  await using second = loop('host-2', 'net', '--lead', 'never');
  await until(async () => (await condition('Verified'))?.message === '2 of 2 verifiers agree', patience);
  t.regex((await heddle(['status', ...store])).stdout, /source default: .*\n {2}2 of 2 verifiers agree/);

  await using strange = loop('host-3', 'other', '--lead', 'never');
  await until(async () => (await condition('Verified'))?.reason === 'TreeMismatch', patience);
  const mismatch = await condition('Verified');
  t.is(mismatch?.status, 'False');
  t.regex(mismatch?.message ?? '', /^2 of 3 verifiers agree; host-3: .*compare --repo and --path/);

  for (const each of [strange, second, leader]) await each.kill();
  // What they said goes with their leases, which end one after the other.
  const left = await until(async () => {
    const [first, ...others] = await conditions();
    return others.length === 0 && first;
  }, patience);
  t.is(left.reason, 'NoReconciler');
  t.regex(left.message, /no reconciler leads; the last commit was applied 20/);
});

test('status: a host that is live and has objects that wait for an interface says so', async (t) => {
  await using etcd = await startEtcd();
  await using store = openEtcdDatastore(etcd.options);
  const { keys } = createLayout();
  const status = { ...QUIET, counts: { waiting: 3 } };
  const write = { op: 'put', key: keys.hostStatus('host-1'), value: hostStatusCodec.encode(status) } as const;
  await store.transact({ guards: [], writes: [{ write }] });
  const { stdout } = await heddle(['status', '--etcd', etcd.endpoint]);
  t.regex(stdout, /^host-1 +live .* 3 objects wait for interfaces of workloads$/m);
});

const QUIET: HostStatus = {
  ...{ node: 'host-1', state: 'live', sources: {}, revision: 1 },
  ...{ counts: {}, bgp: { configured: 0, established: 0 } },
};

test('reconcile: a process that starts again parses nothing that the one before has parsed', async (t) => {
  await using etcd = await startEtcd();
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': TIER, 'b.yaml': TIER.replace('name: a', 'name: b') }, 'first');
  const cache = temporaryFolder(t);
  const parsedBy = async (): Promise<number> => {
    await using loop = startHeddle([
      ...['reconcile', '--interval', '200ms', '--repo', repository.bare],
      ...['--cache-dir', cache, '--etcd', etcd.endpoint],
    ]);
    const line = await until(() => /^.*"commit read".*$/m.exec(loop.output())?.[0], { timeoutMs: 60_000 });
    return JSON.parse(line).parsed;
  };
  t.is(await parsedBy(), 2);
  t.is(await parsedBy(), 0);
  repository.push({ 'b.yaml': TIER.replace('name: a', 'name: c') }, 'second');
  t.is(await parsedBy(), 1);
});
