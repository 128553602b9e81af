/**
 * The loop follows its source and defends what is live against everybody else. Real loops on a repository and
 * a store in memory; reconciler-etcd.test.ts has a real etcd.
 */
import { once } from 'node:events';
import test from 'ava';
import type { WatchMessage, WatchOptions } from '../../src/datastore/datastore.js';
import { createMemoryDatastore, type MemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { sourceStatusCodec } from '../../src/layout/records.js';
import { SourceError } from '../../src/loader/sources/source.js';
import type { Revision, StoreKey } from '../../src/model/store.js';
import { readClusterStatus } from '../../src/reconciler/status/cluster-status.js';
import { until } from '../helpers/until.js';
import { FakeSource } from './fake-source.js';
import { intercept } from './faulty-store.js';
import { profile, smallNetwork } from './manifests.js';
import { LAYOUT, RunningReconciler } from './run-helpers.js';

const WEB_RULES = '/calico/v1/policy/profile/web/rules' as StoreKey;

/** There is nobody for it to speak of, so it fails. */
const hopelessTest = `apiVersion: heddle/v1
kind: ConnectivityTest
metadata: {name: hopeless}
spec: {from: {selector: none == 'here'}, to: {outside: true}, expect: Allow}
`;

async function put(store: MemoryDatastore, key: StoreKey, value: string): Promise<void> {
  await store.transact({ guards: [], writes: [{ write: { op: 'put', key, value } }] });
}

async function remove(store: MemoryDatastore, key: StoreKey): Promise<void> {
  await store.transact({ guards: [], writes: [{ write: { op: 'delete', key } }] });
}

async function value(store: MemoryDatastore, key: StoreKey): Promise<string | undefined> {
  return (await store.get(key)).entry?.value;
}

/** A watch that never tells of anything. */
async function* mute(_prefix: string, { signal }: WatchOptions): AsyncGenerator<WatchMessage> {
  yield { type: 'progress', revision: 1 as Revision };
  if (!signal.aborted) await once(signal, 'abort');
}

test('runReconciler() follows the source from commit to commit', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const first = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store);
  await reconciler.live(first);
  const second = source.commit(smallNetwork('Deny'));
  await reconciler.live(second);
  t.regex((await value(store, WEB_RULES)) ?? '', /deny/);
});

test('runReconciler() reads a commit once, however often it polls', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store, { intervalMs: 1 });
  await reconciler.live(commit);
  const polls = () => reconciler.phases.filter((phase) => phase === 'reading').length;
  await until(() => polls() > 5);
  t.is(source.reads, 1);
});

test('runReconciler() puts back what others change or delete, without waiting for a poll', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store, { intervalMs: 3_600_000 });
  await reconciler.live(commit);
  const before = await value(store, WEB_RULES);
  await put(store, WEB_RULES, '{}');
  await until(async () => (await value(store, WEB_RULES)) === before, { what: 'the value to be put back' });
  await remove(store, WEB_RULES);
  await until(async () => (await value(store, WEB_RULES)) === before, { what: 'the key to be put back' });
  t.pass();
});

test('runReconciler() does not plan for keys of others', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store, { intervalMs: 3_600_000 });
  await reconciler.live(commit);
  const { generation } = reconciler.state;
  const foreign = '/calico/v1/host/host-9/workload/cni/p/endpoint/eth0' as StoreKey;
  await put(store, foreign, '{"state":"active","name":"cali9"}');
  await put(store, WEB_RULES, '{}');
  await until(() => reconciler.state.generation > generation && reconciler.state.phase === 'live');
  t.is(reconciler.state.generation, generation + 2, 'one plan and one apply, both for the second key');
  t.is(await value(store, foreign), '{"state":"active","name":"cali9"}');
});

test('runReconciler() logs what others had done to the store, by name', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  await using reconciler = new RunningReconciler(source, store);
  await reconciler.live(source.commit(smallNetwork()));
  const before = await value(store, WEB_RULES);
  await put(store, WEB_RULES, '{}');
  await until(async () => (await value(store, WEB_RULES)) === before, { what: 'drift to be repaired' });
  await until(() => reconciler.said.some(([message]) => message === 'drift repaired'));
  const [, fields] = reconciler.said.find(([message]) => message === 'drift repaired') ?? [];
  t.like(fields, { drift: 1, update: 0 });
  t.regex(
    JSON.stringify(fields),
    /"drifted":\["Profile\/web: \/calico\/v1\/policy\/profile\/web\/rules was changed by somebody else at revision \d+"\]/,
  );
});

test('runReconciler() keeps the last good commit while a newer one is invalid, and goes on with the fix', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const good = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store);
  await reconciler.live(good);
  const before = await value(store, WEB_RULES);
  source.commit({ ...smallNetwork('Deny'), 'bad.yaml': profile('bad', 'Maybe') });
  await until(() => reconciler.state.conditions.Valid.status === 'False');
  t.regex(reconciler.state.conditions.Valid.message, /^bad\.yaml:\d+:\d+: /);
  t.like(reconciler.state.conditions.Defended, {
    status: 'True',
    reason: 'LiveCommit',
    message: `commit ${good} stays live`,
  });
  await put(store, WEB_RULES, '{}');
  await until(async () => (await value(store, WEB_RULES)) === before, { what: 'drift to be repaired' });
  await reconciler.live(source.commit(smallNetwork('Deny')));
  t.is(reconciler.state.conditions.Valid.status, 'True');
});

test('runReconciler() repairs drift on the live commit while a test or a guard keeps the newest one out', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const good = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store);
  await reconciler.live(good);
  const before = await value(store, WEB_RULES);
  const failing = { ...smallNetwork('Deny'), 'test.yaml': hopelessTest };
  const refused = { 'by a test': failing, 'by a guard': {} };
  for (const [why, files] of Object.entries(refused)) {
    const commit = source.commit(files);
    await until(() => reconciler.state.known === commit && reconciler.state.phase === 'idle', { what: why });
    t.is(reconciler.state.conditions.Applied.reason, 'Refused', why);
    await put(store, WEB_RULES, '{}');
    await until(async () => (await value(store, WEB_RULES)) === before, { what: `drift, ${why}` });
    t.is(reconciler.state.conditions.Defended.message, `commit ${good} stays live`);
    const [report] = (await readClusterStatus(store, LAYOUT)).sources;
    t.like(report, { commit: good, newest: commit });
  }
  await reconciler.live(source.commit(smallNetwork('Deny')));
  t.is(reconciler.state.conditions.Defended.reason, 'NewestIsLive');
});

test('runReconciler() that starts at an invalid commit repairs the one that is live', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const good = source.commit(smallNetwork());
  {
    await using reconciler = new RunningReconciler(source, store);
    await reconciler.live(good);
  }
  const before = await value(store, WEB_RULES);
  await put(store, WEB_RULES, '{}');
  source.commit({ 'bad.yaml': 'kind: [' });
  await using _restarted = new RunningReconciler(source, store.connect());
  await until(async () => (await value(store, WEB_RULES)) === before, { what: 'the drift of before' });
  await put(store, WEB_RULES, '{}');
  await until(async () => (await value(store, WEB_RULES)) === before, { what: 'new drift' });
  t.pass();
});

test('runReconciler() survives a source that is away, and says why', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  source.fault = new SourceError('unreachable', 'no route to host');
  await using reconciler = new RunningReconciler(source, store);
  await until(() => reconciler.state.conditions.SourceReady.status === 'False');
  t.is(reconciler.state.conditions.SourceReady.message, 'no route to host');
  source.fault = undefined;
  await reconciler.live(source.commit(smallNetwork()));
  t.is(reconciler.state.conditions.SourceReady.status, 'True');
});

test('runReconciler() that never leads says whether the store holds what it would write', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  await using verifier = new RunningReconciler(source, store.connect(), { lead: 'never', node: 'host-2' });
  await verifier.applied('NotLeading');
  t.regex(verifier.state.conditions.Applied.message, /is not in the store: 6 changes pending/);
  t.is((await store.snapshot('/')).entries.size, 0, 'it writes nothing');
  await using leader = new RunningReconciler(source, store);
  await leader.live(commit);
  await verifier.live(commit);
});

test('runReconciler() hands leadership over when the leader stops', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  const first = new RunningReconciler(source, store);
  await first.live(commit);
  await using second = new RunningReconciler(source, store.connect(), { node: 'host-2' });
  await second.live(commit);
  t.false(second.state.leading);
  await first.stop();
  await until(() => second.state.leading, { what: 'the second to lead' });
  await second.live(source.commit(smallNetwork('Deny')));
});

test('runReconciler() applies nothing while somebody has suspended, and goes on at once afterwards', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const first = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store);
  await reconciler.live(first);
  await put(store, LAYOUT.keys.suspend, '{"by":"ada"}');
  const second = source.commit(smallNetwork('Deny'));
  await reconciler.applied('Suspended');
  t.notRegex((await value(store, WEB_RULES)) ?? '', /deny/);
  await remove(store, LAYOUT.keys.suspend);
  await reconciler.live(second);
});

test('runReconciler() refuses a blocked commit until the obstacle is gone', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  await put(store, WEB_RULES, '{}');
  const commit = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store, { intervalMs: 3_600_000 });
  await reconciler.applied('Refused');
  t.regex(reconciler.state.conditions.Applied.message, /Profile\/web: .* is in no inventory/);
  await remove(store, WEB_RULES);
  await reconciler.live(commit);
});

test('runReconciler() tells the conditions of its source while it leads, and takes them along', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  const key = LAYOUT.keys.sourceStatus('default');
  const conditions = async () => {
    const text = await value(store, key);
    const status = text === undefined ? undefined : sourceStatusCodec.decode(key, text);
    return Object.fromEntries((status?.conditions ?? []).map(({ type, reason }) => [type, reason]));
  };
  const expected = {
    Leading: 'Elected',
    SourceReady: 'Read',
    Valid: 'Checked',
    Applied: 'StoreMatches',
    Defended: 'NewestIsLive',
  };
  await using first = new RunningReconciler(source, store);
  await first.live(commit);
  await until(async () => (await conditions()).Applied === 'StoreMatches', { what: 'the report' });
  t.deepEqual(await conditions(), expected);
  await first.stop();
  t.deepEqual(await conditions(), {}, 'nobody speaks for the source');
  await using second = new RunningReconciler(source, store);
  await second.live(commit);
  source.commit({ 'bad.yaml': 'kind: [' });
  await until(async () => (await conditions()).Valid === 'InvalidManifests', { what: 'the second report' });
});

test('runReconciler() of two sources lead side by side', async (t) => {
  const store = createMemoryDatastore();
  const [ours, theirs] = [new FakeSource(), new FakeSource()];
  const [a, b] = [ours.commit({ 'a.yaml': profile('a') }), theirs.commit({ 'b.yaml': profile('b') })];
  await using first = new RunningReconciler(ours, store, { name: 'team-a' });
  await using second = new RunningReconciler(theirs, store.connect(), { name: 'team-b' });
  await Promise.all([first.live(a), second.live(b)]);
  t.true(first.state.leading && second.state.leading);
});

test('runReconciler() repairs drift that the watch never told of, when it looks at the whole store again', async (t) => {
  const [source, store] = [new FakeSource(), createMemoryDatastore()];
  const commit = source.commit(smallNetwork());
  const deaf = { ...intercept(store, () => undefined), watch: mute };
  await using reconciler = new RunningReconciler(source, deaf, { intervalMs: 3_600_000, relistMs: () => 50 });
  await reconciler.live(commit);
  const before = await value(store, WEB_RULES);
  await put(store, WEB_RULES, '{}');
  await until(async () => (await value(store, WEB_RULES)) === before, { what: 'drift to be repaired' });
  t.pass();
});
