/** Writing: all or nothing, at one revision, within the limits. */
import { MAX_TRANSACTION_BYTES, MAX_TRANSACTION_WRITES } from '../../../src/datastore/transaction-limits.js';
import type { Case } from '../conformance.js';
import { absent, contents, del, key, put, unchanged, write } from '../helpers.js';

export const TRANSACTIONS: readonly Case[] = [
  {
    title: 'transact() writes nothing when a guard or a compare does not hold',
    async run(t, store, prefix) {
      const at = await write(store, put(`${prefix}a`, '1'));
      const later = await write(store, put(`${prefix}a`, '2'));
      const lost = [absent(`${prefix}a`), unchanged(`${prefix}a`, at), unchanged(`${prefix}no`, at)];
      for (const compare of lost) {
        const writes = [put(`${prefix}b`, 'b'), put(`${prefix}c`, 'c', compare)];
        t.deepEqual(await store.transact({ guards: [], writes }), { ok: false });
        t.deepEqual(await store.transact({ guards: [compare], writes: [put(`${prefix}b`, 'b')] }), {
          ok: false,
        });
      }
      t.deepEqual(await contents(store, prefix), { [`${prefix}a`]: '2' });
      const created = { key: key(`${prefix}a`), check: 'create-revision', revision: at } as const;
      const writes = [
        put(`${prefix}a`, '3', unchanged(`${prefix}a`, later)),
        put(`${prefix}b`, 'b', absent(`${prefix}b`)),
      ];
      t.true((await store.transact({ guards: [created], writes })).ok);
      t.deepEqual(await contents(store, prefix), { [`${prefix}a`]: '3', [`${prefix}b`]: 'b' });
    },
  },
  {
    title: 'transact() of guards alone answers whether they hold, and moves no revision',
    async run(t, store, prefix) {
      const at = await write(store, put(`${prefix}a`, '1'));
      const answer = await store.transact({ guards: [unchanged(`${prefix}a`, at)], writes: [] });
      t.true(answer.ok && answer.revision >= at);
      t.deepEqual(await store.transact({ guards: [absent(`${prefix}a`)], writes: [] }), { ok: false });
    },
  },
  {
    title: 'transact() of 1,500 guarded writes is one revision, or nothing when one nested compare is lost',
    async run(t, store, prefix) {
      await write(store, put(`${prefix}taken`, 'x'));
      const names = Array.from({ length: 1500 }, (_, index) => `${prefix}k${index}`);
      for (const loser of [0, 63, 64, 777, 1499]) {
        const writes = names.map((name, index) =>
          put(name, '1', absent(index === loser ? `${prefix}taken` : name)),
        );
        t.deepEqual(await store.transact({ guards: [], writes }), { ok: false }, `compare ${loser} is lost`);
        t.deepEqual(await contents(store, prefix), { [`${prefix}taken`]: 'x' });
      }
      const at = await write(store, ...names.map((name) => put(name, '1', absent(name))));
      const { entries } = await store.snapshot(prefix);
      t.is(entries.size, 1501);
      t.true(names.every((name) => entries.get(key(name))?.modRevision === at));
      const mixed = names.map((name, index) => (index % 2 ? del(name, unchanged(name, at)) : put(name, '2')));
      t.true((await store.transact({ guards: [unchanged(`${prefix}k0`, at)], writes: mixed })).ok);
      t.is(Object.keys(await contents(store, prefix)).length, 751);
    },
  },
  {
    title: 'transact() takes as many writes and bytes as it says fit, and refuses one more',
    async run(t, store, prefix) {
      const many = (count: number, value: string) =>
        Array.from({ length: count }, (_, index) =>
          put(`${prefix}k${index}`, value, absent(`${prefix}k${index}`)),
        );
      await t.throwsAsync(store.transact({ guards: [], writes: many(MAX_TRANSACTION_WRITES + 1, '') }), {
        code: 'too-large',
      });
      const most = Math.floor(MAX_TRANSACTION_BYTES / MAX_TRANSACTION_WRITES) - 90;
      await t.notThrowsAsync(write(store, ...many(MAX_TRANSACTION_WRITES, 'v'.repeat(most))));
      const large = 'v'.repeat(MAX_TRANSACTION_BYTES - 200);
      await t.notThrowsAsync(write(store, put(`${prefix}k0`, large)));
      await t.throwsAsync(
        store.transact({ guards: [], writes: [put(`${prefix}k0`, `${large}${'v'.repeat(200)}`)] }),
        {
          code: 'too-large',
        },
      );
    },
  },
  {
    title: 'transact() refuses a key that is written twice and an empty key',
    async run(t, store, prefix) {
      await t.throwsAsync(write(store, put(`${prefix}a`, '1'), del(`${prefix}a`)), { code: 'invalid' });
      await t.throwsAsync(write(store, put('', '1')), { code: 'invalid' });
      t.deepEqual(await contents(store, prefix), {});
    },
  },
  {
    title: 'deleting what is not there moves no revision',
    isolated: true,
    async run(t, store) {
      const at = await write(store, put('a', '1'));
      t.is(await write(store, del('b')), at);
      t.is((await store.get(key('a'))).revision, at);
    },
  },
];
