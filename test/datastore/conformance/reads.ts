/** Reading: one key, and everything below a prefix at one revision. */
import type { Case } from '../conformance.js';
import { contents, del, key, put, revision, write } from '../helpers.js';

export const READS: readonly Case[] = [
  {
    title: 'get() gives value, create and mod revision, and the revision of the store',
    async run(t, store, prefix) {
      const before = await store.get(key(`${prefix}a`));
      t.is(before.entry, undefined);
      const created = await write(store, put(`${prefix}a`, 'one'));
      const changed = await write(store, put(`${prefix}a`, 'two'));
      t.true(before.revision < created && created < changed);
      const { entry, revision: at } = await store.get(key(`${prefix}a`));
      t.deepEqual(entry, { value: 'two', modRevision: changed, createRevision: created });
      t.true(at >= changed);
      await write(store, del(`${prefix}a`));
      const again = await write(store, put(`${prefix}a`, 'three'));
      t.is((await store.get(key(`${prefix}a`))).entry?.createRevision, again);
    },
  },
  {
    title: 'snapshot() holds what starts with the prefix, in the order of bytes',
    async run(t, store, prefix) {
      const names = ['b', 'a/é', 'a', 'a/b/c', 'é', '\u{1f600}', '\uff5e', 'a/', 'A'];
      await write(store, ...names.map((name) => put(prefix + name, name)));
      await write(store, put(`${prefix.slice(0, -1)}0`, 'outside'));
      const { entries } = await store.snapshot(prefix);
      const expected = names
        .map((name) => prefix + name)
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      t.deepEqual([...entries.keys()], expected.map(key));
      t.is(entries.get(key(`${prefix}é`))?.value, 'é');
    },
  },
  {
    title: 'snapshot() reads at a past revision, and refuses one that is not there yet',
    async run(t, store, prefix) {
      const first = await write(store, put(`${prefix}a`, '1'), put(`${prefix}b`, '1'));
      await write(store, put(`${prefix}a`, '2'), del(`${prefix}b`), put(`${prefix}c`, '2'));
      t.deepEqual(await contents(store, prefix, first), { [`${prefix}a`]: '1', [`${prefix}b`]: '1' });
      t.deepEqual(await contents(store, prefix), { [`${prefix}a`]: '2', [`${prefix}c`]: '2' });
      await t.throwsAsync(store.snapshot(prefix, { revision: revision(2 ** 40) }), { code: 'invalid' });
    },
  },
  {
    title: 'snapshot() shows one revision while a writer changes first and last page together',
    async run(t, store, prefix) {
      const filler = Array.from({ length: 60 }, (_, index) => put(`${prefix}m${index}`, 'x'));
      await write(store, ...filler, put(`${prefix}a`, '0'), put(`${prefix}z`, '0'));
      let writing = true;
      const writer = (async () => {
        for (let count = 1; writing; count++) {
          await write(store, put(`${prefix}a`, `${count}`), put(`${prefix}z`, `${count}`));
        }
      })();
      for (let round = 0; round < 30; round++) {
        const now = await contents(store, prefix);
        if (now[`${prefix}a`] !== now[`${prefix}z`] || Object.keys(now).length !== 62)
          t.fail('torn snapshot');
      }
      writing = false;
      await writer;
      t.pass();
    },
  },
  {
    title: 'snapshot() of an empty prefix is every key',
    isolated: true,
    async run(t, store) {
      await write(store, put('x', '1'), put('/y', '2'));
      t.deepEqual(await contents(store, ''), { '/y': '2', x: '1' });
    },
  },
];
