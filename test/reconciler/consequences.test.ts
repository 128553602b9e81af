/**
 * A plan says who could then talk to whom, and of all that stands against it the first exit code is told and
 * nothing is applied. Every pair of objections, on a store in memory.
 */
import test from 'ava';
import type { Datastore } from '../../src/datastore/datastore.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { EXIT_CODES } from '../../src/diff/exit-code.js';
import { planDocument } from '../../src/diff/render/json.js';
import { createLayout } from '../../src/layout/create-layout.js';
import type { StoreKey } from '../../src/model/store.js';
import type { ReconcileOutcome } from '../../src/reconciler/outcome.js';
import { type ReconcileOptions, reconcileOnce } from '../../src/reconciler/reconcile-once.js';
import { FakeSource } from './fake-source.js';
import { intercept } from './faulty-store.js';
import { connectivityTest, guard, profile, smallNetwork } from './manifests.js';
import { RunningReconciler } from './run-helpers.js';

const LAYOUT = createLayout();

class Bench {
  readonly source = new FakeSource();
  store: Datastore = createMemoryDatastore();

  once(options: Partial<ReconcileOptions> = {}): Promise<ReconcileOutcome> {
    const { source, store } = this;
    const signal = new AbortController().signal;
    const fixed = { name: 'default', node: 'host-1', dryRun: false, detailed: false, pruneApproved: false };
    return reconcileOnce(
      { source, store, layout: LAYOUT, now: () => new Date(0), signal },
      { ...fixed, against: { type: 'store' }, lockTimeoutMs: 5_000, ...options },
    );
  }

  put(key: StoreKey, value: string) {
    return this.store.transact({ guards: [], writes: [{ write: { op: 'put', key, value } }] });
  }
}

const texts = (changes: NonNullable<ReconcileOutcome['connectivity']>['gained'] = []) =>
  changes.map(({ from, to, connections }) => `${from.text} -> ${to.text} ${connections.join(' ')}`);

test('a plan says who could then talk to whom, and that a change alters no connectivity', async (t) => {
  const bench = new Bench();
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Deny') });
  await bench.once();
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Allow') });
  const opening = await bench.once({ dryRun: true });
  t.is(opening.against, 'store');
  t.deepEqual(texts(opening.connectivity?.gained), [
    'outside and all other hosts -> all endpoints all protocols',
    'all endpoints -> all endpoints all protocols',
  ]);
  t.deepEqual(opening.connectivity?.lost, []);
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Deny'), 'more.yaml': profile('more') });
  const idle = await bench.once({ dryRun: true });
  t.is(idle.plan?.changes.length, 1);
  t.deepEqual(idle.connectivity, { gained: [], lost: [] });
});

test('against another commit, or nothing, a plan is judged on manifests alone', async (t) => {
  const bench = new Bench();
  const closed = bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Deny') });
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Allow') });
  const against = await bench.once({ dryRun: true, against: { type: 'commit', commit: closed } });
  t.is(against.connectivity?.gained.length, 2);
  const fromNothing = await bench.once({ dryRun: true, against: { type: 'nothing' } });
  t.true(texts(fromNothing.connectivity?.gained).includes('all endpoints -> all endpoints all protocols'));
});

test('a lost race that brings a newer commit brings its tests: one that fails is not applied', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  bench.source.commit({ ...smallNetwork(), 'test.yaml': connectivityTest('Allow') });
  let applied = '';
  const quiet = bench.store;
  bench.store = intercept(quiet, async (method, _call, moment) => {
    if (method !== 'grantLease' || moment !== 'before') return;
    bench.store = quiet;
    applied = bench.source.commit({ ...smallNetwork(), 'more.yaml': profile('more') });
    await bench.once();
    bench.source.commit({ ...smallNetwork('Deny'), 'test.yaml': connectivityTest('Allow') });
  });
  const outcome = await bench.once();
  t.is(outcome.tests?.failed, 1);
  t.is(outcome.exitCode, EXIT_CODES.connectivity);
  t.is(outcome.applied, undefined);
  const head = await bench.store.get(LAYOUT.keys.head('default'));
  t.true(head.entry?.value.includes(applied));
});

test('--deny-widening refuses what opens anything to anybody, says what, and lets the rest pass', async (t) => {
  const bench = new Bench();
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Allow') });
  await bench.once();
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Deny') });
  t.is((await bench.once({ denyWidening: true })).exitCode, 0, 'it only closes');
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Allow') });
  for (const dryRun of [true, false]) {
    const outcome = await bench.once({ denyWidening: true, dryRun });
    t.is(outcome.exitCode, EXIT_CODES.connectivity);
    t.is(outcome.applied, undefined);
    t.is(outcome.failure?.code, 'widening');
    t.regex(
      outcome.failure?.message ?? '',
      /opens: outside and all other hosts -> all endpoints all protocols;/,
    );
  }
});

test('--deny-widening holds the loop too, and its condition says what a commit would open', async (t) => {
  const bench = new Bench();
  const closed = bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Deny') });
  await bench.once();
  await using loop = new RunningReconciler(bench.source, bench.store, { denyWidening: true });
  await loop.live(closed);
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Allow') });
  await loop.applied('Refused');
  t.regex(
    loop.state.conditions.Applied.message,
    /^--deny-widening forbids .* -> all endpoints all protocols;/,
  );
  const other = { ...smallNetwork(), 'guard.yaml': guard('Deny'), 'more.yaml': profile('more') };
  await loop.live(bench.source.commit(other));
});

test('a test that fails holds the loop, and its condition shows the packet and the rule', async (t) => {
  const bench = new Bench();
  await using loop = new RunningReconciler(bench.source, bench.store);
  await loop.live(bench.source.commit(smallNetwork()));
  bench.source.commit({ ...smallNetwork('Deny'), 'test.yaml': connectivityTest('Allow') });
  await loop.applied('Refused');
  t.is(
    loop.state.conditions.Applied.message,
    'ConnectivityTest w1-to-w2 (test.yaml:1) expects Allow: w1 -> w2 tcp/80 deny: profile web, ingress rule 1: Deny  profiles.yaml:4',
  );
});

/** What can stand against one plan, by exit code, and how it comes about on the way to the last run. */
const REASONS = {
  suspended: EXIT_CODES.locked,
  stale: EXIT_CODES.conflict,
  guard: EXIT_CODES.guard,
  test: EXIT_CODES.connectivity,
  widening: EXIT_CODES.connectivity,
} as const;
type Reason = keyof typeof REASONS;

async function runInto(reasons: readonly Reason[]): Promise<ReconcileOutcome> {
  const bench = new Bench();
  bench.source.commit({ ...smallNetwork(), 'guard.yaml': guard('Deny') });
  await bench.once();
  const { plan } = await bench.once({ dryRun: true });
  if (!plan) throw new TypeError('There was no plan');
  const is = (reason: Reason) => reasons.includes(reason);
  if (is('suspended')) await bench.put(LAYOUT.keys.suspend, '{}');
  if (is('guard'))
    await bench.put(
      '/calico/v1/policy/profile/other/rules' as StoreKey,
      '{"inbound_rules":[],"outbound_rules":[]}',
    );
  bench.source.commit({
    ...smallNetwork(),
    'guard.yaml': guard(is('widening') ? 'Allow' : 'Deny'),
    'other.yaml': is('guard') ? profile('other') : profile('another'),
    ...(is('test') && { 'test.yaml': connectivityTest(is('widening') ? 'Deny' : 'Allow') }),
  });
  return bench.once({
    detailed: true,
    denyWidening: is('widening'),
    ...(is('stale') && { reviewed: planDocument(plan) }),
  });
}

const names = Object.keys(REASONS) as Reason[];
for (const [index, one] of names.entries())
  for (const other of names.slice(index))
    test(`exit code precedence: of ${one === other ? one : `${one} and ${other}`}, ${REASONS[one]} is told, and nothing applied`, async (t) => {
      const outcome = await runInto([one, other]);
      t.is(outcome.exitCode, REASONS[one]);
      t.is(outcome.applied, undefined);
      const told = new Set<string>(outcome.failures.map(({ code }) => code));
      for (const reason of [one, other])
        if (reason !== 'guard' && reason !== 'test') t.true(told.has(reason), `${reason} is told too`);
      t.is(
        outcome.plan?.changes.some(({ action }) => action === 'blocked'),
        one === 'guard' || other === 'guard',
      );
      t.is((outcome.tests?.failed ?? 0) > 0, one === 'test' || other === 'test');
    });

test('exit code precedence: what cannot be read outranks all, and nothing stands against no change', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  await bench.put(LAYOUT.keys.suspend, '{}');
  t.is((await bench.once({ denyWidening: true })).exitCode, EXIT_CODES.ok);
  bench.source.commit({ ...smallNetwork('Deny'), 'bad.yaml': 'kind: [' });
  t.is((await bench.once()).exitCode, EXIT_CODES.invalidInput);
});
