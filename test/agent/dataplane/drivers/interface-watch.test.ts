import test from 'ava';
import { watchInterfaces } from '../../../../src/agent/dataplane/drivers/interface-watch.js';
import { FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { until } from '../../../helpers/until.js';

const NEVER_MS = 3_600_000;
const BROKEN = new Error('ENOBUFS: the socket is of no more use');

/** Pauses last until they are ended by hand. */
function start(rtnetlink = new FakeRtNetlink()) {
  const stop = new AbortController();
  const counts = { resyncs: 0, changes: 0 };
  const pauses: number[] = [];
  const reasons: unknown[] = [];
  let time = 0;
  let endPause = () => {};
  stop.signal.addEventListener('abort', () => endPause());
  const watch = watchInterfaces({
    rtnetlink,
    interfacePrefix: 'cali',
    drivers: [{ queueResync: () => (counts.resyncs += 1) }],
    onChange: () => (counts.changes += 1),
    onBroken: (error) => reasons.push(error),
    resyncMs: NEVER_MS,
    pollMs: NEVER_MS,
    now: () => time,
    pause: (ms) => {
      pauses.push(ms);
      return new Promise((resolve) => {
        endPause = resolve;
      });
    },
    signal: stop.signal,
  });
  return {
    ...{ rtnetlink, watch, counts, pauses, reasons },
    pass: (ms: number) => (time += ms),
    retry: () => endPause(),
    async stop() {
      stop.abort();
      await watch.ended;
    },
  };
}

test('watchInterfaces() starts a monitor that broke again, and reads back what it missed', async (t) => {
  const { rtnetlink, watch, counts, pauses, reasons, retry, stop } = start();
  t.deepEqual(watch.problems(), []);
  rtnetlink.breakEvents(BROKEN);
  await until(() => pauses.length === 1, { what: 'the pause' });
  t.deepEqual(reasons, [BROKEN]);
  t.deepEqual(watch.problems(), [
    {
      object: 'interfaces',
      message: 'not watched, will be tried again: ENOBUFS: the socket is of no more use',
    },
  ]);
  t.deepEqual(counts, { resyncs: 0, changes: 1 }, 'the problem is to be reported');

  rtnetlink.addLink('cali1');
  retry();
  await until(() => counts.resyncs === 1, { what: 'the read-back' });
  t.deepEqual(watch.problems(), []);
  rtnetlink.addLink('cali2');
  await until(() => counts.resyncs === 2, { what: 'the event' });
  await stop();
});

test('watchInterfaces() waits longer after each attempt, and begins anew once one has held', async (t) => {
  const { rtnetlink, watch, pauses, pass, retry, stop } = start();
  rtnetlink.eventsRefused = 8;
  rtnetlink.breakEvents(BROKEN);
  for (let attempt = 1; attempt <= 9; attempt += 1) {
    await until(() => pauses.length === attempt, { what: `attempt ${attempt}` });
    t.is(watch.problems().length, 1);
    retry();
  }
  t.deepEqual(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  await until(() => watch.problems().length === 0, { what: 'the watch' });
  pass(10_000);
  rtnetlink.breakEvents(BROKEN);
  await until(() => pauses.length === 10, { what: 'the next pause' });
  t.is(pauses.at(-1), 100);
  await stop();
});

test('watchInterfaces() tries again when events cannot be had from the start', async (t) => {
  const rtnetlink = new FakeRtNetlink();
  rtnetlink.eventsRefused = 1;
  const { watch, pauses, counts, retry, stop } = start(rtnetlink);
  await until(() => pauses.length === 1, { what: 'the pause' });
  t.is(watch.problems()[0]?.message, 'not watched, will be tried again: EPERM');
  retry();
  await until(() => counts.resyncs === 1, { what: 'the read-back' });
  rtnetlink.addLink('cali1');
  await until(() => counts.resyncs === 2, { what: 'the event' });
  await stop();
});

test('watchInterfaces() ends with its signal, in a pause too, and says nothing then', async (t) => {
  const { rtnetlink, pauses, reasons, stop } = start();
  rtnetlink.breakEvents(BROKEN);
  await until(() => pauses.length === 1, { what: 'the pause' });
  await stop();
  const another = start();
  await another.stop();
  t.deepEqual(another.reasons, []);
  t.is(reasons.length, 1);
});
