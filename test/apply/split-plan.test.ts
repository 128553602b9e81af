/** How a plan is cut: pure, plan in, units and steps out. */
import test from 'ava';
import { type StepLimits, splitPlan, stepEnd, type Unit, unitBytes } from '../../src/apply/split-plan.js';
import { guardedWriteBytes } from '../../src/datastore/transaction-limits.js';
import { inventoryCodec } from '../../src/layout/records.js';
import type { GuardedWrite, StoreKey } from '../../src/model/store.js';
import { LAYOUT, TestStore, titles } from '../diff/test-store.js';
import { resource } from '../helpers/build-resources.js';
import { POOL, ring } from './networks.js';

const write = (name: string, value = ''): GuardedWrite => ({
  write: { op: 'put', key: name as StoreKey, value },
});
const CLOSING = [write('head')];
/** Of one write of a key of one letter. */
const ONE = guardedWriteBytes(write('k'));

/** Units of so many writes each, all of the same size. */
function units(...counts: readonly number[]): Unit[] {
  return counts.map((count) => ({
    writes: Array.from({ length: count }, () => write('k')),
    change: undefined,
    completes: false,
  }));
}

const cuts = test.macro<[Unit[], Partial<StepLimits>, readonly number[]]>({
  exec(t, all, limits, ends) {
    const found: number[] = [];
    for (let end = 0; end < all.length; ) {
      end = stepEnd(all, end, { writes: 1_000, bytes: 1_000_000, ...limits });
      found.push(end);
    }
    t.deepEqual(found, ends);
  },
  title: (title = '') => `stepEnd() ${title}`,
});

test('takes everything that fits', cuts, units(3, 3, 3), {}, [3]);
test('stops before too many writes', cuts, units(3, 3, 3), { writes: 6 }, [2, 3]);
test('stops before too many bytes', cuts, units(1, 1, 1), { bytes: 2 * ONE }, [2, 3]);
test('is exact in bytes', cuts, units(1, 1, 1), { bytes: 2 * ONE - 1 }, [1, 2, 3]);
test('never tears a unit, though it exceeds the limits', cuts, units(1, 9, 1), { writes: 2 }, [1, 2, 3]);
test('goes on with no limit left', cuts, units(1, 1), { writes: 0, bytes: -1 }, [1, 2]);

test('splitPlan() keeps the order of the plan, and ends with what makes it a commit', async (t) => {
  const store = new TestStore();
  await store.apply([resource('Profile', 'gone-a', {}), resource('Profile', 'gone-b', {})]);
  const plan = await store.plan([POOL, resource('Profile', 'web', {}), ...ring(2, 0).slice(1)]);
  const split = splitPlan(plan, CLOSING);
  t.deepEqual(
    split.map(({ change }) => change && `${change.action} ${change.kind}/${change.name}`),
    [...titles(plan), undefined],
  );
  t.deepEqual(titles(plan).slice(-2), ['delete Profile/gone-b', 'delete Profile/gone-a']);
  t.deepEqual(split.at(-1)?.writes, CLOSING);
  t.deepEqual(
    split.flatMap(({ writes }) => writes),
    [...plan.changes.flatMap(({ writes }) => writes), ...CLOSING],
  );
});

test('splitPlan() leaves out changes without writes', async (t) => {
  const store = new TestStore();
  await store.put('/calico/v1/policy/profile/foreign/tags', '["foreign"]');
  const plan = await store.plan([POOL]);
  t.deepEqual(titles(plan), ['create IPPool/main', 'unmanaged Profile/foreign']);
  t.is(splitPlan(plan, CLOSING).length, 2);
});

test('splitPlan() lets an endpoint keep its address in the record until another has taken it over', async (t) => {
  const store = new TestStore();
  await store.apply(ring(3, 0));
  const plan = await store.plan(ring(3, 1), { commit: 'c2' });
  const [w0, w1, w2, ...finals] = splitPlan(plan, CLOSING);
  const listed = (unit: Unit | undefined): string[] => {
    const last = unit?.writes.at(-1)?.write;
    if (last?.op !== 'put') throw new TypeError('the last write of a unit is its record');
    const { keys } = inventoryCodec.decode(last.key, last.value);
    return Object.keys(keys).flatMap((key) => /assignment\/.*\.(\d+)$/.exec(key)?.[1] ?? []);
  };
  t.deepEqual([w0, w1, w2].map(listed), [
    ['1', '2'],
    ['2', '3'],
    ['1', '3'],
  ]);
  t.deepEqual(finals.slice(0, 3).map(listed), [['2'], ['3'], ['1']]);
  t.deepEqual(finals[3]?.writes, CLOSING);
  t.is(finals.length, 4);
});

test('unitBytes() is what the transaction counts', async (t) => {
  const store = new TestStore();
  const plan = await store.plan([POOL]);
  const [unit] = splitPlan(plan, CLOSING);
  const writes = plan.changes.flatMap((change) => change.writes);
  t.is(
    unit && unitBytes(unit),
    writes.map(guardedWriteBytes).reduce((a, b) => a + b, 0),
  );
  t.true(writes.some(({ write: { key } }) => key === LAYOUT.keys.inventory('default', 'IPPool', 'main')));
});
