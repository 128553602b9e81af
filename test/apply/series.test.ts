/**
 * Laws of a series, for random pairs of commits: wherever it stops, the store is as its inventory says, and every
 * plan that is made from there (to the same commit, to another, back) ends where it would have ended without.
 */
import test from 'ava';
import fc from 'fast-check';
import { applyPlan } from '../../src/apply/apply.js';
import { projectTransaction } from '../../src/apply/project.js';
import { beginSeries, nextStep, planSeries } from '../../src/apply/series.js';
import type { StepLimits } from '../../src/apply/split-plan.js';
import { transactionBytes, transactionFits } from '../../src/datastore/transaction-limits.js';
import { isRefused } from '../../src/diff/exit-code.js';
import type { Plan } from '../../src/diff/plan-types.js';
import { isNodeRegistration } from '../../src/diff/runtime-keys.js';
import { headCodec, txnCodec } from '../../src/layout/records.js';
import type { Resource } from '../../src/model/resource.js';
import type { Snapshot, StoreKey, Transaction } from '../../src/model/store.js';
import { LAYOUT, TestStore } from '../diff/test-store.js';
import { resource } from '../helpers/build-resources.js';
import { inventoryDisagreements } from '../helpers/inventory.js';
import { POOL, ring, twoCommits } from './networks.js';

const OPTIONS = { layout: LAYOUT, now: '2026-11-22T10:00:00Z' };
const TINY: StepLimits = { writes: 4, bytes: 100_000 };
const SECOND = { commit: 'c2', pruneApproved: true };

/** A store at the first commit. */
async function storeAt(first: readonly Resource[]): Promise<TestStore> {
  const store = new TestStore();
  await store.apply(first);
  return store;
}

/** Makes the first `count` transactions of a plan; false when it has fewer but one. */
async function begin(store: TestStore, plan: Plan, count: number, limits = TINY): Promise<boolean> {
  const series = planSeries(plan, OPTIONS);
  let position = beginSeries(series);
  for (let made = 0; made < count; made += 1) {
    const step = nextStep(series, position, limits);
    if (step.last) return false;
    const result = await store.store.transact(step.transaction);
    if (!result.ok) throw new Error(`transaction ${made} of the series lost a compare`);
    position = step.next(result.revision);
  }
  return true;
}

/** Where inventory and keys disagree. */
async function disagreements(store: TestStore): Promise<readonly string[]> {
  return inventoryDisagreements(await store.store.snapshot(LAYOUT.prefix), LAYOUT);
}

test('after every transaction of a series the inventory lists exactly the keys that are there', async (t) => {
  await fc.assert(
    fc.asyncProperty(twoCommits, fc.integer({ min: 2, max: 9 }), async ({ first, second }, writes) => {
      for (let count = 1; ; count += 1) {
        const store = await storeAt(first);
        const plan = await store.plan(second, SECOND);
        if (!(await begin(store, plan, count, { ...TINY, writes }))) break;
        t.deepEqual(await disagreements(store), []);
      }
    }),
    { numRuns: 60 },
  );
});

test('wherever a series stops, the next plan to the same commit finishes it', async (t) => {
  await fc.assert(
    fc.asyncProperty(twoCommits, async ({ first, second }) => {
      const whole = await storeAt(first);
      await whole.apply(second, SECOND);
      const expected = await dump(whole);
      for (let count = 1; ; count += 1) {
        const store = await storeAt(first);
        if (!(await begin(store, await store.plan(second, SECOND), count))) break;
        const rest = await store.plan(second, SECOND);
        t.false(isRefused(rest), JSON.stringify(rest.changes.filter(({ action }) => action === 'blocked')));
        const result = await applyPlan(store.store, rest, OPTIONS);
        t.like(result, { status: 'applied', seq: 2 });
        t.deepEqual(await dump(store), expected, `after ${count} transactions`);
      }
    }),
    { numRuns: 60 },
  );
});

test('wherever a series stops, a plan to another commit leads there, and one back leads back', async (t) => {
  await fc.assert(
    fc.asyncProperty(twoCommits, twoCommits, async ({ first, second }, { first: third }) => {
      for (const [target, commit] of [
        [third, 'c3'],
        [first, 'c1'],
      ] as const) {
        const fresh = await storeAt(target);
        for (let count = 1; ; count += 1) {
          const store = await storeAt(first);
          if (!(await begin(store, await store.plan(second, SECOND), count))) break;
          const plan = await store.plan(target, { commit, pruneApproved: true });
          t.false(isRefused(plan), 'blocked');
          await applyPlan(store.store, plan, OPTIONS);
          t.deepEqual(await released(store), await released(fresh));
          t.deepEqual(await disagreements(store), []);
          t.is(await store.value(LAYOUT.keys.txn('default')), undefined);
          const head = (await store.value(LAYOUT.keys.head('default'))) ?? '';
          t.is(headCodec.decode(LAYOUT.keys.head('default'), head).commit, commit);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('a series that another plan takes up keeps its base, and goes on counting', async (t) => {
  const store = await storeAt([POOL]);
  const base = store.store.revision;
  await begin(store, await store.plan(ring(4, 0), SECOND), 2);
  const record = async () =>
    txnCodec.decode(LAYOUT.keys.txn('default'), (await store.value(LAYOUT.keys.txn('default'))) ?? '');
  t.like(await record(), { seq: 2, commit: 'c2', base, applied: 2, total: 4 });
  await begin(store, await store.plan(ring(5, 0), { commit: 'c3' }), 1);
  t.like(await record(), { seq: 2, commit: 'c3', base, applied: 3, total: 5 });
});

test('a txn record that cannot be read is taken up from where its key came into being', async (t) => {
  const store = await storeAt([POOL]);
  const base = store.store.revision;
  await begin(store, await store.plan(ring(4, 0), SECOND), 2);
  await store.put(LAYOUT.keys.txn('default'), 'nonsense');
  const plan = await store.plan(ring(4, 0), SECOND);
  t.is(plan.base.series?.record.base, base);
  t.is((await applyPlan(store.store, plan, OPTIONS)).status, 'applied');
  t.is(await store.value(LAYOUT.keys.txn('default')), undefined);
});

test('a series that was begun ends although nothing is left to change', async (t) => {
  const store = await storeAt([POOL]);
  await begin(store, await store.plan(ring(2, 0), SECOND), 1);
  for (const key of Object.keys(await store.network()))
    if (/host|assignment/.test(key)) await store.remove(key);
  await store.remove(LAYOUT.keys.inventory('default', 'WorkloadEndpoint', 'w0'));
  const plan = await store.plan([POOL]);
  t.deepEqual(plan.changes, []);
  t.is((await applyPlan(store.store, plan, OPTIONS)).status, 'applied');
  t.is(await store.value(LAYOUT.keys.txn('default')), undefined);
});

test('the steps of a series fit a transaction each, and are as large as they may be', async (t) => {
  const store = new TestStore();
  const plan = await store.plan(ring(4_000, 0));
  const series = planSeries(plan, OPTIONS);
  const limits = { writes: 1_000, bytes: 300_000 };
  const steps: Transaction[] = [];
  for (let position = beginSeries(series); ; ) {
    const step = nextStep(series, position, limits);
    steps.push(step.transaction);
    if (step.last) break;
    position = step.next(store.store.revision);
  }
  for (const transaction of steps) {
    t.true(transactionFits(transaction));
    t.true(transaction.writes.length <= limits.writes && transactionBytes(transaction) <= limits.bytes);
  }
  for (const transaction of steps.slice(0, -1)) {
    const slack = [limits.writes - transaction.writes.length, limits.bytes - transactionBytes(transaction)];
    t.true((slack[0] ?? 0) < 3 || (slack[1] ?? 0) < 2_000, `${slack}`);
  }
  const writes = steps.flatMap((transaction) => transaction.writes);
  const txn = LAYOUT.keys.txn('default');
  const written = writes.map(({ write }) => write.key).filter((key) => key !== txn);
  t.deepEqual(
    written.slice(0, -3),
    plan.changes.flatMap((change) => change.writes).map(({ write }) => write.key),
  );
});

test('what a commit that was never whole has created may go without approval', async (t) => {
  const profiles = Array.from({ length: 30 }, (_, index) => resource('Profile', `p${index}`, {}));
  const store = await storeAt([POOL]);
  await begin(store, await store.plan([POOL, ...profiles], SECOND), 20);
  const back = await store.plan([POOL]);
  t.is(back.changes.filter(({ action }) => action === 'delete').length, 20);
  t.deepEqual(back.guards, []);
});

test('what was live before a commit that was never whole may not', async (t) => {
  const profiles = Array.from({ length: 30 }, (_, index) => resource('Profile', `p${index}`, {}));
  const store = await storeAt([POOL, ...profiles]);
  await begin(store, await store.plan(ring(9, 0), { ...SECOND }), 4);
  const plan = await store.plan([POOL], { commit: 'c3' });
  t.deepEqual(
    plan.guards.map(({ code }) => code),
    ['prune-budget'],
  );
});

test('projectTransaction() of every step adds up to the whole', async (t) => {
  const store = await storeAt(ring(6, 0));
  const plan = await store.plan(ring(6, 1), SECOND);
  let foreseen: Snapshot = await store.store.snapshot(LAYOUT.prefix);
  const series = planSeries(plan, OPTIONS);
  for (let position = beginSeries(series); ; ) {
    const step = nextStep(series, position, TINY);
    foreseen = projectTransaction(foreseen, step.transaction, LAYOUT.prefix);
    if (step.last) break;
    position = step.next(foreseen.revision);
  }
  await applyPlan(store.store, plan, OPTIONS);
  const { entries } = await store.store.snapshot(LAYOUT.prefix);
  t.deepEqual(values(foreseen.entries), values(entries));
});

/** Everything below the root, and the history. */
async function dump(store: TestStore): Promise<Record<string, string>> {
  const [inside, history] = await Promise.all([
    store.store.snapshot(LAYOUT.prefix),
    store.store.snapshot(LAYOUT.keys.historyPrefix),
  ]);
  return { ...values(inside.entries), ...values(history.entries) };
}

/** The network without what agents of nodes would write for themselves. */
async function released(store: TestStore): Promise<Record<string, string>> {
  const network = Object.entries(await store.network());
  return Object.fromEntries(network.filter(([key]) => !isNodeRegistration('Node', key as StoreKey)));
}

function values(entries: Snapshot['entries']): Record<string, string> {
  return Object.fromEntries([...entries].map(([key, { value }]): [string, string] => [key, value]).sort());
}
