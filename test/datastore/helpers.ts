/** Short ways to write transactions and to listen to watches in tests. */
import type { Datastore, WatchMessage } from '../../src/datastore/datastore.js';
import type { Compare, GuardedWrite, LeaseId, Revision, StoreKey } from '../../src/model/store.js';
import { until } from '../helpers/until.js';

export const key = (text: string): StoreKey => text as StoreKey;
export const revision = (number: number): Revision => number as Revision;
export const absent = (text: string): Compare => ({ key: key(text), check: 'absent' });
export const unchanged = (text: string, at: Revision): Compare => ({
  key: key(text),
  check: 'mod-revision',
  revision: at,
});

export function put(text: string, value: string, compare?: Compare, lease?: LeaseId): GuardedWrite {
  const write = { op: 'put', key: key(text), value, ...(lease !== undefined && { lease }) } as const;
  return { write, ...(compare && { compare }) };
}

export function del(text: string, compare?: Compare): GuardedWrite {
  return { write: { op: 'delete', key: key(text) }, ...(compare && { compare }) };
}

/** Writes without guards, and returns the revision. */
export async function write(store: Datastore, ...writes: readonly GuardedWrite[]): Promise<Revision> {
  const result = await store.transact({ guards: [], writes });
  if (!result.ok) throw new Error('a compare did not hold');
  return result.revision;
}

/** Writes to a store that is just coming back; may so write twice. */
export function writeEventually(store: Datastore, ...writes: readonly GuardedWrite[]): Promise<Revision> {
  return until(() => write(store, ...writes).catch(() => undefined), { what: 'a write to succeed' });
}

/** What a snapshot holds, as an object. */
export async function contents(
  store: Datastore,
  prefix: string,
  at?: Revision,
): Promise<Record<string, string>> {
  const { entries } = await store.snapshot(prefix, at === undefined ? {} : { revision: at });
  return Object.fromEntries([...entries].map(([name, entry]) => [name, entry.value]));
}

export type EventsMessage = Extract<WatchMessage, { type: 'events' }>;

/** A watch that runs in the background and keeps what it heard. */
export class WatchLog {
  readonly messages: WatchMessage[] = [];
  readonly #stop = new AbortController();
  /** Settles when the watch has ended. */
  readonly ended: Promise<void>;

  constructor(store: Datastore, prefix: string, from: Revision) {
    this.ended = this.#listen(store.watch(prefix, { from, signal: this.#stop.signal }));
  }

  get revisions(): EventsMessage[] {
    return this.messages.filter((message) => message.type === 'events');
  }

  /** One line per event: `12 put /a/1 x`. */
  get lines(): string[] {
    return this.revisions.flatMap(({ revision: at, events }) =>
      events.map((event) =>
        event.type === 'put' ? `${at} put ${event.key} ${event.entry.value}` : `${at} delete ${event.key}`,
      ),
    );
  }

  async heard(type: WatchMessage['type']): Promise<WatchMessage> {
    return until(() => this.messages.find((message) => message.type === type), {
      what: `a watch to say ${type}`,
      timeoutMs: 20_000,
    });
  }

  /** Waits until everything up to `at` below the prefix was heard; something must have been written there. */
  async reached(at: Revision): Promise<void> {
    const seen = (): boolean => (this.revisions.at(-1)?.revision ?? 0) >= at;
    await until(seen, { what: `a watch to reach revision ${at}`, timeoutMs: 30_000 });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #listen(watch: AsyncIterable<WatchMessage>): Promise<void> {
    for await (const message of watch) this.messages.push(message);
  }
}
