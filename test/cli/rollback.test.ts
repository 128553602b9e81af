/** Going back, on a real etcd and a real repository, with a loop that would rather go forward. */
import test, { type ExecutionContext } from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { headCodec } from '../../src/layout/records.js';
import { startEtcd } from '../helpers/etcd.js';
import { folderOf, heddle, startHeddle } from '../helpers/heddle.js';
import { until } from '../helpers/until.js';
import { makeRepository, temporaryFolder } from '../loader/sources/repository.js';

const LAYOUT = createLayout();

const tier = (name: string, order: number) =>
  `apiVersion: heddle/v1\nkind: Tier\nmetadata: {name: ${name}}\nspec: {order: ${order}}\n`;

async function scene(t: ExecutionContext) {
  const etcd = await startEtcd();
  const store = openEtcdDatastore(etcd.options);
  const repository = makeRepository(t);
  const flags = ['--repo', repository.bare, '--cache-dir', temporaryFolder(t), '--etcd', etcd.endpoint];
  const json = async (verb: string) =>
    JSON.parse((await heddle([verb, '--output', 'json', '--etcd', etcd.endpoint])).stdout);
  return {
    ...{ etcd, store, repository, flags },
    once: () => heddle(['reconcile', '--once', ...flags]),
    rollback: (to: number, ...more: string[]) => heddle(['rollback', '--to', String(to), ...more, ...flags]),
    loop: (node: string) => startHeddle(['reconcile', '--interval', '200ms', '--node', node, ...flags]),
    head: async () => {
      const key = LAYOUT.keys.head('default');
      const { entry } = await store.get(key);
      return entry && headCodec.decode(key, entry.value);
    },
    tierOrder: async (name: string) => {
      const { entries } = await store.snapshot(`/calico/v1/policy/tier/${name}/`);
      const [found] = [...entries.values()];
      return found && JSON.parse(found.value).order;
    },
    applied: async () => {
      const { sources } = await json('status');
      return sources[0].conditions.find(({ type }: { type: string }) => type === 'Applied');
    },
    history: async (): Promise<number[]> =>
      (await json('history')).history.map(({ seq }: { seq: number }) => seq),
    async [Symbol.asyncDispose]() {
      await store.close();
      await etcd.close();
    },
  };
}

test('rollback: a running loop stays at the old commit until git has a newer one, defends it, and says so', async (t) => {
  await using network = await scene(t);
  const { repository, store, head, tierOrder } = network;
  const first = repository.push({ 'a.yaml': tier('a', 1) }, 'first');
  await using loop = network.loop('host-1');
  await until(async () => (await head())?.commit === first, { timeoutMs: 60_000, what: 'the first commit' });
  const second = repository.push({ 'a.yaml': tier('a', 2), 'b.yaml': tier('b', 9) }, 'second');
  await until(async () => (await head())?.commit === second, { what: 'the second commit' });

  const gone = await network.rollback(1);
  t.is(gone.code, 0, gone.stderr);
  t.regex(gone.stdout, /Applied as seq 3/);
  t.regex(gone.stdout, new RegExp(`Commit ${second} is held until`));
  const rolledBack = await head();
  t.like(rolledBack, { seq: 3, commit: first, rollback: { to: 1, held: second } });
  t.is(await tierOrder('a'), 1);
  t.is(await tierOrder('b'), undefined);
  await until(async () => (await network.applied())?.reason === 'RolledBack', {
    timeoutMs: 60_000,
    what: 'status to say that it is rolled back',
  });
  t.regex((await network.applied()).message, /rolled back to seq 1 .*heddle resume/);

  const [key] = [...(await store.snapshot('/calico/v1/policy/tier/a/')).entries.keys()];
  if (key === undefined) throw new Error('the tier has no key');
  await store.transact({ guards: [], writes: [{ write: { op: 'put', key, value: '{"order":77}' } }] });
  await until(async () => (await tierOrder('a')) === 1, { what: 'drift to be repaired' });
  t.is((await network.once()).code, 7, 'a single run is held back, too');
  t.deepEqual(await head(), rolledBack);

  const third = repository.push({ 'a.yaml': tier('a', 3) }, 'third');
  await until(async () => (await head())?.commit === third, { what: 'the third commit' });
  t.is((await head())?.rollback, undefined);
  t.is(await tierOrder('b'), 9);
  t.deepEqual(await network.history(), [4, 3, 2, 1]);
  t.regex(loop.output(), /RolledBack/);
});

test('rollback: a loop that starts afterwards stays there as well, and resume lets it go on', async (t) => {
  await using network = await scene(t);
  const { repository, head, tierOrder } = network;
  const first = repository.push({ 'a.yaml': tier('a', 1) }, 'first');
  t.is((await network.once()).code, 0);
  const second = repository.push({ 'a.yaml': tier('a', 2) }, 'second');
  t.is((await network.once()).code, 0);
  t.is((await network.rollback(1)).code, 0);
  await using _loop = network.loop('host-1');
  await until(async () => (await network.applied())?.reason === 'RolledBack', {
    timeoutMs: 60_000,
    what: 'the loop to say so',
  });
  t.is((await head())?.commit, first);
  const resumed = await heddle(['resume', '--etcd', network.etcd.endpoint]);
  t.is(resumed.code, 0, resumed.stderr);
  await until(async () => (await head())?.commit === second, { what: 'the second commit' });
  t.is(await tierOrder('a'), 2);
});

test('rollback: exit 3 for an unknown seq, 7 while suspended, 5 at a guard, 9 without a source', async (t) => {
  await using network = await scene(t);
  const { repository, etcd, head } = network;
  repository.push({ 'a.yaml': tier('a', 1) }, 'first\n\nPrune-Approved: yes');
  t.is((await network.once()).code, 0);
  const many = Object.fromEntries(['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((n) => [`${n}.yaml`, tier(n, 2)]));
  repository.push(many, 'many');
  t.is((await network.once()).code, 0);
  const before = await head();

  const unknown = await network.rollback(9);
  t.is(unknown.code, 3);
  t.regex(unknown.stderr, /has no seq 9: it has 1 to 2\n {2}heddle history/);

  const guarded = await network.rollback(1);
  t.is(guarded.code, 5, 'what the old commit approved was another change');
  t.regex(guarded.stdout, /7 of 8 Tier objects would be deleted/);

  t.is((await heddle(['suspend', '--reason', 'freeze', '--etcd', etcd.endpoint])).code, 0);
  const suspended = await network.rollback(1, '--approve-prune');
  t.is(suspended.code, 7);
  t.regex(suspended.stderr, /freeze/);
  t.is((await heddle(['resume', '--etcd', etcd.endpoint])).code, 0);

  const lost = await heddle([
    ...['rollback', '--to', '1', '--etcd', etcd.endpoint, '--repo', 'file:///no/such/repository.git'],
  ]);
  t.is(lost.code, 9);
  t.deepEqual(await head(), before, 'nothing was written');

  const preview = await network.rollback(1, '--approve-prune', '--dry-run');
  t.is(preview.code, 0);
  t.regex(preview.stdout, /Plan: 7 to delete/);
  t.deepEqual(await head(), before);
  t.is((await network.rollback(1, '--approve-prune')).code, 0);
  t.is((await head())?.seq, 3);
});

test('rollback: to a state that was read from a folder is refused, because its files are not kept', async (t) => {
  await using network = await scene(t);
  await using folder = await folderOf({ 'a.yaml': tier('a', 1) });
  const flags = ['--repo', folder.path, '--etcd', network.etcd.endpoint];
  t.is((await heddle(['reconcile', '--once', ...flags])).code, 0);
  const refused = await heddle(['rollback', '--to', '1', ...flags]);
  t.is(refused.code, 9);
  t.regex(refused.stderr, /its files are not kept/);
});
