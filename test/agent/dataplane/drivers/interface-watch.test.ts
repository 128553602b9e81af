/**
 * A watch that breaks is begun again, later and later, and what it missed is read back. Against a kernel in
 * memory, with a clock that a test moves.
 */
import test from 'ava';
import { watchInterfaces } from '../../../../src/agent/dataplane/drivers/interface-watch.js';
import { FakeRtNetlink } from '../../../helpers/fake-rtnetlink.js';
import { ManualClock } from '../../status/manual-clock.js';

const NEVER_MS = 3_600_000;
const BROKEN = new Error('ENOBUFS: the socket is of no more use');

function start(rtnetlink = new FakeRtNetlink()) {
  const stop = new AbortController();
  const clock = new ManualClock();
  const counts = { resyncs: 0, changes: 0 };
  const reasons: unknown[] = [];
  const watch = watchInterfaces({
    rtnetlink,
    interfacePrefix: 'cali',
    drivers: [{ queueResync: () => (counts.resyncs += 1) }],
    onChange: () => (counts.changes += 1),
    onBroken: (error) => reasons.push(error),
    resyncMs: NEVER_MS,
    pollMs: NEVER_MS,
    now: () => clock.monotonic(),
    pause: (ms) => clock.pause(ms, stop.signal),
    signal: stop.signal,
  });
  return {
    ...{ rtnetlink, clock, watch, counts, reasons },
    isWatching: () => watch.problems().length === 0,
    async stop() {
      stop.abort();
      await watch.ended;
    },
  };
}

test('watchInterfaces() starts a monitor that broke again, and reads back what it missed', async (t) => {
  const { rtnetlink, clock, watch, counts, reasons, stop } = start();
  t.deepEqual(watch.problems(), []);
  rtnetlink.breakEvents(BROKEN);
  await clock.advance(99);
  t.deepEqual(reasons, [BROKEN]);
  t.deepEqual(watch.problems(), [
    {
      object: 'interfaces',
      message: 'not watched, will be tried again: ENOBUFS: the socket is of no more use',
    },
  ]);
  t.deepEqual(counts, { resyncs: 0, changes: 1 }, 'the problem is to be reported');

  rtnetlink.addLink('cali1');
  await clock.advance(1);
  t.deepEqual(watch.problems(), []);
  t.deepEqual(counts, { resyncs: 1, changes: 2 });
  rtnetlink.addLink('cali2');
  await clock.advance(0);
  t.is(counts.resyncs, 2, 'events come again');
  await stop();
});

test('watchInterfaces() waits longer after each attempt, and begins anew once one has held', async (t) => {
  const { rtnetlink, clock, isWatching, stop } = start();
  rtnetlink.eventsRefused = 8;
  rtnetlink.breakEvents(BROKEN);
  await clock.advance(0);
  for (const pause of [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]) {
    const refused = rtnetlink.eventsRefused;
    await clock.advance(pause - 1);
    t.is(rtnetlink.eventsRefused, refused, `not before ${pause} ms`);
    t.false(isWatching());
    await clock.advance(1);
  }
  t.true(isWatching());
  await clock.advance(10_000);
  rtnetlink.breakEvents(BROKEN);
  await clock.advance(99);
  t.false(isWatching());
  await clock.advance(1);
  t.true(isWatching());
  await stop();
});

test('watchInterfaces() tries again when events cannot be had from the start', async (t) => {
  const rtnetlink = new FakeRtNetlink();
  rtnetlink.eventsRefused = 1;
  const { clock, watch, counts, stop } = start(rtnetlink);
  await clock.advance(0);
  t.is(watch.problems()[0]?.message, 'not watched, will be tried again: EPERM');
  await clock.advance(100);
  rtnetlink.addLink('cali1');
  await clock.advance(0);
  t.deepEqual(watch.problems(), []);
  t.is(counts.resyncs, 2);
  await stop();
});

test('watchInterfaces() ends with its signal, in a pause too, and says nothing then', async (t) => {
  const broken = start();
  broken.rtnetlink.breakEvents(BROKEN);
  await broken.clock.advance(0);
  await broken.stop();
  t.is(broken.reasons.length, 1);
  const sound = start();
  await sound.stop();
  t.deepEqual(sound.reasons, []);
});
