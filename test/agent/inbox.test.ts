/** Nothing that arrives while the agent is at work is lost, and a burst of it is one turn of its loop. */
import test from 'ava';
import { Inbox } from '../../src/agent/inbox.js';
import type { UpdateBatch } from '../../src/agent/syncer/update.js';
import type { Revision } from '../../src/model/store.js';

const batch = (revision: number): UpdateBatch => ({
  updates: [],
  heads: new Map(),
  revision: revision as Revision,
  ready: true,
});
const never = new AbortController().signal;
const LONG_MS = 60_000;

test('take() gives everything that has arrived since the last time, in order', async (t) => {
  const inbox = new Inbox();
  inbox.addBatch(batch(1));
  inbox.addBatch(batch(2));
  t.deepEqual(
    (await inbox.take(LONG_MS, never)).batches.map(({ revision }) => Number(revision)),
    [1, 2],
  );
  inbox.requestRepair();
  const next = await inbox.take(LONG_MS, never);
  t.deepEqual([next.batches.length, next.repair, next.resync], [0, true, false]);
});

test('take() wakes up for what arrives while it waits', async (t) => {
  const inbox = new Inbox();
  const taken = inbox.take(LONG_MS, never);
  inbox.requestResync();
  t.true((await taken).resync);
});

test('take() returns empty-handed when the time is up, and when the signal is aborted', async (t) => {
  const inbox = new Inbox();
  t.is((await inbox.take(1, never)).batches.length, 0);
  const stop = new AbortController();
  const taken = inbox.take(LONG_MS, stop.signal);
  stop.abort();
  t.is((await taken).batches.length, 0);
});

test('that the store is away is told until it is back', async (t) => {
  const inbox = new Inbox();
  inbox.setStoreAway('no route');
  t.is((await inbox.take(LONG_MS, never)).storeAway, 'no route');
  inbox.requestRepair();
  t.is((await inbox.take(LONG_MS, never)).storeAway, 'no route');
  inbox.setStoreAway(undefined);
  t.is((await inbox.take(LONG_MS, never)).storeAway, undefined);
});
