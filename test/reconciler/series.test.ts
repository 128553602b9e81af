/**
 * A commit of many transactions, with a fault at every call to the store: whoever goes on ends where the commit
 * would have ended without, and agents are shown the old commit or the new one, and nothing else.
 *
 * The store takes nine writes at once, so that a dozen objects make a series.
 */
import test from 'ava';
import type { Datastore } from '../../src/datastore/datastore.js';
import {
  createMemoryDatastore,
  type MemoryDatastore,
  type Timer,
} from '../../src/datastore/memory/memory-datastore.js';
import { historyCodec, txnCodec } from '../../src/layout/records.js';
import { type ReconcileDeps, reconcileOnce } from '../../src/reconciler/reconcile-once.js';
import { until } from '../helpers/until.js';
import { FakeSource } from './fake-source.js';
import { failNth, smallTransactions } from './faulty-store.js';
import { profile, shiftedNetwork } from './manifests.js';
import { LAYOUT, RunningReconciler } from './run-helpers.js';
import { Witness, wholeState } from './witness.js';

const [OLD, NEW] = [
  shiftedNetwork(0, ['web', 'old-1', 'old-2']),
  shiftedNetwork(1, ['web', 'new-1', 'new-2']),
];
const MAX_WRITES = 9;
const TXN = LAYOUT.keys.txn('default');
const HEAD = LAYOUT.keys.head('default');
const LEADER = LAYOUT.keys.leader('default');

/** Whoever waits waits for everybody else's turn, and no longer. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Leases of clients that are gone run out at once. */
const impatient: Timer = (_ms, callback) => {
  const soon = setImmediate(callback);
  return () => clearImmediate(soon);
};

class Scene {
  readonly server: MemoryDatastore = createMemoryDatastore({ timer: impatient });
  readonly source = new FakeSource();
  readonly witnesses: Witness[] = [];

  /** A client that a process of its own would have. */
  client(): MemoryDatastore {
    return this.server.connect();
  }

  once(store: Datastore, more: Partial<ReconcileDeps> = {}) {
    const deps = {
      source: this.source,
      store: smallTransactions(store, MAX_WRITES),
      layout: LAYOUT,
      now: () => new Date('2026-11-22T10:00:00Z'),
      signal: new AbortController().signal,
      ...more,
    };
    const options = { name: 'default', node: 'n', against: { type: 'store' }, dryRun: false } as const;
    return reconcileOnce(deps, { ...options, detailed: false, pruneApproved: true, lockTimeoutMs: 5_000 });
  }

  /** Commits, and makes it live; returns the commit and what agents are shown of it. */
  async live(files: Record<string, string>): Promise<{ readonly commit: string; readonly state: string }> {
    const commit = this.source.commit(files);
    const { failure } = await this.once(this.client());
    if (failure) throw new Error(failure.message);
    return { commit, state: await wholeState(this.client(), LAYOUT, commit) };
  }

  watch(): Witness {
    const witness = new Witness(this.client(), LAYOUT);
    this.witnesses.push(witness);
    return witness;
  }

  /** All that the store holds, but who leads; without revisions, which depend on how often one began anew. */
  async dump(): Promise<Record<string, string>> {
    const { entries } = await this.server.snapshot('/');
    const base = /"base":\d+/;
    return Object.fromEntries([...entries].map(([key, { value }]) => [key, value.replace(base, '"base":0')]));
  }

  async close(): Promise<void> {
    for (const witness of this.witnesses) await witness[Symbol.asyncDispose]();
    await this.server.close();
  }
}

/** What happens without any fault. */
async function reference() {
  const scene = new Scene();
  const old = await scene.live(OLD);
  const fresh = await scene.live(NEW);
  const dump = await scene.dump();
  await scene.close();
  return { old, fresh, dump };
}

test('the commit is a series of more than five transactions', async (t) => {
  const scene = new Scene();
  await scene.live(OLD);
  const told: number[] = [];
  scene.source.commit(NEW);
  await scene.once(scene.client(), { onProgress: ({ applied, total }) => told.push(applied / total) });
  t.true(told.length > 5);
  t.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  );
  await scene.close();
});

for (const timing of ['before', 'after'] as const) {
  test(`a process that dies at any call, ${timing} its effect, is followed by one that finishes`, async (t) => {
    const { old, fresh, dump } = await reference();
    let inTheMiddle = 0;
    for (let call = 0; ; call += 1) {
      const scene = new Scene();
      await scene.live(OLD);
      const from = scene.watch();
      await from.sees(old.commit);
      const commit = scene.source.commit(NEW);
      const mortal = scene.client();
      const faulty = failNth(mortal, call, timing, () => mortal.close());
      await scene.once(faulty.store);
      if ((await scene.server.get(TXN)).entry) inTheMiddle += 1;
      const joined = scene.watch();
      await until(() => joined.states.length > 0, { what: 'the one that joined to be in sync' });
      const { failure } = await scene.once(scene.client());
      t.is(failure, undefined, `call ${call}`);
      for (const witness of [from, joined]) {
        await witness.sees(commit);
        const shown = witness.states.filter((state) => state !== old.state && state !== fresh.state);
        t.deepEqual(shown, [], `half a commit was shown after call ${call} died`);
      }
      t.deepEqual(from.states, [old.state, fresh.state], `call ${call}`);
      t.deepEqual(await scene.dump(), dump, `call ${call}`);
      await scene.close();
      if (faulty.failed()) continue;
      t.true(call > 10 && inTheMiddle > 5, `${call} calls, ${inTheMiddle} of them left a series`);
      break;
    }
  });

  test(`a loop goes on by itself after a call that failed ${timing} its effect`, async (t) => {
    const { old, fresh } = await reference();
    for (let call = 0; call < 30; call += 1) {
      const scene = new Scene();
      await scene.live(OLD);
      const witness = scene.watch();
      await witness.sees(old.commit);
      const commit = scene.source.commit(NEW);
      const faulty = failNth(scene.client(), call, timing);
      const store = smallTransactions(faulty.store, MAX_WRITES);
      const loop = new RunningReconciler(scene.source, store, { pruneApproved: true }, nextTurn);
      await loop.live(commit);
      await witness.sees(commit);
      t.deepEqual(witness.states, [old.state, fresh.state], `call ${call}`);
      t.is((await scene.server.get(TXN)).entry, undefined);
      await loop.stop();
      await scene.close();
    }
  });
}

test('a series whose commit was replaced is never shown, and the base stays', async (t) => {
  const scene = new Scene();
  const old = await scene.live(OLD);
  const witness = scene.watch();
  await witness.sees(old.commit);
  const base = await die(scene, NEW);
  const joined = scene.watch();
  const third = shiftedNetwork(2, ['web', 'third']);
  const again = await die(scene, third);
  t.is(again, base);
  const { commit, state } = await scene.live(third);
  for (const one of [witness, joined]) {
    await one.sees(commit);
    t.deepEqual(one.states, [old.state, state]);
  }
  const { entries } = await scene.server.snapshot(LAYOUT.keys.historyPrefix);
  t.is(entries.size, 2, 'the head has moved once');
  await scene.close();
});

test('a series whose commit was taken back leaves nothing, and no head moves', async (t) => {
  const scene = new Scene();
  const old = await scene.live(OLD);
  const before = await scene.dump();
  const witness = scene.watch();
  await witness.sees(old.commit);
  await die(scene, NEW);
  scene.source.return(old.commit);
  const { failure } = await scene.once(scene.client());
  t.is(failure, undefined);
  t.deepEqual(await scene.dump(), before);
  const { commit, state } = await scene.live(NEW);
  await witness.sees(commit);
  t.deepEqual(new Set(witness.states), new Set([old.state, state]));
  await scene.close();
});

test('a small commit finishes the series that a large one has left', async (t) => {
  const scene = new Scene();
  await scene.live(OLD);
  await die(scene, {
    ...OLD,
    'more.yaml': Array.from({ length: 12 }, (_, i) => profile(`p${i}`)).join('---\n'),
  });
  const small = { ...OLD, 'more.yaml': profile('p0') };
  scene.source.commit(small);
  const store = scene.client();
  const { applied, failure } = await scene.once(store, { store });
  t.is(failure, undefined);
  t.truthy(applied);
  t.is((await scene.server.get(TXN)).entry, undefined);
  t.is((await scene.server.get(HEAD)).entry?.modRevision, applied?.revision);
  await scene.close();
});

test('a run that loses the lead in the middle of a series wins it back, and goes on', async (t) => {
  const scene = new Scene();
  const old = await scene.live(OLD);
  const witness = scene.watch();
  await witness.sees(old.commit);
  const commit = scene.source.commit(NEW);
  let lost = 0;
  const { failure, applied } = await scene.once(scene.client(), {
    onProgress: () => {
      lost += 1;
      if (lost <= 3)
        void scene.server.transact({ guards: [], writes: [{ write: { op: 'delete', key: LEADER } }] });
    },
  });
  t.is(failure, undefined);
  t.is(applied?.seq, 2);
  await witness.sees(commit);
  t.is(witness.states.length, 2);
  await scene.close();
});

test('a run that is interrupted leaves a series, says so, and the next one finishes it', async (t) => {
  const scene = new Scene();
  await scene.live(OLD);
  const commit = scene.source.commit(NEW);
  const interrupt = new AbortController();
  const { failure } = await scene.once(scene.client(), {
    signal: interrupt.signal,
    onProgress: () => interrupt.abort(),
  });
  t.like(failure, { code: 'locked' });
  t.regex(failure?.message ?? '', /^interrupted before all was written/);
  t.truthy((await scene.server.get(TXN)).entry);
  t.is((await scene.server.get(LEADER)).entry, undefined, 'it has stepped down');
  t.is((await scene.once(scene.client())).applied?.seq, 2);
  await wholeState(scene.client(), LAYOUT, commit);
  await scene.close();
});

test('two loops that fight for the lead give every commit one place in the history, and show no half of any', async (t) => {
  const scene = new Scene();
  const first = await scene.live(OLD);
  const witness = scene.watch();
  await witness.sees(first.commit);
  // After every third transaction of a series somebody takes the lead away.
  let [transactions, taken] = [0, 0];
  const meddling = (client: Datastore): Datastore => {
    const store = smallTransactions(client, MAX_WRITES);
    return {
      ...store,
      transact: async (transaction) => {
        const result = await store.transact(transaction);
        if (!result.ok || !transaction.writes.some(({ write }) => write.key === TXN)) return result;
        transactions += 1;
        if (transactions % 3 > 0) return result;
        taken += 1;
        await client.transact({ guards: [], writes: [{ write: { op: 'delete', key: LEADER } }] });
        return result;
      },
    };
  };
  const options = { pruneApproved: true, intervalMs: 5 };
  const one = new RunningReconciler(
    scene.source,
    meddling(scene.client()),
    { ...options, node: 'one' },
    nextTurn,
  );
  const two = new RunningReconciler(
    scene.source,
    meddling(scene.client()),
    { ...options, node: 'two' },
    nextTurn,
  );
  const commits = [first.commit];
  for (let round = 1; round <= 4; round += 1) {
    const commit = scene.source.commit(shiftedNetwork(round, ['web', `of-${round}`]));
    commits.push(commit);
    await Promise.all([one.live(commit), two.live(commit), witness.sees(commit)]);
  }
  t.true(taken > 4, `the lead was taken away ${taken} times`);
  t.deepEqual(
    witness.states.map((state) => state.split('\n')[0]),
    commits,
  );
  const { entries } = await scene.server.snapshot(LAYOUT.keys.historyPrefix);
  t.deepEqual(
    [...entries].map(([key, { value }]) => historyCodec.decode(key, value).commit),
    commits,
  );
  await Promise.all([one.stop(), two.stop()]);
  await scene.close();
});

/** Commits, and dies in the middle of writing it; returns the base of the series. */
async function die(scene: Scene, files: Record<string, string>): Promise<number> {
  scene.source.commit(files);
  const mortal = scene.client();
  let written = 0;
  await scene.once(mortal, {
    onProgress: () => {
      written += 1;
      if (written === 2) void mortal.close();
    },
  });
  const { entry } = await scene.server.get(TXN);
  if (!entry) throw new Error('the series was over before the process died');
  return txnCodec.decode(TXN, entry.value).base;
}
