/** Keys on a lease that ends while others are granted. */
import test from 'ava';
import { DatastoreError, type Lease } from '../../src/datastore/datastore.js';
import { LeasedKeys } from '../../src/datastore/leased-keys.js';
import type { LeaseId, Revision, StoreKey, Transaction } from '../../src/model/store.js';

const KEY = '/a' as StoreKey;

/** A store of leases only: which were granted, which are gone, which were ended. */
function setUp() {
  const granted: { readonly id: LeaseId; readonly expire: () => void }[] = [];
  const [gone, revoked] = [new Set<LeaseId>(), [] as LeaseId[]];
  let lost = 0;
  const store = {
    async grantLease(): Promise<Lease> {
      const id = String(granted.length + 1) as LeaseId;
      const ended = new AbortController();
      granted.push({ id, expire: () => ended.abort() });
      const revoke = async () => {
        revoked.push(id);
      };
      return { id, lost: ended.signal, revoke, [Symbol.asyncDispose]: revoke };
    },
    async transact({ writes }: Transaction) {
      for (const { write } of writes)
        if (write.op === 'put' && write.lease !== undefined && gone.has(write.lease))
          throw new DatastoreError('lease-not-found', 'no such lease');
      return { ok: true, revision: 1 as Revision } as const;
    },
  };
  const keys = new LeasedKeys(store, { ttlSeconds: 30, onLost: () => (lost += 1) });
  return { keys, granted, gone, revoked, lost: () => lost };
}

test('LeasedKeys keeps one lease for all its keys, and ends it', async (t) => {
  const { keys, granted, revoked } = setUp();
  await Promise.all([keys.put(KEY, '1'), keys.put(KEY, '2')]);
  await keys.close();
  t.deepEqual<unknown, unknown>([granted.map(({ id }) => id), revoked], [['1'], ['1']]);
});

test('LeasedKeys whose lease is gone says so once, also when its keeper hears of it after the next one was granted', async (t) => {
  const { keys, granted, gone, revoked, lost } = setUp();
  await keys.put(KEY, '1');
  gone.add(granted[0]?.id as LeaseId);
  await t.throwsAsync(keys.put(KEY, '2'), { message: 'no such lease' });
  t.is(lost(), 1);
  await keys.put(KEY, '2');
  granted[0]?.expire();
  t.is(lost(), 1);
  await keys.put(KEY, '3');
  t.is(granted.length, 2);
  granted[1]?.expire();
  t.is(lost(), 2);
  await keys.put(KEY, '4');
  await keys.close();
  t.deepEqual<unknown, unknown>(revoked, ['3']);
});
