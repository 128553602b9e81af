/** Watching: each revision once, whole and in order, or a gap. */
import type { Case } from '../conformance.js';
import { contents, del, key, put, revision, WatchLog, write } from '../helpers.js';

export const WATCHES: readonly Case[] = [
  {
    title: 'watch() gives each revision below the prefix once, whole and in order, from a past revision on',
    async run(t, store, prefix) {
      const start = await write(store, put(`${prefix}a`, '0'));
      await write(store, put(`${prefix}a`, '1'), put(`${prefix}b`, '1'), put(`/elsewhere${prefix}`, 'x'));
      const log = new WatchLog(store, prefix, revision(start + 1));
      const late = await write(store, del(`${prefix}a`), put(`${prefix}c`, '2'));
      await log.reached(late);
      const last = await write(store, put(`${prefix}c`, '3'));
      await log.reached(last);
      await log.stop();
      const [first, second, third] = log.revisions;
      t.is(log.revisions.length, 3);
      t.deepEqual(
        new Set(first?.events.map((event) => event.key)),
        new Set([key(`${prefix}a`), key(`${prefix}b`)]),
      );
      t.deepEqual(second?.events.map(({ type }) => type).sort(), ['delete', 'put']);
      t.is(second?.revision, late);
      t.deepEqual(third?.events, [
        {
          type: 'put',
          key: key(`${prefix}c`),
          entry: { value: '3', modRevision: last, createRevision: late },
        },
      ]);
    },
  },
  {
    title: 'watch() delivers a transaction of 1,500 writes in one message',
    async run(t, store, prefix) {
      const { revision: now } = await store.get(key(prefix));
      const log = new WatchLog(store, prefix, revision(now + 1));
      const value = 'v'.repeat(800);
      const at = await write(
        store,
        ...Array.from({ length: 1500 }, (_, index) => put(`${prefix}${index}`, value)),
      );
      await log.reached(at);
      t.deepEqual(
        log.revisions.map(({ events }) => events.length),
        [1500],
      );
      await log.stop();
    },
  },
  {
    title: 'watch() delivers a backlog of 8 MiB without loss',
    async run(t, store, prefix) {
      const value = 'v'.repeat(16_000);
      let last = await write(store, put(`${prefix}start`, ''));
      const from = revision(last + 1);
      for (let round = 0; round < 128; round++)
        last = await write(
          store,
          ...Array.from({ length: 4 }, (_, index) => put(`${prefix}${index}`, `${round}${value}`)),
        );
      const log = new WatchLog(store, prefix, from);
      await log.reached(last);
      t.is(log.revisions.length, 128);
      t.true(log.revisions.every(({ events }) => events.length === 4));
      t.deepEqual(
        log.messages.filter(({ type }) => type === 'gap' || type === 'interrupted'),
        [],
      );
      await log.stop();
    },
  },
  {
    title: 'watch() ends when its signal is aborted, also before it began, and when the store is closed',
    async run(t, store, prefix, subject) {
      const from = revision((await write(store, put(`${prefix}a`, '1'))) + 1);
      await t.notThrowsAsync(new WatchLog(store, prefix, from).stop());
      const running = new WatchLog(store, prefix, from);
      await running.reached(await write(store, put(`${prefix}a`, '2')));
      await t.notThrowsAsync(running.stop());
      const other = subject.open();
      const orphan = new WatchLog(other, prefix, from);
      await orphan.reached(from);
      await other.close();
      await t.notThrowsAsync(orphan.ended);
      await t.throwsAsync(other.get(key('a')), { code: 'closed' });
      await t.throwsAsync(new WatchLog(other, prefix, from).ended, { code: 'closed' });
    },
  },
  {
    title: 'watch() from a compacted revision says gap, from the revision of the compaction on it works',
    isolated: true,
    async run(t, store, prefix, subject) {
      const old = await write(store, put(`${prefix}a`, '1'));
      await write(store, put(`${prefix}a`, '2'));
      const kept = await write(store, put(`${prefix}a`, '3'));
      await subject.compact(kept);
      const lost = new WatchLog(store, prefix, old);
      await lost.ended;
      const gap = lost.messages.at(-1);
      t.true(gap?.type === 'gap' && gap.reason === 'compacted');
      t.is(lost.messages.length, 1);
      const log = new WatchLog(store, prefix, kept);
      await log.reached(kept);
      t.deepEqual(log.lines, [`${kept} put ${prefix}a 3`]);
      await log.stop();
      await t.throwsAsync(store.snapshot(prefix, { revision: old }), { code: 'compacted' });
      t.deepEqual(await contents(store, prefix, kept), { [`${prefix}a`]: '3' });
    },
  },
  {
    title: 'watch() from a revision that the store has not reached says that the store was replaced',
    async run(t, store, prefix) {
      const log = new WatchLog(store, prefix, revision(2 ** 40));
      await log.ended;
      const gap = log.messages.at(-1);
      t.true(gap?.type === 'gap' && gap.reason === 'store-replaced');
    },
  },
];
