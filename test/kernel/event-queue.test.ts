/** The queue between a socket that pushes and a reader that awaits. */
import test from 'ava';
import { EventQueue } from '../../src/kernel/netlink/event-queue.js';

function makeQueue(capacity = 3) {
  let ends = 0;
  const queue = new EventQueue<string>({ capacity, overrun: 'overrun', onEnd: () => (ends += 1) });
  return { queue, ends: () => ends };
}

test('EventQueue gives a waiting reader the next event, and keeps events for a later one', async (t) => {
  const { queue } = makeQueue();
  const [first, second] = [queue.next(), queue.next()];
  for (const event of ['a', 'b', 'c', 'd']) queue.push(event);
  t.deepEqual(await Promise.all([first, second, queue.next(), queue.next()]), [
    { done: false, value: 'a' },
    { done: false, value: 'b' },
    { done: false, value: 'c' },
    { done: false, value: 'd' },
  ]);
});

test('EventQueue replaces everything unread by one overrun when it is full', async (t) => {
  const { queue } = makeQueue(2);
  for (const event of ['a', 'b', 'c', 'd']) queue.push(event);
  queue.end();
  const seen: string[] = [];
  for await (const event of queue) seen.push(event);
  t.deepEqual(seen, ['overrun', 'd']);
});

test('EventQueue ends after what is unread, and ends its source once', async (t) => {
  const { queue, ends } = makeQueue();
  queue.push('a');
  queue.end();
  queue.end();
  queue.push('too late');
  t.deepEqual(await queue.next(), { done: false, value: 'a' });
  t.deepEqual(await queue.next(), { done: true, value: undefined });
  t.is(ends(), 1);
});

test('EventQueue throws a failure to the reader, once', async (t) => {
  const { queue } = makeQueue();
  const waiting = queue.next();
  queue.end(new Error('the socket broke'));
  await t.throwsAsync(waiting, { message: 'the socket broke' });
  t.deepEqual(await queue.next(), { done: true, value: undefined });
});

test('EventQueue ends its source when the reader leaves the loop', async (t) => {
  const { queue, ends } = makeQueue();
  queue.push('a');
  queue.push('b');
  for await (const _ of queue) break;
  t.is(ends(), 1);
  t.deepEqual(await queue.next(), { done: true, value: undefined });
});
