/**
 * What a watch survives, and what it reports instead of losing it: fault by fault. watch-faults.test.ts has them
 * under load, and checks all that a watch promises.
 */
import test from 'ava';
import { until } from '../helpers/until.js';
import { key, put, revision, WatchLog, write, writeEventually } from './helpers.js';
import { withEtcd } from './scene.js';

test(
  'a link that breaks again between the registration of a watch and its backlog loses nothing',
  withEtcd({}, async (t, { store, link, other }) => {
    const log = new WatchLog(store, '/w/', revision(2));
    let last = await write(other, put('/w/a', '0'));
    await log.reached(last);
    const count = (type: string): number => log.messages.filter((message) => message.type === type).length;
    for (let round = 1; round <= 4; round++) {
      const interruptions = count('interrupted');
      link.break();
      await until(() => count('interrupted') > interruptions);
      last = await write(other, put('/w/a', String(round)));
      link.mend();
      // The backlog follows up to 100 ms after this; most rounds break in between.
      await until(() => count('resumed') === round);
    }
    await log.reached(last);
    t.deepEqual(
      log.lines.map((line) => line.split(' ')[3]),
      ['0', '1', '2', '3', '4'],
    );
    await log.stop();
  }),
);

const NERVOUS = { callTimeoutMs: 400, keepaliveMs: 300, keepaliveTimeoutMs: 300 };
/** Gives up on a call before it gives up on the connection. */
const PATIENT = { callTimeoutMs: 400, keepaliveMs: 1000, keepaliveTimeoutMs: 1000 };
const TOLERANT = ['--grpc-keepalive-min-time', '10ms'];

test(
  'a broken link is reported once, and what was written meanwhile is delivered after it',
  withEtcd({}, async (t, { store, link, other }) => {
    const log = new WatchLog(store, '/w/', revision(2));
    await log.reached(await write(other, put('/w/a', '1')));
    link.break();
    await log.heard('interrupted');
    const last = await write(other, put('/w/a', '2'));
    const error = await t.throwsAsync(store.get(key('/w/a')));
    t.like(error, { code: 'unavailable', retryable: true });
    link.mend();
    await log.reached(last);
    t.deepEqual(log.lines, ['2 put /w/a 1', '3 put /w/a 2']);
    t.is(log.messages.at(-2)?.type, 'resumed');
    await log.stop();
  }),
);

test(
  'a peer that falls silent is noticed by keepalive',
  withEtcd({ tuning: NERVOUS, flags: TOLERANT }, async (t, { store, link, other }) => {
    const log = new WatchLog(store, '/w/', revision(2));
    await log.reached(await write(other, put('/w/a', '1')));
    link.silence();
    await log.heard('interrupted');
    const last = await write(other, put('/w/a', '2'));
    await log.reached(last);
    t.is(log.lines.length, 2);
    await log.stop();
  }),
);

test(
  'a server that hangs times calls out, and goes on where it was',
  withEtcd({ tuning: PATIENT, flags: TOLERANT }, async (t, { etcd, store, other }) => {
    const log = new WatchLog(store, '/w/', revision(2));
    await log.reached(await write(other, put('/w/a', '1')));
    etcd.freeze();
    await t.throwsAsync(write(store, put('/w/b', '1')), {
      code: 'timeout',
      message: /may or may not have happened/,
    });
    await log.heard('interrupted');
    etcd.thaw();
    const last = await writeEventually(other, put('/w/a', '2'));
    await log.reached(last);
    await log.heard('resumed');
    t.is(new Set(log.lines).size, log.lines.length);
    await log.stop();
  }),
);

test(
  'a store that lost its data is noticed',
  withEtcd({}, async (t, { etcd, store, other }) => {
    for (let count = 0; count < 5; count++) await write(other, put('/w/a', String(count)));
    const log = new WatchLog(store, '/w/', revision(7));
    await log.reached(await write(other, put('/w/a', 'x')));
    await etcd.kill();
    await etcd.wipe();
    await etcd.start();
    const gap = await log.heard('gap');
    t.true(gap.type === 'gap' && gap.reason === 'store-replaced');
    t.regex(gap.type === 'gap' ? gap.message : '', /the store has not reached revision 7$/);
    await log.ended;
  }),
);

for (const [title, events] of [
  ['before', false],
  ['after', true],
] as const)
  test(
    `another store is noticed also when it is further than ours, ${title} the first event`,
    withEtcd({}, async (t, { etcd, store, link, other }) => {
      const last = await write(other, put('/w/a', 'ours'), put('/w/b', 'ours'));
      const log = new WatchLog(store, '/w/', revision(last + 1));
      // To be back once proves that the watch has looked at the store.
      link.break();
      await log.heard('interrupted');
      link.mend();
      await log.heard('resumed');
      if (events) await log.reached(await write(other, put('/w/a', 'ours too')));
      const interruptions = log.messages.length;
      link.break();
      await until(() => log.messages.length > interruptions);
      await etcd.kill();
      await etcd.wipe();
      await etcd.start();
      for (let count = 0; count < 20; count++) await write(other, put('/w/z', 'theirs'));
      link.mend();
      t.like(await log.heard('gap'), { reason: 'store-replaced' });
      await log.ended;
    }),
  );

test(
  'history that was compacted away during an outage is a gap',
  withEtcd({}, async (t, { etcd, store, link, other }) => {
    const log = new WatchLog(store, '/w/', revision(2));
    await log.reached(await write(other, put('/w/a', '1')));
    link.break();
    await log.heard('interrupted');
    await write(other, put('/w/a', '2'));
    const now = await write(other, put('/w/a', '3'));
    await etcd.ctl('compaction', String(now));
    link.mend();
    t.like(await log.heard('gap'), { reason: 'compacted' });
    t.deepEqual(log.lines, ['2 put /w/a 1']);
    await log.ended;
  }),
);

test(
  'progress of an idle watch saves it from a compaction',
  withEtcd(
    { flags: ['--experimental-watch-progress-notify-interval', '100ms'] },
    async (t, { etcd, store, link, other }) => {
      const log = new WatchLog(store, '/w/', revision(2));
      await log.reached(await write(other, put('/w/a', '1')));
      for (let count = 0; count < 10; count++) await write(other, put('/elsewhere', String(count)));
      const now = (await other.get(key('/elsewhere'))).revision;
      await until(() =>
        log.messages.some((message) => message.type === 'progress' && message.revision >= now),
      );
      await etcd.ctl('compaction', String(now));
      link.break();
      await log.heard('interrupted');
      const last = await write(other, put('/w/a', '2'));
      link.mend();
      await log.reached(last);
      t.false(log.messages.some(({ type }) => type === 'gap'));
      await log.stop();
    },
  ),
);
