/**
 * A commit of many transactions on a real etcd, with a death at every call to it. What series.test.ts shows of the
 * memory store is shown here of a server that is set to take little at once, and says so.
 *
 * Every run has a root of its own below one etcd. Who dies leaves its lease; the test lets it run out at once.
 */
import test, { type ExecutionContext } from 'ava';
import { createSyncer } from '../../src/agent/syncer/create-syncer.js';
import type { SyncerMessage } from '../../src/agent/syncer/update.js';
import type { Datastore } from '../../src/datastore/datastore.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { txnCodec } from '../../src/layout/records.js';
import { type ReconcileDeps, reconcileOnce } from '../../src/reconciler/reconcile-once.js';
import { startEtcd, type TestEtcd } from '../helpers/etcd.js';
import { inventoryDisagreements } from '../helpers/inventory.js';
import { until } from '../helpers/until.js';
import { FakeSource } from './fake-source.js';
import { failNth, intercept } from './faulty-store.js';
import { shiftedNetwork } from './manifests.js';
import { Witness, wholeState } from './witness.js';

const [OLD, NEW] = [
  shiftedNetwork(0, ['web', 'old-1', 'old-2']),
  shiftedNetwork(1, ['web', 'new-1', 'new-2']),
];

/** A dozen objects are more than ten transactions, by the number of their keys or by their bytes. */
const SMALL = [['--max-txn-ops=10'], ['--max-request-bytes=3000']] as const;

/** Runs at once. */
const PARALLEL = 5;

class Scene {
  readonly layout;
  readonly source = new FakeSource();
  readonly store: Datastore;
  readonly #etcd: TestEtcd;

  /** `store`: a client that outlives them all. */
  constructor(etcd: TestEtcd, store: Datastore, root: string) {
    this.#etcd = etcd;
    this.store = store;
    this.layout = createLayout(root);
  }

  /** A client that a process of its own would have. */
  client(): Datastore {
    return openEtcdDatastore(this.#etcd.options);
  }

  once(store: Datastore, more: Partial<ReconcileDeps> = {}) {
    const deps = {
      source: this.source,
      store,
      layout: this.layout,
      now: () => new Date('2026-11-22T10:00:00Z'),
      signal: new AbortController().signal,
      ...more,
    };
    const options = { name: 'default', node: 'n', against: { type: 'store' }, dryRun: false } as const;
    return reconcileOnce(deps, { ...options, detailed: false, pruneApproved: true, lockTimeoutMs: 30_000 });
  }

  /** Commits, and makes it live; returns the commit and what agents are shown of it. */
  async live(files: Record<string, string>): Promise<{ readonly commit: string; readonly state: string }> {
    const commit = this.source.commit(files);
    const { failure } = await this.once(this.store);
    if (failure) throw new Error(failure.message);
    return { commit, state: await wholeState(this.store, this.layout, commit) };
  }

  async txn() {
    const key = this.layout.keys.txn('default');
    const { entry } = await this.store.get(key);
    return entry && txnCodec.decode(key, entry.value);
  }

  /** What etcd does when the lease of the dead has run out. */
  async leaseRunsOut(): Promise<void> {
    const key = this.layout.keys.leader('default');
    await this.store.transact({ guards: [], writes: [{ write: { op: 'delete', key } }] });
  }

  async disagreements(): Promise<readonly string[]> {
    return inventoryDisagreements(await this.store.snapshot(this.layout.prefix), this.layout);
  }

  /** All that the store holds below this root, without the root, and without revisions. */
  async dump(): Promise<Record<string, string>> {
    const { root, prefix, keys } = this.layout;
    const inside = await this.store.snapshot(prefix);
    const history = await this.store.snapshot(keys.historyPrefix);
    const bare = (text: string) => text.replaceAll(root, '').replace(/"base":\d+/, '"base":0');
    return Object.fromEntries(
      [...inside.entries, ...history.entries].map(([key, { value }]) => [bare(key), bare(value)]),
    );
  }
}

/** What happens without any fault, and how many calls that takes. */
async function reference(scene: Scene) {
  const old = await scene.live(OLD);
  const commit = scene.source.commit(NEW);
  let [calls, transactions] = [0, 0];
  const counting = intercept(scene.store, (_method, call) => {
    calls = call + 1;
  });
  await scene.once(counting, {
    onProgress: () => {
      transactions += 1;
    },
  });
  const fresh = { commit, state: await wholeState(scene.store, scene.layout, commit) };
  return { old, fresh, calls, transactions, dump: await scene.dump() };
}

/** The process dies at one call; what agents see meanwhile, and what the next one makes of it. */
async function dieAt(
  t: ExecutionContext,
  scene: Scene,
  call: number,
  timing: 'before' | 'after',
  { old, fresh, dump }: Awaited<ReturnType<typeof reference>>,
): Promise<boolean> {
  const what = `call ${call}`;
  await scene.live(OLD);
  await using from = new Witness(scene.store, scene.layout);
  await from.sees(old.commit);
  const commit = scene.source.commit(NEW);
  const mortal = scene.client();
  const faulty = failNth(mortal, call, timing, () => mortal.close());
  await scene.once(faulty.store);
  // A call that is refused, because it is too large, has no effect to die after.
  t.true(faulty.failed() || timing === 'after', what);
  const inTheMiddle = (await scene.txn()) !== undefined;
  t.deepEqual(await scene.disagreements(), [], what);
  await using joined = new Witness(scene.store, scene.layout);
  await until(() => joined.states.length > 0, {
    what: 'the one that joined to be in sync',
    timeoutMs: 30_000,
  });
  await scene.leaseRunsOut();
  const { failure } = await scene.once(scene.store);
  t.is(failure, undefined, what);
  for (const witness of [from, joined]) await witness.sees(commit);
  const name = (state: string) => (state === old.state ? 'old' : state === fresh.state ? 'new' : state);
  t.deepEqual(from.states.map(name), ['old', 'new'], what);
  t.deepEqual(joined.states.map(name).slice(-1), ['new'], what);
  t.true(
    joined.states.every((state) => name(state) !== state),
    `${what}: half a commit was shown`,
  );
  t.deepEqual(await scene.dump(), dump, what);
  t.deepEqual(await scene.disagreements(), [], what);
  return inTheMiddle;
}

for (const [index, timing] of (['before', 'after'] as const).entries())
  test(`etcd: a process that dies at any call, ${timing} its effect, is followed by one that finishes`, async (t) => {
    t.timeout(120_000);
    await using etcd = await startEtcd({ flags: SMALL[index] ?? [] });
    await using store = openEtcdDatastore(etcd.options);
    const whole = await reference(new Scene(etcd, store, '/reference'));
    t.true(whole.transactions > 8, `${whole.transactions} transactions`);
    let inTheMiddle = 0;
    const calls = Array.from({ length: whole.calls }, (_, call) => call);
    const one = async (): Promise<void> => {
      for (let call = calls.shift(); call !== undefined; call = calls.shift())
        if (await dieAt(t, new Scene(etcd, store, `/run-${call}`), call, timing, whole)) inTheMiddle += 1;
    };
    await Promise.all(Array.from({ length: PARALLEL }, one));
    t.true(inTheMiddle >= whole.transactions, `${whole.calls} calls, ${inTheMiddle} of them left a series`);
  });

test('etcd: an object that this server does not take is named, with what to do; agents stay where they were', async (t) => {
  await using etcd = await startEtcd({ flags: ['--max-request-bytes=3000'] });
  await using store = openEtcdDatastore(etcd.options);
  const scene = new Scene(etcd, store, '/calico');
  const old = await scene.live(OLD);
  await using witness = new Witness(store, scene.layout);
  await witness.sees(old.commit);
  const nets = Array.from({ length: 250 }, (_, i) => `10.0.0.${i}/32`).join(', ');
  const set = `apiVersion: heddle/v1\nkind: GlobalNetworkSet\nmetadata: {name: huge}\nspec: {nets: [${nets}]}\n`;
  scene.source.commit({ ...NEW, 'set.yaml': set });
  const { failure, exitCode } = await scene.once(store);
  t.regex(
    failure?.message ?? '',
    /^GlobalNetworkSet\/huge: writing \d+ keys to http:.*: etcdserver: request is too large; make it smaller, or raise --max-request-bytes/,
  );
  t.is(exitCode, 5);
  t.deepEqual(await scene.disagreements(), []);
  const fresh = await scene.live(NEW);
  await witness.sees(fresh.commit);
  t.deepEqual(witness.states, [old.state, fresh.state]);
});

test('etcd: an agent that starts in a series whose base was compacted is not in sync, says so, and is when it is whole', async (t) => {
  await using etcd = await startEtcd({ flags: ['--max-txn-ops=10'] });
  await using store = openEtcdDatastore(etcd.options);
  const scene = new Scene(etcd, store, '/calico');
  await scene.live(OLD);
  scene.source.commit(NEW);
  const interrupt = new AbortController();
  await scene.once(store, { signal: interrupt.signal, onProgress: () => interrupt.abort() });
  const base = (await scene.txn())?.base;
  const { revision } = await store.get(scene.layout.keys.txn('default'));
  await etcd.ctl('compaction', String(revision));
  const said: SyncerMessage[] = [];
  const stop = new AbortController();
  const listening = (async () => {
    for await (const message of createSyncer(store, scene.layout, { signal: stop.signal }))
      said.push(message);
  })();
  const reason = await until(() => said.find((message) => message.type === 'interrupted')?.reason);
  t.is(
    reason,
    `/calico/: revision ${base} is gone, because etcd was compacted, and a commit has been under way since then ` +
      '(/calico/heddle/v1/default/txn): in sync again once a reconciler has made it whole, or, where no reconciler of ' +
      'that source is left, the key is deleted',
  );
  t.deepEqual(
    said.filter(({ type }) => type === 'batch'),
    [],
  );
  await scene.once(store);
  const batch = await until(() => said.find((message) => message.type === 'batch'));
  t.is(batch.heads.get('default')?.seq, 2);
  stop.abort();
  await listening;
});
