/** Leases: keys that go when their owner does. */
import { until } from '../../helpers/until.js';
import type { Case } from '../conformance.js';
import { contents, put, revision, WatchLog, write } from '../helpers.js';

export const LEASES: readonly Case[] = [
  {
    title: 'revoking a lease deletes its keys at one revision and aborts its signal',
    async run(t, store, prefix) {
      const lease = await store.grantLease(60);
      const at = await write(
        store,
        put(`${prefix}a`, '1', undefined, lease.id),
        put(`${prefix}b`, '1', undefined, lease.id),
      );
      await write(store, put(`${prefix}kept`, '1', undefined, lease.id));
      await write(store, put(`${prefix}kept`, '2'));
      t.false(lease.lost.aborted);
      const log = new WatchLog(store, prefix, revision(at + 1));
      await lease.revoke();
      t.true(lease.lost.aborted);
      t.deepEqual(await contents(store, prefix), { [`${prefix}kept`]: '2' });
      await until(() => log.lines.length === 4, { what: 'two deletions' });
      t.deepEqual(
        log.revisions.at(-1)?.events.map(({ type }) => type),
        ['delete', 'delete'],
      );
      await log.stop();
      await t.throwsAsync(write(store, put(`${prefix}c`, '1', undefined, lease.id)), {
        code: 'lease-not-found',
      });
      await t.notThrowsAsync(lease.revoke());
    },
  },
  {
    title: 'a lease runs out when its client is closed, and not before',
    async run(t, store, prefix, subject) {
      const owner = subject.open();
      const lease = await owner.grantLease(10);
      const at = await write(owner, put(`${prefix}a`, '1', undefined, lease.id));
      const log = new WatchLog(store, prefix, revision(at + 1));
      await owner.close();
      t.true(lease.lost.aborted);
      t.deepEqual(await contents(store, prefix), { [`${prefix}a`]: '1' });
      await subject.expireLeases();
      await log.heard('events');
      t.deepEqual(
        log.lines.map((line) => line.replace(/^\d+ /, '')),
        [`delete ${prefix}a`],
      );
      await log.stop();
    },
  },
];
