/** applyPlan() against the store in memory and against a real etcd: what holds for one holds for the other. */
import test from 'ava';
import { type ApplyOptions, applyPlan } from '../../src/apply/apply.js';
import type { Datastore } from '../../src/datastore/datastore.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { assemblePlan } from '../../src/diff/plan.js';
import type { Plan } from '../../src/diff/plan-types.js';
import { compileState } from '../../src/layout/compile.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { headCodec } from '../../src/layout/records.js';
import { idOf, type Resource } from '../../src/model/resource.js';
import type { Revision, StoreKey } from '../../src/model/store.js';
import { cidr, resource } from '../helpers/build-resources.js';
import { startEtcd } from '../helpers/etcd.js';

const shared = startEtcd();
test.after.always(async () => (await shared).close());

let roots = 0;

/** Every test has a root of its own, so that they can share a server. */
class Bench {
  readonly layout = createLayout(`/t${++roots}`);
  constructor(readonly store: Datastore) {}

  async plan(resources: readonly Resource[], commit = 'c1'): Promise<Plan> {
    const desired = new Map(resources.map((one) => [idOf(one), one]));
    return assemblePlan({
      source: 'default',
      version: { commit, tree: commit, author: 'Ada', message: 'm' },
      compiled: compileState(desired, this.layout).objects,
      snapshot: await this.store.snapshot(this.layout.prefix),
      layout: this.layout,
      pruneApproved: false,
    });
  }

  apply(plan: Plan, leadership?: Revision, onProgress?: ApplyOptions['onProgress']) {
    return applyPlan(this.store, plan, {
      layout: this.layout,
      now: '2026-11-22T10:00:00Z',
      ...(leadership !== undefined && { leadership }),
      ...(onProgress && { onProgress }),
    });
  }

  async put(key: StoreKey, value: string): Promise<Revision> {
    const result = await this.store.transact({ guards: [], writes: [{ write: { op: 'put', key, value } }] });
    if (!result.ok) throw new Error('an unguarded write failed');
    return result.revision;
  }

  async contents(): Promise<Record<string, string>> {
    const { entries } = await this.store.snapshot(this.layout.prefix);
    return Object.fromEntries([...entries].map(([key, { value }]) => [key, value]));
  }
}

const WEB = resource('Profile', 'web', { ingress: [], egress: [], tags: ['web'] });
const WEB_OPEN = resource('Profile', 'web', { ingress: [{ action: 'Allow' }], egress: [], tags: ['web'] });

const both = test.macro<[(t: import('ava').ExecutionContext, bench: Bench) => Promise<void>]>({
  async exec(t, check) {
    await check(t, new Bench(createMemoryDatastore()));
    await using store = openEtcdDatastore((await shared).options);
    await check(t, new Bench(store));
  },
  title: (title = '') => `applyPlan() ${title}`,
});

test('writes a whole commit at one revision', both, async (t, bench) => {
  const result = await bench.apply(await bench.plan([WEB, resource('Profile', 'db', {})]));
  t.is(result.status, 'applied');
  const { entries } = await bench.store.snapshot(bench.layout.prefix);
  const revisions = new Set([...entries.values()].map(({ modRevision }) => modRevision));
  t.deepEqual([...revisions], result.status === 'applied' ? [result.revision] : []);
  t.is(entries.get(bench.layout.keys.ready)?.value, 'true');
});

test('of a commit that the store holds writes nothing', both, async (t, bench) => {
  await bench.apply(await bench.plan([WEB]));
  const before = await bench.store.snapshot(bench.layout.prefix);
  t.deepEqual(await bench.apply(await bench.plan([WEB])), { status: 'unchanged' });
  const after = await bench.store.snapshot(bench.layout.prefix);
  t.deepEqual(after.entries, before.entries);
});

test('writes nothing when a key changed after the plan', both, async (t, bench) => {
  await bench.apply(await bench.plan([WEB]));
  const plan = await bench.plan([WEB_OPEN, resource('Profile', 'db', {})], 'c2');
  await bench.put(`${bench.layout.root}/v1/policy/profile/web/rules` as StoreKey, '{}');
  const before = await bench.contents();
  t.deepEqual(await bench.apply(plan), { status: 'conflict' });
  t.deepEqual(await bench.contents(), before);
});

test('writes nothing when a key appeared after the plan', both, async (t, bench) => {
  const plan = await bench.plan([WEB]);
  await bench.put(`${bench.layout.root}/v1/policy/profile/web/rules` as StoreKey, '{}');
  t.deepEqual(await bench.apply(plan), { status: 'conflict' });
  t.is(Object.keys(await bench.contents()).length, 1);
});

test('writes nothing when another commit came in between', both, async (t, bench) => {
  const late = await bench.plan([WEB], 'c2');
  await bench.apply(await bench.plan([resource('Profile', 'db', {})], 'c1'));
  t.deepEqual(await bench.apply(late), { status: 'conflict' });
});

test('writes nothing once somebody has suspended', both, async (t, bench) => {
  const plan = await bench.plan([WEB]);
  await bench.put(bench.layout.keys.suspend, '{}');
  t.deepEqual(await bench.apply(plan), { status: 'conflict' });
  t.deepEqual(await bench.contents(), {});
});

test('writes only under the leadership that it is given', both, async (t, bench) => {
  const plan = await bench.plan([WEB]);
  const leadership = await bench.put(bench.layout.keys.leader('default'), 'us');
  t.deepEqual(await bench.apply(plan, (leadership - 1) as Revision), { status: 'conflict' });
  t.is((await bench.apply(plan, leadership)).status, 'applied');
});

test('writes a commit that does not fit one transaction as a series', both, async (t, bench) => {
  const many = Array.from({ length: 1400 }, (_, index) => resource('Profile', `p${index}`, {}));
  const told: string[] = [];
  const result = await bench.apply(await bench.plan(many), undefined, ({ applied, total }) =>
    told.push(`${applied}/${total}`),
  );
  t.is(result.status, 'applied');
  t.deepEqual(told, ['1344/1400']);
  const { entries } = await bench.store.snapshot(bench.layout.prefix);
  t.is(entries.get(bench.layout.keys.txn('default')), undefined);
  t.is(entries.size, 3 * 1400 + 2);
  t.deepEqual((await bench.plan(many)).changes, []);
});

test(
  'sends nothing of a plan with an object that no transaction takes, and names it',
  both,
  async (t, bench) => {
    const nets = Array.from({ length: 100_000 }, (_, i) =>
      cidr(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`),
    );
    const result = await bench.apply(await bench.plan([WEB, resource('GlobalNetworkSet', 'huge', { nets })]));
    t.is(result.status, 'too-large');
    t.regex(
      result.status === 'too-large' ? result.message : '',
      /^GlobalNetworkSet\/huge takes 2 keys with \d{7} bytes/,
    );
    t.deepEqual(await bench.contents(), {});
  },
);

test('sends nothing of a plan with a blocked object', both, async (t, bench) => {
  await bench.put(`${bench.layout.root}/v1/policy/profile/web/rules` as StoreKey, '{}');
  const result = await bench.apply(await bench.plan([WEB]));
  t.is(result.status, 'refused');
});

test(
  'leaves the head alone when it repairs drift, and Ready when no commit comes',
  both,
  async (t, bench) => {
    await bench.apply(await bench.plan([WEB]));
    await bench.put(bench.layout.keys.ready, 'false');
    await bench.put(`${bench.layout.root}/v1/policy/profile/web/rules` as StoreKey, '{}');
    const headKey = bench.layout.keys.head('default');
    const before = await bench.store.get(headKey);
    t.like(await bench.apply(await bench.plan([WEB])), { status: 'applied', seq: 1 });
    t.is((await bench.store.get(headKey)).entry?.modRevision, before.entry?.modRevision);
    t.is((await bench.store.get(bench.layout.keys.ready)).entry?.value, 'false');
    await bench.apply(await bench.plan([WEB], 'c2'));
    t.is((await bench.store.get(bench.layout.keys.ready)).entry?.value, 'true');
    const { entry } = await bench.store.get(headKey);
    t.like(headCodec.decode(headKey, entry?.value ?? ''), { seq: 2, commit: 'c2' });
  },
);
