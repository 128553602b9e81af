/** The same loop against a real etcd, and what only a real one can do: die, freeze, be written by others. */
import test from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { historyCodec } from '../../src/layout/records.js';
import type { StoreKey } from '../../src/model/store.js';
import { campaign } from '../../src/reconciler/leader.js';
import { reconcileOnce } from '../../src/reconciler/reconcile-once.js';
import { startEtcd, type TestEtcd } from '../helpers/etcd.js';
import { until } from '../helpers/until.js';
import { FakeSource } from './fake-source.js';
import { smallNetwork } from './manifests.js';
import { LAYOUT, RunningReconciler } from './run-helpers.js';

const WEB_RULES = '/calico/v1/policy/profile/web/rules' as StoreKey;

function once(source: FakeSource, etcd: TestEtcd) {
  return withStore(etcd, (store) =>
    reconcileOnce(
      { source, store, layout: LAYOUT, now: () => new Date(), signal: new AbortController().signal },
      {
        name: 'default',
        node: 'once',
        against: { type: 'store' },
        dryRun: false,
        detailed: true,
        pruneApproved: false,
        lockTimeoutMs: 10_000,
      },
    ),
  );
}

async function withStore<T>(
  etcd: TestEtcd,
  use: (store: ReturnType<typeof openEtcdDatastore>) => Promise<T>,
): Promise<T> {
  await using store = openEtcdDatastore(etcd.options);
  return await use(store);
}

test('etcd: a second run writes nothing', async (t) => {
  await using etcd = await startEtcd();
  const source = new FakeSource();
  source.commit(smallNetwork());
  t.is((await once(source, etcd)).applied?.seq, 1);
  const before = await withStore(etcd, (store) => store.get(WEB_RULES));
  t.is((await once(source, etcd)).exitCode, 0);
  const after = await withStore(etcd, (store) => store.get(WEB_RULES));
  t.is(after.revision, before.revision);
});

test('etcd: many runs at once apply a commit once, at one revision', async (t) => {
  await using etcd = await startEtcd();
  const source = new FakeSource();
  source.commit(smallNetwork());
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => once(source, etcd)));
  t.is(outcomes.filter(({ applied }) => applied).length, 1);
  t.deepEqual(
    outcomes.flatMap(({ failure }) => failure ?? []),
    [],
  );
  const { entries } = await withStore(etcd, (store) => store.snapshot(LAYOUT.prefix));
  t.is(new Set([...entries.values()].map(({ modRevision }) => modRevision)).size, 1);
});

test('etcd: two loops that race give every commit one place in the history', async (t) => {
  await using etcd = await startEtcd();
  await using one = openEtcdDatastore(etcd.options);
  await using two = openEtcdDatastore(etcd.options);
  const source = new FakeSource();
  let commit = source.commit(smallNetwork());
  await using first = new RunningReconciler(source, one, { node: 'host-1', leaseSeconds: 2 });
  await using second = new RunningReconciler(source, two, { node: 'host-2', leaseSeconds: 2 });
  for (let round = 0; round < 8; round += 1) {
    await Promise.all([first.live(commit), second.live(commit)]);
    if (round % 3 === 2) await etcd.ctl('del', LAYOUT.keys.leader('default'));
    commit = source.commit(smallNetwork(round % 2 === 0 ? 'Deny' : 'Allow'));
  }
  await Promise.all([first.live(commit), second.live(commit)]);
  const { entries } = await one.snapshot(LAYOUT.keys.historyPrefix);
  const history = [...entries].map(([key, { value }]) => historyCodec.decode(key, value));
  t.deepEqual(
    history.map(({ seq }) => seq),
    history.map((_, index) => index + 1),
  );
  t.is(new Set(history.map((entry) => entry.commit)).size, history.length, 'no commit twice');
  t.is(history.at(-1)?.commit, commit);
});

test('etcd: who led before and has not noticed cannot write', async (t) => {
  await using etcd = await startEtcd();
  await using store = openEtcdDatastore(etcd.options);
  const source = new FakeSource();
  source.commit(smallNetwork());
  const options = { store, layout: LAYOUT, name: 'default', now: () => 'now', ttlSeconds: 30 };
  const signal = new AbortController().signal;
  const former = await campaign({ ...options, node: 'former' }, signal);
  await etcd.ctl('del', LAYOUT.keys.leader('default'));
  const current = await campaign({ ...options, node: 'current' }, signal);
  const write = (leadership: typeof former) =>
    store.transact({
      guards: [
        {
          key: LAYOUT.keys.leader('default'),
          check: 'create-revision',
          revision: leadership?.createRevision ?? (0 as never),
        },
      ],
      writes: [{ write: { op: 'put', key: '/calico/x' as StoreKey, value: '1' } }],
    });
  t.false((await write(former)).ok);
  t.true((await write(current)).ok);
  await former?.resign();
  await current?.resign();
});

test('etcd: a leader that dies without a word is followed when its lease has run out', async (t) => {
  await using etcd = await startEtcd();
  const mortal = openEtcdDatastore(etcd.options);
  const dead = await campaign(
    { store: mortal, layout: LAYOUT, name: 'default', node: 'dead', now: () => 'now', ttlSeconds: 1 },
    new AbortController().signal,
  );
  t.truthy(dead);
  await mortal.close();
  await using store = openEtcdDatastore(etcd.options);
  const source = new FakeSource();
  const commit = source.commit(smallNetwork());
  await using heir = new RunningReconciler(source, store, { node: 'heir' });
  await heir.live(commit);
  t.true(heir.state.leading);
});

test('etcd: drift is repaired, and keys of others stay', async (t) => {
  await using etcd = await startEtcd();
  await using store = openEtcdDatastore(etcd.options);
  const source = new FakeSource();
  const foreign = {
    '/calico/v1/policy/profile/docker/tags': '["docker"]',
    '/calico/ipam/v2/config': '{"strict_affinity":false}',
    '/calico/v1/host/host-1/workload/cni/p1/endpoint/eth0': '{"state":"active","name":"cali1"}',
  };
  for (const [key, value] of Object.entries(foreign)) await etcd.ctl('put', key, value);
  const commit = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store, { intervalMs: 3_600_000 });
  await reconciler.live(commit);
  const before = (await store.get(WEB_RULES)).entry?.value;
  await etcd.ctl('del', '/calico/v1/policy/profile/web/', '--prefix');
  await until(async () => (await store.get(WEB_RULES)).entry?.value === before, { what: 'the profile' });
  await etcd.ctl('put', WEB_RULES, '{"inbound_rules":[{"action":"allow"}]}');
  await until(async () => (await store.get(WEB_RULES)).entry?.value === before, { what: 'the rules' });
  for (const [key, value] of Object.entries(foreign)) {
    t.is((await store.get(key as StoreKey)).entry?.value, value);
  }
});

test('etcd: a server that is killed and comes back finds the reconciler waiting', async (t) => {
  await using etcd = await startEtcd();
  await using store = openEtcdDatastore({ ...etcd.options, tuning: { callTimeoutMs: 500 } });
  const source = new FakeSource();
  const first = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store, { leaseSeconds: 3 });
  await reconciler.live(first);
  await etcd.kill();
  const second = source.commit(smallNetwork('Deny'));
  await reconciler.applied('StoreFailed');
  await etcd.start();
  await until(() => reconciler.state.phase === 'live' && reconciler.state.good === second, {
    timeoutMs: 40_000,
    what: 'the second commit',
  });
  t.regex((await store.get(WEB_RULES)).entry?.value ?? '', /deny/);
});

test('etcd: a store that lost its data gets the last good commit again', async (t) => {
  await using etcd = await startEtcd();
  await using store = openEtcdDatastore({ ...etcd.options, tuning: { callTimeoutMs: 500 } });
  const source = new FakeSource();
  const commit = source.commit(smallNetwork());
  await using reconciler = new RunningReconciler(source, store, { leaseSeconds: 3, intervalMs: 200 });
  await reconciler.live(commit);
  await etcd.kill();
  await etcd.wipe();
  await etcd.start();
  await until(async () => (await store.get(WEB_RULES).catch(() => undefined))?.entry !== undefined, {
    timeoutMs: 40_000,
    what: 'the profile to come back',
  });
  t.pass();
});
