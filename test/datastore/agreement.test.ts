/** The memory store and a real etcd, given the same transactions, answer alike to the last revision. */
import test from 'ava';
import fc from 'fast-check';
import type { Datastore } from '../../src/datastore/datastore.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import type { Compare, GuardedWrite, Revision, Transaction } from '../../src/model/store.js';
import { startEtcd } from '../helpers/etcd.js';
import { absent, del, key, put, revision, WatchLog } from './helpers.js';

const NAMES = ['a', 'b', 'c', 'd'];

/** Compares speak of revisions since the start of a run, so that a shrunk run means the same. */
interface Choice {
  readonly name: string;
  readonly check: 'none' | 'absent' | 'mod' | 'create';
  readonly age: number;
  readonly value: string | undefined;
}

const choice = fc.record({
  name: fc.constantFrom(...NAMES),
  check: fc.constantFrom(
    'none' as const,
    'none' as const,
    'absent' as const,
    'mod' as const,
    'create' as const,
  ),
  age: fc.nat(3),
  value: fc.option(fc.constantFrom('1', '2', ''), { nil: undefined }),
});
const runs = fc.array(
  fc.record({
    guards: fc.array(choice, { maxLength: 2 }),
    writes: fc.uniqueArray(choice, { maxLength: 3, selector: ({ name }) => name }),
  }),
  { minLength: 1, maxLength: 8 },
);

function compareOf({ name, check, age }: Choice, prefix: string, now: Revision): Compare | undefined {
  const at = revision(now - age);
  if (check === 'none') return undefined;
  if (check === 'absent') return absent(prefix + name);
  return {
    key: key(prefix + name),
    check: check === 'mod' ? 'mod-revision' : 'create-revision',
    revision: at,
  };
}

function transactionOf(
  run: { guards: Choice[]; writes: Choice[] },
  prefix: string,
  now: Revision,
): Transaction {
  const guards = run.guards.flatMap((guard) => compareOf(guard, prefix, now) ?? []);
  const writes = run.writes.map((made): GuardedWrite => {
    const compare = compareOf(made, prefix, now);
    return made.value === undefined
      ? del(prefix + made.name, compare)
      : put(prefix + made.name, made.value, compare);
  });
  return { guards, writes };
}

/** Everything that can be seen of a run, revisions counted from its start. */
async function play(
  store: Datastore,
  prefix: string,
  run: readonly { guards: Choice[]; writes: Choice[] }[],
): Promise<unknown> {
  const start = (await store.get(key(prefix))).revision;
  let now = start;
  const seen: unknown[] = [];
  for (const step of run) {
    const result = await store.transact(transactionOf(step, prefix, now));
    if (result.ok) now = result.revision;
    const { entries } = await store.snapshot(prefix);
    const shown = Array.from(entries, ([name, { value, modRevision, createRevision }]) =>
      [name.slice(prefix.length), value, modRevision - start, createRevision - start].join(' '),
    );
    seen.push([result.ok, now - start, shown]);
  }
  const past: unknown[] = [];
  for (let at: number = start; at <= now; at++)
    past.push((await store.snapshot(prefix, { revision: revision(at) })).entries.size);
  return { seen, past, heard: await hear(store, prefix, start, now) };
}

async function hear(store: Datastore, prefix: string, start: Revision, now: Revision): Promise<string[][]> {
  if (now === start) return [];
  const log = new WatchLog(store, prefix, revision(start + 1));
  await log.reached(now);
  await log.stop();
  return log.revisions.map(({ revision: at, events }) =>
    events.map((event) => `${at - start} ${event.type} ${event.key.slice(prefix.length)}`).sort(),
  );
}

test('law: any sequence of transactions has the same results, revisions, past and events in both stores', async (t) => {
  const etcd = await startEtcd();
  const real = openEtcdDatastore(etcd.options);
  t.teardown(async () => {
    await real.close();
    await etcd.close();
  });
  const memory = createMemoryDatastore();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(runs, async (run) => {
      const prefix = `/run-${++count}/`;
      t.deepEqual(await play(real, prefix, run), await play(memory, prefix, run));
    }),
    { numRuns: 40 },
  );
});
