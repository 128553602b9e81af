/** What calls and leases do when etcd hangs, runs full or goes away. */
import test from 'ava';
import { until } from '../helpers/until.js';
import { contents, key, put, revision, WatchLog, write } from './helpers.js';
import { withEtcd } from './scene.js';

test(
  'close() ends calls that a hanging server has not answered',
  withEtcd({}, async (t, { etcd, store }) => {
    await store.get(key('/a'));
    etcd.freeze();
    const call = t.throwsAsync(store.get(key('/a')), { code: 'closed' });
    const writing = t.throwsAsync(write(store, put('/a', '1')), { code: 'closed' });
    const log = new WatchLog(store, '/w/', revision(2));
    await store.close();
    await Promise.all([call, writing, log.ended]);
    etcd.thaw();
  }),
);

test(
  'a full store refuses writes as no-space; reads and watches go on; it heals without a restart',
  withEtcd({ flags: ['--quota-backend-bytes', '4194304'] }, async (t, { etcd, store }) => {
    const log = new WatchLog(store, '/w/', revision(2));
    await log.reached(await write(store, put('/w/a', '1')));
    const filler = 'x'.repeat(500_000);
    const fill = async (): Promise<void> => {
      for (let count = 0; count < 40; count++) await write(store, put('/fill', `${count}${filler}`));
    };
    await t.throwsAsync(fill(), { code: 'no-space', message: /alarm disarm/ });
    t.deepEqual(await contents(store, '/w/'), { '/w/a': '1' });
    const deleted = await store.transact({
      guards: [],
      writes: [{ write: { op: 'delete', key: key('/w/a') } }],
    });
    t.true(deleted.ok);
    await until(() => log.lines.length === 2);
    const { revision: now } = await store.get(key('/w/a'));
    await etcd.ctl('compaction', String(now));
    await etcd.ctl('defrag');
    await etcd.ctl('alarm', 'disarm');
    await log.reached(await write(store, put('/w/a', '2')));
    t.false(log.messages.some(({ type }) => type === 'interrupted'));
    await log.stop();
  }),
);

test(
  'a full store refuses a transaction of thousands of writes too',
  withEtcd({ flags: ['--quota-backend-bytes', '4194304'] }, async (t, { store }) => {
    const value = 'x'.repeat(500);
    const commit = (round: number) =>
      write(store, ...Array.from({ length: 1500 }, (_, index) => put(`/w/${index}`, `${round}${value}`)));
    let taken = 0;
    const fill = async (): Promise<void> => {
      for (; taken < 20; taken += 1) await commit(taken);
    };
    await t.throwsAsync(fill(), { code: 'no-space' });
    t.true(taken >= 2, `${taken} fit`);
  }),
);

test(
  'a lease is kept alive beyond its time to live, and is lost in time when the server is away',
  withEtcd({}, async (t, { store, link, other }) => {
    const granted = performance.now();
    const lease = await store.grantLease(10);
    await write(store, put('/l', '1', undefined, lease.id));
    await until(() => performance.now() - granted > 15_000);
    t.false(lease.lost.aborted);
    t.is((await other.get(key('/l'))).entry?.value, '1');
    link.break();
    await until(() => lease.lost.aborted);
    await until(async () => (await other.get(key('/l'))).entry === undefined);
  }),
);

test(
  'a scope that holds a lease and fails because the store is away fails with that, and with nothing else',
  withEtcd({}, async (t, { store, link }) => {
    const scope = async (): Promise<void> => {
      await using _lease = await store.grantLease(60);
      link.break();
      await write(store, put('/w/a', '1'));
    };
    const error = await t.throwsAsync(scope(), { code: 'unavailable' });
    t.regex(error?.message ?? '', /^writing 1 keys/);
  }),
);

test(
  'a lease that was revoked by others is lost',
  withEtcd({}, async (t, { etcd, store }) => {
    const lease = await store.grantLease(60);
    await etcd.ctl('lease', 'revoke', BigInt(lease.id).toString(16));
    await until(() => lease.lost.aborted);
    t.like(lease.lost.reason, { code: 'lease-not-found' });
  }),
);

test(
  'a page of large values is read in halves',
  withEtcd({}, async (t, { store }) => {
    const value = 'x'.repeat(1_200_000);
    const names = Array.from({ length: 60 }, (_, index) => `/large/${index}`);
    await Promise.all(names.map((name) => write(store, put(name, value))));
    const { entries } = await store.snapshot('/large/');
    t.is(entries.size, 60);
    t.true([...entries.values()].every((entry) => entry.value === value));
  }),
);
