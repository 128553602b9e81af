/**
 * What others do to the kernel is answered at once, and at most every half second however much they do.
 * Events come from a queue, time from a clock that a test moves.
 */
import test from 'ava';
import { watchTampering } from '../../../../src/agent/dataplane/drivers/tamper-watch.js';
import { EventQueue } from '../../../../src/kernel/netlink/event-queue.js';
import { ManualClock } from '../../status/manual-clock.js';

function start(open: (queue: EventQueue<string>) => AsyncIterable<string> | undefined = (queue) => queue) {
  const stop = new AbortController();
  const clock = new ManualClock();
  const queues: EventQueue<string>[] = [];
  const broken: unknown[] = [];
  let told = 0;
  const ended = watchTampering<string>({
    events() {
      const queue = new EventQueue<string>({ capacity: 10, overrun: 'theirs', onEnd: () => {} });
      queues.push(queue);
      return open(queue);
    },
    isTampering: (event) => event === 'theirs',
    onTampered: () => {
      told += 1;
    },
    onBroken: (error) => broken.push(error),
    pause: (ms) => clock.pause(ms, stop.signal),
    signal: stop.signal,
  });
  return {
    ...{ clock, broken, ended },
    told: () => told,
    queue: () => queues.at(-1),
    async stop() {
      stop.abort();
      queues.at(-1)?.end();
      await ended;
    },
  };
}

test('watchTampering() tells at once of what others did, and not of what we did', async (t) => {
  const watch = start();
  watch.queue()?.push('ours');
  await watch.clock.advance(0);
  t.is(watch.told(), 0);
  watch.queue()?.push('theirs');
  await watch.clock.advance(0);
  t.is(watch.told(), 1);
  await watch.stop();
});

test('watchTampering() tells of many as two: at once, and once more when they had half a second', async (t) => {
  const watch = start();
  for (let count = 0; count < 100; count += 1) watch.queue()?.push('theirs');
  await watch.clock.advance(499);
  t.is(watch.told(), 1);
  await watch.clock.advance(1);
  t.is(watch.told(), 2);
  await watch.clock.advance(5_000);
  t.is(watch.told(), 2);
  await watch.stop();
});

test('watchTampering() looks again, and tells, after events were broken off', async (t) => {
  const watch = start();
  const error = new Error('ENOBUFS');
  watch.queue()?.end(error);
  await watch.clock.advance(9_999);
  t.deepEqual(watch.broken, [error]);
  t.is(watch.told(), 0);
  await watch.clock.advance(1);
  t.is(watch.told(), 1, 'what was missed is read back');
  watch.queue()?.push('theirs');
  await watch.clock.advance(500);
  t.is(watch.told(), 2);
  await watch.stop();
});

test('watchTampering() ends where there are no events', async (t) => {
  const watch = start(() => undefined);
  await watch.ended;
  t.is(watch.told(), 0);
});
