/**
 * Law 7 on its way to the agent: whole commits and no step back, whenever a reader starts and whatever a
 * watch loses. The store in memory behind a link that breaks; stories, and random ones.
 */
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { createSyncer, type SyncerOptions } from '../../../src/agent/syncer/create-syncer.js';
import type { SyncerMessage } from '../../../src/agent/syncer/update.js';
import type { Datastore } from '../../../src/datastore/datastore.js';
import {
  createMemoryDatastore,
  type MemoryDatastore,
} from '../../../src/datastore/memory/memory-datastore.js';
import type { Revision, WriteOp } from '../../../src/model/store.js';
import { until } from '../../helpers/until.js';
import { HEAD, headValue, key, LETTERS, TXN, txnValue } from './helpers.js';

/** Listens to a syncer, and keeps what a calculation would have: the objects as of each batch. */
class Reader {
  readonly messages: SyncerMessage[] = [];
  readonly objects = new Map<string, string>();
  /** The objects after each batch, sorted, as one line. */
  readonly states: string[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(store: Datastore, options: Partial<SyncerOptions> = {}) {
    const syncer = createSyncer(store, LETTERS, {
      backoffMs: () => 1,
      ...options,
      signal: this.#stop.signal,
    });
    this.#ended = this.#listen(syncer);
  }

  get last(): Extract<SyncerMessage, { type: 'batch' }> | undefined {
    return this.messages.findLast((message) => message.type === 'batch');
  }

  async shows(state: string): Promise<void> {
    await until(() => this.states.at(-1) === state, { what: `"${state}", last: ${this.states.at(-1)}` });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #listen(syncer: AsyncIterable<SyncerMessage>): Promise<void> {
    for await (const message of syncer) {
      this.messages.push(message);
      if (message.type !== 'batch') continue;
      for (const { id, resource } of message.updates) {
        if (!id.startsWith('Profile/')) continue;
        const name = id.slice('Profile/'.length);
        if (resource === undefined) this.objects.delete(name);
        else this.objects.set(name, resource.metadata.labels.parts ?? '');
      }
      this.states.push(
        [...this.objects]
          .sort()
          .map(([name, parts]) => `${name}:${parts}`)
          .join(' '),
      );
    }
  }
}

type Writes = Readonly<Record<string, string | undefined>>;

/** One transaction; undefined deletes. */
async function write(store: Datastore, writes: Writes): Promise<Revision> {
  const ops = Object.entries(writes).map(
    ([name, value]): WriteOp =>
      value === undefined ? { op: 'delete', key: key(name) } : { op: 'put', key: key(name), value },
  );
  const result = await store.transact({ guards: [], writes: ops.map((op) => ({ write: op })) });
  if (!result.ok) throw new Error('no compare was given');
  return result.revision;
}

test('the first batch is the whole state, in sync, with heads and readiness; then one batch per change', async (t) => {
  const store = createMemoryDatastore();
  await write(store, {
    '/r/a/x': '1',
    '/r/b/x': '1',
    [HEAD]: headValue(1),
    '/r/v1/Ready': 'true',
    '/other': 'x',
  });
  const reader = new Reader(store);
  await reader.shows('a:x=1 b:x=1');
  t.is(reader.states.length, 1);
  t.like(reader.last, { ready: true, revision: 2 });
  t.is(reader.last?.heads.get('git')?.seq, 1);
  await write(store, { '/r/a/x': '2', '/r/b/x': undefined, [HEAD]: headValue(2) });
  await reader.shows('a:x=2');
  t.is(reader.states.length, 2);
  t.is(reader.last?.heads.get('git')?.seq, 2);
  await write(store, { '/r/v1/Ready': undefined });
  await until(() => reader.last?.ready === false);
  await reader.stop();
});

test('an empty store is in sync with nothing', async (t) => {
  const reader = new Reader(createMemoryDatastore());
  await until(() => reader.last);
  t.like(reader.last, { ready: false, updates: [] });
  await reader.stop();
});

test('a series is shown in one batch; what others write meanwhile is shown at once', async (t) => {
  const store = createMemoryDatastore();
  await write(store, { '/r/a/x': '1', '/r/b/x': '1', [HEAD]: headValue(1) });
  const reader = new Reader(store);
  await reader.shows('a:x=1 b:x=1');
  const base = store.revision;
  await write(store, { [TXN]: txnValue(base), '/r/a/x': '2' });
  await write(store, { '/r/w/x': 'runtime' });
  await reader.shows('a:x=1 b:x=1 w:x=runtime');
  t.is(reader.last?.heads.get('git')?.seq, 1);
  await write(store, { [TXN]: txnValue(base, 2), '/r/b/x': undefined });
  await write(store, { [TXN]: undefined, [HEAD]: headValue(2), '/r/c/x': '2' });
  await reader.shows('a:x=2 c:x=2 w:x=runtime');
  t.is(reader.states.length, 3);
  t.is(reader.last?.heads.get('git')?.seq, 2);
  await reader.stop();
});

test('a start in the middle of a series shows the commit before it, and what others wrote since', async (t) => {
  const store = createMemoryDatastore();
  const base = await write(store, { '/r/a/x': '1', '/r/b/x': '1', '/r/w/x': 'gone', [HEAD]: headValue(1) });
  await write(store, { [TXN]: txnValue(base), '/r/a/x': '2' });
  await write(store, { '/r/w/x': undefined });
  await write(store, { '/r/v/x': 'runtime', '/elsewhere': '1' });
  await write(store, { '/elsewhere': '2' });
  const reader = new Reader(store);
  await reader.shows('a:x=1 b:x=1 v:x=runtime');
  t.is(reader.states.length, 1, 'the past is not shown');
  await write(store, { [TXN]: undefined, [HEAD]: headValue(2), '/r/b/x': '2' });
  await reader.shows('a:x=2 b:x=2 v:x=runtime');
  t.is(reader.states.length, 2);
  await reader.stop();
});

test('a start in the middle of a series whose base is gone is not in sync, says so, and waits for its end', async (t) => {
  const store = createMemoryDatastore();
  const base = await write(store, { '/r/a/x': '1' });
  await write(store, { [TXN]: txnValue(base), '/r/a/x': '2' });
  store.compact(store.revision);
  const reader = new Reader(store);
  const interrupted = await until(() => reader.messages.find(({ type }) => type === 'interrupted'));
  t.true(interrupted.type === 'interrupted' && interrupted.reason.includes(`revision ${base} is gone`));
  t.is(reader.last, undefined);
  await write(store, { [TXN]: undefined, [HEAD]: headValue(1), '/r/b/x': '2' });
  await reader.shows('a:x=2 b:x=2');
  t.is(reader.messages.filter(({ type }) => type === 'interrupted').length, 1, 'said once');
  t.true(reader.messages.some(({ type }) => type === 'resumed'));
  await reader.stop();
});

const STRAY = '/r/heddle/v1/foo/txn';

for (const value of ['x', '{}', '{"seq":1,"commit":"c","base":0,"applied":0,"total":1}'])
  test(`a stray txn record that says ${value} keeps nobody from starting, and is named until it goes`, async (t) => {
    const store = createMemoryDatastore();
    await write(store, { '/r/a/x': '1', [HEAD]: headValue(1) });
    await write(store, { [STRAY]: value });
    await write(store, { '/r/a/x': '2' });
    const reader = new Reader(store);
    await reader.shows('a:x=2');
    t.deepEqual(
      reader.messages.filter(({ type }) => type === 'interrupted'),
      [],
    );
    const [problem] = problemsOf(reader);
    t.regex(problem ?? '', /^\/r\/heddle\/v1\/foo\/txn: .*source foo.*delete the key/);
    await write(store, { '/r/b/x': '1' });
    await reader.shows('a:x=2 b:x=1');
    await write(store, { [STRAY]: undefined });
    await until(() => problemsOf(reader).length === 0, { what: 'the end of the problem' });
    await reader.stop();
  });

test('a txn record that is spoiled while a reader follows is named, and again when it is another', async (t) => {
  const store = createMemoryDatastore();
  await write(store, { '/r/a/x': '1' });
  const reader = new Reader(store);
  await reader.shows('a:x=1');
  await write(store, { [STRAY]: 'x' });
  await until(() => problemsOf(reader).some((problem) => problem.includes('not JSON')));
  await write(store, { [STRAY]: '[]' });
  await until(() => problemsOf(reader).some((problem) => problem.includes('expected an object')));
  await write(store, { [STRAY]: txnValue(store.revision) });
  await until(() => problemsOf(reader).length === 0);
  await reader.stop();
  t.pass();
});

test('a start in the middle of a series whose txn record is spoiled shows the commit before it', async (t) => {
  const store = createMemoryDatastore();
  const base = await write(store, { '/r/a/x': '1', '/r/b/x': '1', [HEAD]: headValue(1) });
  await write(store, { [TXN]: txnValue(base), '/r/a/x': '2' });
  await write(store, { [TXN]: 'nonsense' });
  const reader = new Reader(store);
  await reader.shows('a:x=1 b:x=1');
  await write(store, { [TXN]: undefined, [HEAD]: headValue(2), '/r/b/x': '2' });
  await reader.shows('a:x=2 b:x=2');
  t.is(reader.states.filter((state) => state.includes('a:x=2 b:x=1')).length, 0);
  t.deepEqual(problemsOf(reader), []);
  await reader.stop();
});

test('a stray txn record from before history began is named as what keeps a reader from starting', async (t) => {
  const store = createMemoryDatastore();
  await write(store, { '/r/a/x': '1' });
  await write(store, { [STRAY]: 'x' });
  store.compact(await write(store, { '/r/a/x': '2' }));
  const reader = new Reader(store);
  const interrupted = await until(() => reader.messages.find(({ type }) => type === 'interrupted'));
  t.true(
    interrupted.type === 'interrupted' && interrupted.reason.includes(STRAY),
    JSON.stringify(interrupted),
  );
  await reader.stop();
});

/** What a calculation would know of problems. */
function problemsOf({ messages }: Reader): readonly string[] {
  const problems = new Map<string, string | undefined>();
  for (const message of messages)
    if (message.type === 'batch') for (const { id, problem } of message.updates) problems.set(id, problem);
  return [...problems.values()].filter((problem) => problem !== undefined);
}

test('after a gap only the differences are shown, deletions included', async (t) => {
  const store = createMemoryDatastore();
  await write(store, { '/r/a/x': '1', '/r/b/x': '1', '/r/c/x': '1' });
  const link = new BreakableStore(store);
  const reader = new Reader(link);
  await reader.shows('a:x=1 b:x=1 c:x=1');
  await link.loseHistory(async () => {
    await write(store, { '/r/a/x': '2', '/r/b/x': undefined });
    store.compact(await write(store, { '/r/d/x': '1' }));
  });
  await reader.shows('a:x=2 c:x=1 d:x=1');
  t.deepEqual(reader.last?.updates.map(({ id }) => id.slice('Profile/'.length)).sort(), ['a', 'b', 'd']);
  await reader.stop();
});

test('a periodic check finds what a watch has lost', async (t) => {
  const store = createMemoryDatastore();
  await write(store, { '/r/a/x': '1' });
  const reader = new Reader(new BreakableStore(store, { deaf: true }), { relistMs: () => 20 });
  await reader.shows('a:x=1');
  await write(store, { '/r/a/x': '2' });
  await reader.shows('a:x=2');
  await reader.stop();
  t.pass();
});

/** A store whose watches can be cut off, or hear nothing. */
class BreakableStore implements Datastore {
  readonly #store: MemoryDatastore;
  readonly #deaf: boolean;
  #cut = new AbortController();
  #gap = false;
  #mended: Promise<unknown> = Promise.resolve();

  constructor(store: MemoryDatastore, { deaf = false } = {}) {
    this.#store = store;
    this.#deaf = deaf;
  }

  /** Ends all watches with a gap, although nothing was missed. */
  async pretendGap(): Promise<void> {
    this.#gap = true;
    await this.loseHistory(() => setImmediate());
    this.#gap = false;
  }

  /** Ends all watches, runs `meanwhile`, and lets them find that they missed it. */
  async loseHistory(meanwhile: () => Promise<unknown>): Promise<void> {
    this.#mended = meanwhile();
    this.#cut.abort();
    this.#cut = new AbortController();
    await this.#mended;
  }

  async *watch(...[prefix, options]: Parameters<Datastore['watch']>): ReturnType<Datastore['watch']> {
    let { from } = options;
    while (!options.signal.aborted) {
      const signal = AbortSignal.any([options.signal, this.#cut.signal]);
      for await (const message of this.#store.watch(prefix, { from, signal })) {
        if (this.#deaf) continue;
        if (message.type === 'events') from = (message.revision + 1) as Revision;
        yield message;
        if (message.type === 'gap') return;
      }
      await this.#mended;
      if (this.#gap) return yield { type: 'gap', reason: 'compacted', message: 'pretended' };
    }
  }

  get: Datastore['get'] = (name) => this.#store.get(name);
  snapshot: Datastore['snapshot'] = (prefix, options) => this.#store.snapshot(prefix, options);
  transact: Datastore['transact'] = (transaction) => this.#store.transact(transaction);
  grantLease: Datastore['grantLease'] = (ttl) => this.#store.grantLease(ttl);
  close = (): Promise<void> => this.#store.close();
  [Symbol.asyncDispose] = (): Promise<void> => this.#store.close();
}

type Step =
  | { readonly type: 'commit'; readonly parts: number }
  | { readonly type: 'runtime'; readonly name: string; readonly gone: boolean }
  | { readonly type: 'gap' }
  | { readonly type: 'start' };

const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('commit' as const), parts: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      type: fc.constant('runtime' as const),
      name: fc.constantFrom('/r/v/x', '/r/w/x'),
      gone: fc.boolean(),
    }),
    fc.record({ type: fc.constant('gap' as const) }),
    fc.record({ type: fc.constant('start' as const) }),
  ),
  { minLength: 1, maxLength: 12 },
);

const COMMITTED = ['a', 'b', 'c', 'd'];

test('law: whole commits, no step back, and in the end the whole state, whenever readers start and watches break', async (t) => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const store = createMemoryDatastore();
      const link = new BreakableStore(store);
      const readers: Reader[] = [];
      let seq = 0;
      const play = async (step: Step): Promise<void> => {
        if (step.type === 'start') readers.push(new Reader(link));
        else if (step.type === 'runtime')
          await write(store, { [step.name]: step.gone ? undefined : String(store.revision) });
        else if (step.type === 'gap') await link.loseHistory(() => forget(store));
        else await commit(store, ++seq, step.parts, link);
      };
      for (const step of [{ type: 'commit', parts: 1 } as const, ...history, { type: 'start' } as const])
        await play(step);
      await write(store, { '/r/z/end': '1' });
      for (const reader of readers) await until(() => reader.objects.has('z'));
      const { entries } = await store.snapshot('/r/');
      for (const reader of readers) {
        t.is(reader.objects.size, [...entries.keys()].filter((name) => /^\/r\/[a-z]\//.test(name)).length);
        for (const state of reader.states) checkWhole(t, state);
        checkForward(t, reader.states);
        t.is(reader.last?.heads.get('git')?.seq, seq);
        t.is(reader.objects.get('a'), `x=${seq}`);
        await reader.stop();
      }
    }),
    { numRuns: 60 },
  );
});

/**
 * Sets four objects to the number of the commit, in as many transactions as asked; in between others write, and
 * the history is lost, or only the connection.
 */
async function commit(
  store: MemoryDatastore,
  seq: number,
  parts: number,
  link: BreakableStore,
): Promise<void> {
  const base = store.revision;
  const values = (names: readonly string[]): Writes =>
    Object.fromEntries(names.map((name) => [`/r/${name}/x`, String(seq)]));
  for (let part = 0; part < parts - 1; part++) {
    await write(store, { [TXN]: txnValue(base, part), ...values(COMMITTED.slice(part, part + 1)) });
    await write(store, { '/r/v/x': String(store.revision) });
    await setImmediate();
    if (part === 1) await (seq % 2 ? link.pretendGap() : link.loseHistory(() => forget(store)));
    await setImmediate();
  }
  const rest = values(COMMITTED.slice(parts - 1));
  await write(store, { ...(parts > 1 && { [TXN]: undefined }), [HEAD]: headValue(seq), ...rest });
}

/** Compacts the store beyond what any watch has read. */
async function forget(store: MemoryDatastore): Promise<void> {
  await write(store, { '/elsewhere': '1' });
  await write(store, { '/elsewhere': '2' });
  store.compact(store.revision);
}

/** All four objects of a commit are of the same commit. */
function checkWhole(t: { true(value: boolean, message: string): unknown }, state: string): void {
  const seqs = new Set(Array.from(state.matchAll(/[abcd]:x=(\d+)/g), ([, seq]) => seq));
  t.true(seqs.size === 1, `half a commit: ${state}`);
}

/** What others wrote is never shown older than it was shown before. */
function checkForward(
  t: { true(value: boolean, message: string): unknown },
  states: readonly string[],
): void {
  for (const name of ['v', 'w']) {
    const shown = states.flatMap((state) => state.match(`${name}:x=(\\d+)`)?.[1] ?? []).map(Number);
    t.true(
      shown.every((value, index) => value >= (shown[index - 1] ?? 0)),
      `a step back: ${states.join(' | ')}`,
    );
  }
}
