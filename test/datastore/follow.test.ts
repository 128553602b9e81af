/**
 * A reader has either every event or a new snapshot and the reason for it, and hears of each trouble once.
 * Against a store that answers by a script, and the one in memory.
 */
import test from 'ava';
import { type Datastore, DatastoreError, type WatchMessage } from '../../src/datastore/datastore.js';
import {
  type EarlierRead,
  type FollowMessage,
  type FollowOptions,
  follow,
} from '../../src/datastore/follow.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import type { Revision, Snapshot } from '../../src/model/store.js';
import { until } from '../helpers/until.js';
import { put, revision, write } from './helpers.js';

/** A store that answers by a script, one answer per call; an exhausted script ends the listener. */
function scripted(
  snapshots: readonly (Revision | DatastoreError)[],
  watches: readonly (readonly WatchMessage[])[] = [],
): { store: Datastore; asked: string[] } {
  const asked: string[] = [];
  const answers = [...snapshots];
  const streams = [...watches];
  const store: Datastore = {
    ...createMemoryDatastore(),
    async snapshot(prefix, options) {
      asked.push(`snapshot ${prefix} ${options?.revision ?? 'now'}`);
      const answer = answers.shift() ?? new DatastoreError('closed', 'the script is over');
      if (answer instanceof DatastoreError) throw answer;
      return { revision: options?.revision ?? answer, entries: new Map() };
    },
    async *watch(prefix, { from }) {
      asked.push(`watch ${prefix} ${from}`);
      yield* streams.shift() ?? [];
    },
  };
  return { store, asked };
}

async function collect(store: Datastore, options: Partial<FollowOptions> = {}): Promise<FollowMessage[]> {
  const messages: FollowMessage[] = [];
  const { signal } = new AbortController();
  const sleep = async (): Promise<void> => undefined;
  for await (const message of follow(store, '/p/', { signal, sleep, ...options })) messages.push(message);
  return messages;
}

const GAP: WatchMessage = { type: 'gap', reason: 'compacted', message: 'history is gone' };
const EVENTS: WatchMessage = { type: 'events', revision: revision(12), events: [] };

test('follow() gives a snapshot, then what a watch from the next revision says', async (t) => {
  const interrupted: WatchMessage = { type: 'interrupted', reason: 'x' };
  const { store, asked } = scripted([revision(10)], [[EVENTS, interrupted, { type: 'resumed' }]]);
  const messages = await collect(store);
  t.deepEqual(asked.slice(0, 2), ['snapshot /p/ now', 'watch /p/ 11']);
  t.deepEqual(
    messages.map(({ type }) => type),
    ['snapshot', 'events', 'interrupted', 'resumed'],
  );
});

test('follow() answers a gap with a new snapshot, and says why', async (t) => {
  const { store, asked } = scripted([revision(10), revision(30)], [[EVENTS, GAP], []]);
  const messages = await collect(store);
  t.deepEqual(asked.slice(0, 4), ['snapshot /p/ now', 'watch /p/ 11', 'snapshot /p/ now', 'watch /p/ 31']);
  const reasons = messages.flatMap((message) => (message.type === 'snapshot' ? message.reason : []));
  t.deepEqual(reasons, ['start', 'history is gone']);
});

test('follow() tries a failed snapshot again, waits longer each time, and reports each cause once', async (t) => {
  const away = new DatastoreError('unavailable', 'away');
  const denied = new DatastoreError('permission-denied', 'denied');
  const { store } = scripted([away, away, denied, revision(10), away, revision(11)], [[], []]);
  const waits: number[] = [];
  const messages = await collect(store, {
    backoffMs: (failures) => failures * 100,
    sleep: async (ms) => void waits.push(ms),
  });
  t.deepEqual(waits, [100, 200, 300, 100]);
  t.deepEqual(
    messages.map((message) => (message.type === 'interrupted' ? message.reason : message.type)),
    ['away', 'denied', 'resumed', 'snapshot', 'away', 'resumed', 'snapshot'],
  );
});

test('follow() says resumed when a snapshot ends the outage that a watch reported', async (t) => {
  const away: WatchMessage = { type: 'interrupted', reason: 'away' };
  const { store } = scripted([revision(10), revision(20)], [[away, GAP], []]);
  const messages = await collect(store);
  t.deepEqual(
    messages.map(({ type }) => type),
    ['snapshot', 'interrupted', 'resumed', 'snapshot'],
  );
});

test('follow() slows down when one gap follows the other', async (t) => {
  const revisions = [10, 20, 30, 40, 50].map(revision);
  const { store } = scripted(revisions, [[GAP], [GAP], [GAP], [EVENTS, GAP], [GAP]]);
  const waits: number[] = [];
  await collect(store, { backoffMs: (failures) => failures, sleep: async (ms) => void waits.push(ms) });
  t.deepEqual(waits, [1, 2]);
});

test('follow() reads at an earlier revision when the reader asks for it, and goes back as far as it must', async (t) => {
  const { store, asked } = scripted([revision(30), revision(0), revision(0)], [[]]);
  const bases = new Map([
    [30, revision(20)],
    [20, revision(15)],
  ]);
  const readAt = (snapshot: Snapshot): EarlierRead | undefined => {
    const at = bases.get(snapshot.revision);
    return at && { revision: at, reason: 'a test' };
  };
  const [first] = await collect(store, { readAt });
  t.deepEqual(asked.slice(0, 4), ['snapshot /p/ now', 'snapshot /p/ 20', 'snapshot /p/ 15', 'watch /p/ 16']);
  t.true(first?.type === 'snapshot' && first.snapshot.revision === 15 && first.latest?.revision === 30);
});

test('follow() takes a new snapshot when the periodic check is due, and ends when aborted', async (t) => {
  const store = createMemoryDatastore();
  const due: (() => void)[] = [];
  const stop = new AbortController();
  const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (ms === 777) due.push(resolve);
      signal.addEventListener('abort', () => resolve());
    });
  const messages: FollowMessage[] = [];
  const ended = (async () => {
    const options = { signal: stop.signal, relistMs: () => 777, sleep };
    for await (const message of follow(store, '/p/', options)) messages.push(message);
  })();
  await until(() => due.length === 1);
  await write(store, put('/p/a', '1'));
  await until(() => messages.length === 2);
  due[0]?.();
  await until(() => messages.length === 3);
  t.like(messages[2], { type: 'snapshot', reason: 'periodic check' });
  stop.abort();
  await t.notThrowsAsync(ended);
});

test('follow() ends when the store is closed', async (t) => {
  const store = createMemoryDatastore();
  await store.close();
  t.deepEqual(await collect(store), []);
});
