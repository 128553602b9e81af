/**
 * Laws of planning, for random manifests over stores with random histories: earlier commits, other sources, and
 * other people's hands.
 */
import test from 'ava';
import fc from 'fast-check';
import { applyPlan } from '../../src/apply/apply.js';
import { EMPTY_SNAPSHOT, projectTransaction } from '../../src/apply/project.js';
import { planTransaction } from '../../src/apply/transaction.js';
import { isRefused, isWritten } from '../../src/diff/exit-code.js';
import { compileState } from '../../src/layout/compile.js';
import { unescapeName } from '../../src/layout/escape.js';
import { idOf, type Resource } from '../../src/model/resource.js';
import type { Snapshot, StoreKey } from '../../src/model/store.js';
import { anyResource } from '../layout/arbitraries.js';
import { LAYOUT, type PlanOptions, TestStore } from './test-store.js';

/** Resources that do not claim each other's keys: of rivals the first stays. */
const arbitraryManifests = fc.array(anyResource, { maxLength: 8 }).map(withoutConflicts);

/** Two commits that share objects, so that there is something to update and to hand over. */
const arbitraryHistory = fc
  .tuple(arbitraryManifests, arbitraryManifests, fc.infiniteStream(fc.boolean()))
  .map(([first, fresh, keep]) => ({
    first,
    second: withoutConflicts([...fresh, ...first.filter(() => keep.next().value)]),
  }));

/** What other people do to the store: `at` picks one of the keys that are there. */
const arbitraryMeddling = fc.array(
  fc.record({ at: fc.nat(), value: fc.constantFrom(undefined, '', '{}', '[]', 'x', '{"state":"active"}') }),
  { maxLength: 6 },
);

const APPROVED: PlanOptions = { pruneApproved: true };

test('the plan after an apply has nothing to write, whatever was done to the store before', async (t) => {
  await fc.assert(
    fc.asyncProperty(arbitraryHistory, arbitraryMeddling, async ({ first, second }, meddling) => {
      const store = new TestStore();
      await store.apply(first, APPROVED);
      for (const { at, value } of meddling) await meddle(store, at, value);
      const plan = await store.plan(second, { ...APPROVED, commit: 'c2' });
      fc.pre(!isRefused(plan));
      const result = await applyPlan(store.store, plan, { layout: LAYOUT, now: 'now' });
      t.is(result.status, 'applied');
      const again = await store.plan(second, { ...APPROVED, commit: 'c2' });
      t.deepEqual(again.changes.filter(isWritten), []);
      t.is(planTransaction(again, { layout: LAYOUT, now: 'later' }), undefined);
    }),
  );
});

test('after an apply the store holds what the manifests compile to, and addresses that went back to agents', async (t) => {
  await fc.assert(
    fc.asyncProperty(arbitraryHistory, async ({ first, second }) => {
      const [store, fresh] = [new TestStore(), new TestStore()];
      await store.apply(first, APPROVED);
      await store.apply(second, { ...APPROVED, commit: 'c2' });
      await fresh.apply(second, { ...APPROVED, commit: 'c2' });
      const wanted = await fresh.network();
      const nodes = new Set(second.flatMap(({ kind, metadata }) => (kind === 'Node' ? metadata.name : [])));
      const isReleased = (key: string) => !(key in wanted) && nodes.has(registeredNode(key) ?? '');
      const held = Object.entries(await store.network()).filter(([key]) => !isReleased(key));
      t.deepEqual(Object.fromEntries(held), wanted);
    }),
  );
});

test('keys of others are neither written nor deleted, and other sources keep theirs', async (t) => {
  await fc.assert(
    fc.asyncProperty(arbitraryManifests, arbitraryManifests, async (theirs, ours) => {
      const store = new TestStore();
      await store.apply(theirs, { ...APPROVED, source: 'theirs' });
      await store.put('/calico/v1/policy/profile/zz-foreign/tags', '["zz"]');
      await store.put('/calico/ipam/v2/config', '{}');
      const before = await store.network();
      const plan = await store.plan(ours, APPROVED);
      const written = plan.changes.flatMap(({ writes }) => writes.map(({ write }) => write.key));
      t.deepEqual(
        written.filter((key) => key in before),
        [],
      );
    }),
  );
});

test('no plan writes a key twice, and every write is guarded', async (t) => {
  await fc.assert(
    fc.asyncProperty(arbitraryHistory, arbitraryMeddling, async ({ first, second }, meddling) => {
      const store = new TestStore();
      await store.apply(first, APPROVED);
      for (const { at, value } of meddling) await meddle(store, at, value);
      const { changes } = await store.plan(second, { ...APPROVED, commit: 'c2' });
      const writes = changes.flatMap((change) => change.writes);
      t.is(new Set(writes.map(({ write }) => write.key)).size, writes.length);
      t.true(writes.every(({ write, compare }) => compare?.key === write.key));
    }),
  );
});

test('projectTransaction() foresees what the store will hold', async (t) => {
  await fc.assert(
    fc.asyncProperty(arbitraryHistory, async ({ first, second }) => {
      const store = new TestStore();
      let foreseen: Snapshot = EMPTY_SNAPSHOT;
      for (const [manifests, commit] of [
        [first, 'c1'],
        [second, 'c2'],
      ] as const) {
        const plan = await store.plan(manifests, { ...APPROVED, commit });
        const options = { layout: LAYOUT, now: '2026-11-22T10:00:00Z' };
        const transaction = planTransaction(plan, options);
        if (transaction) foreseen = projectTransaction(foreseen, transaction, LAYOUT.prefix);
        await applyPlan(store.store, plan, options);
      }
      const { entries } = await store.store.snapshot(LAYOUT.prefix);
      t.deepEqual(values({ ...foreseen, entries: foreseen.entries }), values({ ...foreseen, entries }));
    }),
  );
});

/** Whose address it is, by a key that the agent of a Node writes where the manifest does not. */
function registeredNode(key: string): string | undefined {
  const name = /\/(?:v1\/host\/([^/]+)\/bird_ip|bgp\/v1\/host\/([^/]+)\/(?:ip_addr|network)_v[46])$/.exec(
    key,
  );
  const escaped = name?.[1] ?? name?.[2];
  return escaped === undefined ? undefined : unescapeName(escaped);
}

function withoutConflicts(resources: readonly Resource[]): Resource[] {
  const kept = new Map(resources.map((resource) => [idOf(resource), resource]));
  for (;;) {
    const [problem] = compileState(kept, LAYOUT).diagnostics;
    if (!problem) return [...kept.values()];
    const rival = [...kept].findLast(([, { origin }]) => origin === problem.origin);
    if (!rival) throw new TypeError(`no resource has the problem: ${problem.message}`);
    kept.delete(rival[0]);
  }
}

/** Overwrites or deletes one key of the network; heddle's own records have a test of their own. */
async function meddle(store: TestStore, at: number, value: string | undefined): Promise<void> {
  const keys = Object.keys(await store.network()) as StoreKey[];
  const key = keys[at % Math.max(1, keys.length)];
  if (key === undefined) return;
  await (value === undefined ? store.remove(key) : store.put(key, value));
}

function values({ entries }: Snapshot): Record<string, string> {
  return Object.fromEntries([...entries].map(([key, { value }]) => [key, value]).sort());
}
