/**
 * Gathers the evidence for watch-guarantees.ts: what a reader was told, what a writer was promised, and what happened.
 *
 * The history is asked of the store itself, one read at every revision, so that no watch has to be trusted. A gap
 * ends one record and begins another; a store that was replaced has another history, and the test reads that too.
 */

import type { Datastore } from '../../src/datastore/datastore.js';
import { follow } from '../../src/datastore/follow.js';
import { pause } from '../../src/datastore/pause.js';
import type { KeyEvent, Revision, Snapshot, WriteOp } from '../../src/model/store.js';
import { until } from './until.js';
import { type Acknowledged, eventsOf, type Heard, type WatchRecord } from './watch-guarantees.js';

interface Era {
  readonly start: Snapshot;
  readonly reason: string;
  readonly heard: Heard[];
}

/** Follows a prefix, and keeps what it is told. */
export class WatchRecorder implements AsyncDisposable {
  readonly eras: Era[] = [];
  readonly #prefix: string;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(store: Datastore, prefix: string) {
    this.#prefix = prefix;
    this.#ended = this.#listen(store);
  }

  get heard(): readonly Heard[] {
    return this.eras.flatMap(({ heard }) => heard);
  }

  count(type: Heard['type']): number {
    return this.heard.filter((message) => message.type === type).length;
  }

  /** The last revision that it knows, by snapshot or by event. */
  get revision(): number {
    const era = this.eras.at(-1);
    return eventsOf(era?.heard ?? []).at(-1)?.revision ?? era?.start.revision ?? 0;
  }

  async reaches(revision: Revision, timeoutMs = 30_000): Promise<void> {
    await until(() => this.revision >= revision, { what: `the reader to reach ${revision}`, timeoutMs });
  }

  /** The records of eras `from` to `to` (exclusive), which belong to one store and its history. */
  records(history: StoreHistory, writer: LoggingWriter, from = 0, to = this.eras.length): WatchRecord[] {
    return this.eras.slice(from, to).map(({ start, heard }, index, eras): WatchRecord => {
      const before = eras[index - 1];
      const last = index + from === this.eras.length - 1 ? history.last : eventsOf(heard).at(-1)?.revision;
      return {
        prefix: this.#prefix,
        start,
        heard,
        history: history.revisions,
        until: last ?? start.revision,
        acknowledged: writer.acknowledged,
        ...(before && { before: eventsOf(before.heard).at(-1)?.revision ?? before.start.revision }),
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #listen(store: Datastore): Promise<void> {
    const backoffMs = () => 20;
    for await (const message of follow(store, this.#prefix, { signal: this.#stop.signal, backoffMs })) {
      if (message.type === 'snapshot')
        this.eras.push({ start: message.snapshot, reason: message.reason, heard: [] });
      else this.eras.at(-1)?.heard.push(message);
    }
  }
}

/** What happened in a store, as the store itself tells: one read at every revision. */
export class StoreHistory {
  readonly revisions = new Map<Revision, readonly KeyEvent[]>();
  last: Revision;
  readonly #store: Datastore;
  readonly #prefix: string;
  #state: Snapshot['entries'] | undefined;

  /** @param from the first revision that is read. */
  constructor(store: Datastore, prefix: string, from: Revision) {
    this.#store = store;
    this.#prefix = prefix;
    this.last = from;
  }

  /** Reads on; to be called before that history is compacted away. */
  async readTo(last: Revision): Promise<void> {
    this.#state ??= await this.#at(this.last);
    const read = 16;
    while (this.last < last) {
      const count = Math.min(read, last - this.last);
      const wanted = Array.from({ length: count }, (_, index) => (this.last + index + 1) as Revision);
      const states = await Promise.all(wanted.map((revision) => this.#at(revision)));
      for (const [index, revision] of wanted.entries()) this.#take(revision, states[index] ?? new Map());
    }
  }

  async #at(revision: Revision): Promise<Snapshot['entries']> {
    return (await this.#store.snapshot(this.#prefix, { revision })).entries;
  }

  #take(revision: Revision, state: Snapshot['entries']): void {
    const events: KeyEvent[] = [];
    for (const [key, entry] of state)
      if (entry.modRevision === revision) events.push({ type: 'put', key, entry });
    for (const key of this.#state?.keys() ?? []) if (!state.has(key)) events.push({ type: 'delete', key });
    if (events.length > 0) this.revisions.set(revision, events);
    this.#state = state;
    this.last = revision;
  }
}

export interface WriterOptions {
  /** The transaction of each round. */
  readonly writes: (round: number) => readonly WriteOp[];
  /** Between two transactions, in ms. */
  readonly paceMs: number;
}

/** Writes without pause, and keeps what was acknowledged; what is refused or not answered is none of its business. */
export class LoggingWriter implements AsyncDisposable {
  readonly acknowledged: Acknowledged[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(store: Datastore, options: WriterOptions) {
    this.#ended = this.#write(store, options);
  }

  /** Waits until so many more transactions were acknowledged. */
  async writes(more: number): Promise<void> {
    const goal = this.acknowledged.length + more;
    await until(() => this.acknowledged.length >= goal, { what: 'the writer to get on', timeoutMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #write(store: Datastore, { writes, paceMs }: WriterOptions): Promise<void> {
    for (let round = 0; !this.#stop.signal.aborted; round += 1) {
      const ops = writes(round);
      const transaction = { guards: [], writes: ops.map((write) => ({ write })) };
      const result = await store.transact(transaction).catch(() => undefined);
      if (result?.ok) this.acknowledged.push({ revision: result.revision, writes: ops });
      await pause(paceMs, this.#stop.signal);
    }
  }
}
