/**
 * One run from commit to store: what is refused writes nothing, and what was broken off is mended by the
 * next. A repository and a store in memory, with a fault at every call.
 */
import test from 'ava';
import type { Datastore } from '../../src/datastore/datastore.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { type PlanDocument, planDocument } from '../../src/diff/render/json.js';
import { parsePlanDocument } from '../../src/diff/saved-plan.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { headCodec, historyCodec, leaderCodec } from '../../src/layout/records.js';
import { SourceError } from '../../src/loader/sources/source.js';
import type { StoreKey } from '../../src/model/store.js';
import type { ReconcileOutcome } from '../../src/reconciler/outcome.js';
import { type ReconcileOptions, reconcileOnce } from '../../src/reconciler/reconcile-once.js';
import { FakeSource } from './fake-source.js';
import { failNth, intercept } from './faulty-store.js';
import { profile, smallNetwork } from './manifests.js';

const LAYOUT = createLayout();
const WEB_RULES = '/calico/v1/policy/profile/web/rules' as StoreKey;

class Bench {
  readonly source = new FakeSource();
  readonly store = createMemoryDatastore();

  once(options: Partial<ReconcileOptions> = {}, store: Datastore = this.store): Promise<ReconcileOutcome> {
    return reconcileOnce(
      {
        source: this.source,
        store,
        layout: LAYOUT,
        now: () => new Date('2026-11-22T10:00:00Z'),
        signal: new AbortController().signal,
      },
      {
        name: 'default',
        node: 'host-1',
        against: { type: 'store' },
        dryRun: false,
        detailed: true,
        pruneApproved: false,
        lockTimeoutMs: 50,
        ...options,
      },
    );
  }

  /** A dry run, saved to a file and read back. */
  async review(): Promise<PlanDocument> {
    const { plan } = await this.once({ dryRun: true });
    const reviewed = plan && parsePlanDocument(JSON.stringify(planDocument(plan)));
    if (!reviewed) throw new TypeError('no plan was saved');
    return reviewed;
  }

  put(key: StoreKey, value: string) {
    return this.store.transact({ guards: [], writes: [{ write: { op: 'put', key, value } }] });
  }

  async value(key: StoreKey): Promise<string> {
    return (await this.store.get(key)).entry?.value ?? '';
  }
}

test('reconcileOnce() applies a commit, and says which', async (t) => {
  const bench = new Bench();
  const commit = bench.source.commit(smallNetwork(), 'Begin');
  const outcome = await bench.once();
  t.is(outcome.exitCode, 2);
  t.is(outcome.applied?.seq, 1);
  t.is(outcome.plan?.changes.length, 6);
  const head = headCodec.decode(LAYOUT.keys.head('default'), await bench.value(LAYOUT.keys.head('default')));
  t.like(head, { seq: 1, commit, message: 'Begin', time: '2026-11-22T10:00:00.000Z' });
  const historyKey = LAYOUT.keys.history('default', 1);
  t.like(historyCodec.decode(historyKey, await bench.value(historyKey)), { commit, summary: { create: 6 } });
  t.is(await bench.value(LAYOUT.keys.ready), 'true');
  t.is(await bench.value(LAYOUT.keys.leader('default')), '', 'it has stepped down');
});

test('reconcileOnce() of the same commit again writes nothing at all', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  const { revision } = bench.store;
  const outcome = await bench.once();
  t.is(outcome.exitCode, 0);
  t.is(outcome.applied, undefined);
  t.is(bench.store.revision, revision);
});

test('reconcileOnce() of a commit that changes no object still says that it is live', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  const commit = bench.source.commit({ ...smallNetwork(), 'README.md': 'hello' });
  const outcome = await bench.once();
  t.deepEqual(outcome.plan?.changes, []);
  t.is(outcome.applied?.seq, 2);
  const head = headCodec.decode(LAYOUT.keys.head('default'), await bench.value(LAYOUT.keys.head('default')));
  t.is(head.commit, commit);
});

test('reconcileOnce() repairs drift without moving the head', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  const before = await bench.value(WEB_RULES);
  await bench.put(WEB_RULES, '{}');
  const outcome = await bench.once();
  t.deepEqual(
    outcome.plan?.changes.map(({ action }) => action),
    ['drift'],
  );
  t.is(outcome.applied?.seq, 1);
  t.is(await bench.value(WEB_RULES), before);
});

test('reconcileOnce() --dry-run writes nothing', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  const { revision } = bench.store;
  const outcome = await bench.once({ dryRun: true });
  t.is(outcome.exitCode, 2);
  t.is(outcome.plan?.changes.length, 6);
  t.is(bench.store.revision, revision);
  t.is((await bench.once({ dryRun: true, detailed: false })).exitCode, 0);
});

test('reconcileOnce() plans against another commit, or against nothing, without a store', async (t) => {
  const bench = new Bench();
  const first = bench.source.commit(smallNetwork('Allow'));
  bench.source.commit(smallNetwork('Deny'));
  const deps = {
    source: bench.source,
    store: undefined,
    layout: LAYOUT,
    now: () => new Date(),
    signal: new AbortController().signal,
  };
  const options = {
    name: 'default',
    node: 'ci',
    dryRun: true,
    detailed: true,
    pruneApproved: false,
    lockTimeoutMs: 0,
  };
  const against = await reconcileOnce(deps, { ...options, against: { type: 'commit', commit: first } });
  t.deepEqual(
    against.plan?.changes.map(({ action, name, diff }) => ({ action, name, diff })),
    [
      {
        action: 'update',
        name: 'web',
        diff: [{ path: 'spec.ingress[0].action', before: 'Allow', after: 'Deny' }],
      },
    ],
  );
  t.is(against.plan?.base.head?.commit, first);
  const fromNothing = await reconcileOnce(deps, { ...options, against: { type: 'nothing' } });
  t.is(fromNothing.plan?.changes.length, 6);
});

test('reconcileOnce() tells all mistakes of a commit, and applies nothing of it', async (t) => {
  const bench = new Bench();
  const { revision } = bench.store;
  bench.source.commit({ ...smallNetwork(), 'bad.yaml': profile('bad', 'Maybe'), 'worse.yaml': 'kind: [' });
  const outcome = await bench.once();
  t.is(outcome.exitCode, 3);
  t.is(outcome.failure?.code, 'invalid');
  t.deepEqual([...new Set(outcome.diagnostics.map(({ origin }) => origin.file))], ['bad.yaml', 'worse.yaml']);
  t.is(outcome.plan, undefined);
  t.is(bench.store.revision, revision);
});

test('reconcileOnce() exits with 9 when the source cannot be read', async (t) => {
  const bench = new Bench();
  bench.source.fault = new SourceError('auth', 'permission denied');
  const outcome = await bench.once();
  t.is(outcome.exitCode, 9);
  t.deepEqual(outcome.failure, { code: 'source', message: 'permission denied' });
});

test('reconcileOnce() exits with 1 when the store is out of reach, and still knows what it read', async (t) => {
  const bench = new Bench();
  const commit = bench.source.commit(smallNetwork());
  await bench.store.close();
  const outcome = await bench.once();
  t.is(outcome.exitCode, 1);
  t.is(outcome.failure?.code, 'store');
  t.is(outcome.version?.commit, commit);
});

test('reconcileOnce() exits with 5 for a blocked object, and applies nothing', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.put(WEB_RULES, '{}');
  const { revision } = bench.store;
  const outcome = await bench.once();
  t.is(outcome.exitCode, 5);
  t.is(bench.store.revision, revision);
});

test('reconcileOnce() exits with 5 for an empty source, until the commit approves', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  bench.source.commit({ 'README.md': 'gone' });
  const refused = await bench.once();
  t.is(refused.exitCode, 5);
  t.deepEqual(
    refused.plan?.guards.map(({ code }) => code),
    ['empty-source'],
  );
  bench.source.commit({ 'README.md': 'gone' }, 'Shut down\n\nPrune-Approved: yes\n');
  const approved = await bench.once();
  t.is(approved.applied?.seq, 2);
});

test('reconcileOnce() takes the approval of any commit since the live one, and of none before', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork(), 'Begin\n\nPrune-Approved: yes\n');
  await bench.once();
  bench.source.commit({ 'README.md': 'gone' }, 'Shut down');
  t.is((await bench.once()).exitCode, 5, 'what is live has used its approval up');
  bench.source.commit({ 'README.md': 'gone' }, 'Yes, really\n\nPrune-Approved: yes\n');
  bench.source.commit({ 'README.md': 'gone for good' }, 'Mend a word');
  t.is((await bench.once()).applied?.seq, 2);
});

test('reconcileOnce() waits for another leader, then exits with 7 and names it', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.put(LAYOUT.keys.leader('default'), leaderCodec.encode({ node: 'host-9', since: 'long ago' }));
  const outcome = await bench.once();
  t.is(outcome.exitCode, 7);
  t.regex(outcome.failure?.message ?? '', /^host-9 leads/);
});

test('reconcileOnce() exits with 7 while somebody has suspended, unless there is nothing to do', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  await bench.put(LAYOUT.keys.suspend, '{"by":"ada","reason":"moving house"}');
  t.is((await bench.once()).exitCode, 0);
  bench.source.commit(smallNetwork('Deny'));
  const outcome = await bench.once();
  t.is(outcome.exitCode, 7);
  t.regex(outcome.failure?.message ?? '', /moving house/);
});

test('reconcileOnce() keeps the last fifty heads of a source', async (t) => {
  const bench = new Bench();
  for (let seq = 1; seq <= 53; seq += 1) {
    bench.source.commit({ ...smallNetwork(), 'README.md': String(seq) });
    await bench.once();
  }
  const { entries } = await bench.store.snapshot(LAYOUT.keys.historyPrefix);
  t.is(entries.size, 50);
  t.is([...entries.keys()][0], LAYOUT.keys.history('default', 4));
});

test('reconcileOnce() applies a reviewed plan although others wrote elsewhere', async (t) => {
  const bench = new Bench();
  const commit = bench.source.commit(smallNetwork());
  const reviewed = await bench.review();
  bench.source.commit(smallNetwork('Deny'));
  await bench.put('/calico/v1/host/host-9/workload/cni/p/endpoint/eth0' as StoreKey, '{}');
  const outcome = await bench.once({ commit, reviewed });
  t.is(outcome.applied?.seq, 1);
  t.is(outcome.version?.commit, commit);
});

test('reconcileOnce() exits with 6 when the reviewed plan is no longer what would be done', async (t) => {
  const bench = new Bench();
  const commit = bench.source.commit(smallNetwork());
  await bench.once();
  await bench.put(WEB_RULES, '{"inbound_rules":[],"outbound_rules":[]}');
  const reviewed = await bench.review();
  await bench.put(WEB_RULES, '{"inbound_rules":[{"action":"log"}],"outbound_rules":[]}');
  const { revision } = bench.store;
  const outcome = await bench.once({ commit, reviewed });
  t.is(outcome.exitCode, 6);
  t.is(outcome.failure?.code, 'stale');
  t.is(bench.store.revision, revision);
});

test('reconcileOnce() that fails at any call to the store is mended by the next run', async (t) => {
  for (const timing of ['before', 'after'] as const) {
    for (let call = 0; ; call += 1) {
      const bench = new Bench();
      const commit = bench.source.commit(smallNetwork());
      const faulty = failNth(bench.store, call, timing);
      const first = await bench.once({ lockTimeoutMs: 5_000 }, faulty.store);
      if (!faulty.failed()) {
        t.true(call > 4, 'there were calls to fail');
        break;
      }
      t.true(first.failure?.code === 'store' || first.applied !== undefined, `${timing} ${call}`);
      await bench.store.transact({
        guards: [],
        writes: [{ write: { op: 'delete', key: LAYOUT.keys.leader('default') } }],
      });
      const second = await bench.once();
      t.is(second.failure, undefined);
      const headKey = LAYOUT.keys.head('default');
      t.like(headCodec.decode(headKey, await bench.value(headKey)), { seq: 1, commit }, `${timing} ${call}`);
      t.deepEqual((await bench.once({ dryRun: true })).plan?.changes, []);
    }
  }
});

test('reconcileOnce() that was overtaken by a newer commit reads again instead of going back', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  await bench.once();
  bench.source.commit(smallNetwork('Deny'));
  let newest = '';
  const overtaken = intercept(bench.store, async (method, _call, moment) => {
    if (method !== 'grantLease' || moment !== 'before') return;
    newest = bench.source.commit({ ...smallNetwork('Deny'), 'more.yaml': profile('more') });
    await bench.once();
  });
  const outcome = await bench.once({ lockTimeoutMs: 5_000 }, overtaken);
  t.is(outcome.failure, undefined);
  t.is(outcome.version?.commit, newest);
  const headKey = LAYOUT.keys.head('default');
  t.like(headCodec.decode(headKey, await bench.value(headKey)), { seq: 2, commit: newest });
});

test('of six runs that race one applies the commit', async (t) => {
  const bench = new Bench();
  bench.source.commit(smallNetwork());
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => bench.once({ lockTimeoutMs: 5_000 })));
  t.is(outcomes.filter(({ applied }) => applied).length, 1);
  t.true(outcomes.every(({ failure }) => failure === undefined));
});
