/**
 * What the store in memory has for tests alone: leases by a timer of theirs, and a history that they can cut.
 */
import test from 'ava';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import type { Revision, StoreKey } from '../../src/model/store.js';

const A = '/a/1' as StoreKey;

test('a lease outlives close() by its time to live, by the injected timer', async (t) => {
  const due: { ms: number; callback: () => void }[] = [];
  const timer = (ms: number, callback: () => void): (() => void) => {
    due.push({ ms, callback });
    return () => undefined;
  };
  const store = createMemoryDatastore({ timer });
  const observer = store.connect();
  const lease = await store.grantLease(7);
  await store.transact({
    guards: [],
    writes: [{ write: { op: 'put', key: A, value: '1', lease: lease.id } }],
  });
  await store.close();
  t.true(lease.lost.aborted);
  t.is((await observer.get(A)).entry?.value, '1');
  t.deepEqual(
    due.map(({ ms }) => ms),
    [7000],
  );
  due[0]?.callback();
  t.is((await observer.get(A)).entry, undefined);
});

test('compact() refuses revisions outside the history', (t) => {
  const store = createMemoryDatastore();
  t.throws(() => store.compact(99 as Revision), { instanceOf: RangeError });
});
