/**
 * Writes what this host says of itself to the store, where `heddle status` and `heddle wait` read it.
 *
 * The key is leased: a host that is gone, or cut off, has no status rather than an old one. Changes within a second
 * are written as one, and a status that only confirms an earlier one is written once a minute: a thousand hosts that
 * verify every ten seconds would otherwise keep the store busy with saying that nothing happened. BGP sessions have a
 * key of their own: in a mesh of a thousand hosts they are some 300 kB a host, so the longer the text, the rarer.
 *
 * Calico's own status key (etcd-keys: felix/v1/host/<h>/status) is written beside it when an interval is set.
 */

import type { Datastore } from '../../datastore/datastore.js';
import { LeasedKeys } from '../../datastore/leased-keys.js';
import { escapeName } from '../../layout/escape.js';
import type { Layout } from '../../layout/layout.js';
import type { HostSessions, HostStatus } from '../../layout/records.js';
import { backoffMs } from '../../model/backoff.js';
import { eitherSignal } from '../../model/either-signal.js';
import type { Log } from '../../model/log.js';
import type { StoreKey } from '../../model/store.js';
import type { Clock } from './clock.js';

export interface StatusReporterOptions {
  readonly store: Pick<Datastore, 'grantLease' | 'transact'>;
  readonly layout: Layout;
  readonly node: string;
  readonly log: Log;
  readonly clock: Clock;
}

/** How long a status outlives its host, in seconds. */
const LEASE_TTL_SECONDS = 30;
const SHORTEST_INTERVAL_MS = 1_000;
const CONFIRM_INTERVAL_MS = 60_000;
const RETRY = { firstMs: 1_000, maxMs: 30_000 };

/** What a host may write of its sessions, on average, in bytes a ms. */
const SESSIONS_RATE = 4;

/** A record as text, and the part of it that is news when it changes. */
interface Written {
  readonly text: string;
  readonly news: string;
}

/** A key, what should be there, and what was written last. */
interface Entry {
  readonly key: StoreKey;
  wanted: Written | undefined;
  written: Written | undefined;
  lastWriteAt: number;
}

export class StatusReporter {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #keys: LeasedKeys;
  readonly #status: Entry;
  readonly #sessions: Entry;
  readonly #felixKey: StoreKey;
  readonly #startedAt: number;
  #wake = new AbortController();
  #notBefore = 0;
  #failures = 0;
  #felixIntervalMs = 0;
  #felixDueAt = 0;
  #felixWrites = 0;

  constructor({ store, layout, node, log, clock }: StatusReporterOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#status = entryAt(layout.keys.hostStatus(node));
    this.#sessions = entryAt(layout.keys.hostSessions(node));
    this.#felixKey = `${layout.root}/felix/v1/host/${escapeName(node)}/status` as StoreKey;
    this.#startedAt = clock.monotonic();
    this.#keys = new LeasedKeys(store, { ttlSeconds: LEASE_TTL_SECONDS, onLost: () => this.#rewrite() });
  }

  /** What the host says from now on. Cheap: writing happens in `run`. */
  report(status: HostStatus, sessions: HostSessions): void {
    const { verifiedAt: _, ...lasting } = status;
    this.#status.wanted = { text: JSON.stringify(status), news: JSON.stringify(lasting) };
    // How many routes a session carries changes with every workload anywhere.
    const news = sessions.sessions.map(({ imported, exported, ...session }) => session);
    if (sessions.sessions.length > 0 || this.#sessions.written)
      this.#sessions.wanted = { text: JSON.stringify(sessions), news: JSON.stringify(news) };
    this.#stir();
  }

  /** How often Calico's status key is written, in ms; 0: never. */
  setFelixInterval(intervalMs: number): void {
    if (intervalMs === this.#felixIntervalMs) return;
    this.#felixIntervalMs = intervalMs;
    this.#felixDueAt = this.#clock.monotonic();
    this.#stir();
  }

  /** Writes until the signal is aborted, then removes the keys. Failures are logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs =
        Math.min(this.#dueAt(this.#status), this.#dueAt(this.#sessions), this.#felixDue()) -
        this.#clock.monotonic();
      if (waitMs > 0) {
        using either = eitherSignal(signal, this.#wake.signal);
        await this.#clock.pause(waitMs, either.signal);
      } else await this.#writeWhatIsDue();
    }
    await this.#keys
      .close()
      .catch((error) => this.#log.warn('status lease not ended', { error: String(error) }));
  }

  #stir(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  #rewrite(): void {
    for (const entry of [this.#status, this.#sessions]) entry.written = undefined;
    this.#felixDueAt = this.#clock.monotonic();
    this.#stir();
  }

  #dueAt({ wanted, written, lastWriteAt }: Entry): number {
    if (!wanted || wanted.text === written?.text) return Number.POSITIVE_INFINITY;
    const isNews = wanted.news !== written?.news;
    const interval = isNews ? SHORTEST_INTERVAL_MS : CONFIRM_INTERVAL_MS;
    return Math.max(this.#notBefore, lastWriteAt + Math.max(interval, wanted.text.length / SESSIONS_RATE));
  }

  #felixDue(): number {
    return this.#felixIntervalMs === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(this.#notBefore, this.#felixDueAt);
  }

  async #writeWhatIsDue(): Promise<void> {
    const now = this.#clock.monotonic();
    try {
      for (const entry of [this.#status, this.#sessions])
        if (this.#dueAt(entry) <= now) await this.#write(entry, now);
      if (this.#felixDue() <= now) await this.#writeFelixStatus(now);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#notBefore = now + backoffMs(this.#failures, RETRY, Math.random());
      this.#log.warn('status not written', { key: this.#status.key, error: String(error) });
    }
  }

  async #write(entry: Entry, now: number): Promise<void> {
    const { key, wanted } = entry;
    if (!wanted) return;
    // Noted first: a lease that is lost during the write makes it due again.
    entry.written = wanted;
    entry.lastWriteAt = now;
    try {
      await this.#keys.put(key, wanted.text);
    } catch (error) {
      entry.written = undefined;
      throw error;
    }
  }

  async #writeFelixStatus(now: number): Promise<void> {
    const uptime = Math.round((now - this.#startedAt) / 100) / 10;
    const time = `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
    await this.#keys.put(
      this.#felixKey,
      JSON.stringify({ time, uptime, first_update: this.#felixWrites === 0 }),
    );
    this.#felixWrites += 1;
    this.#felixDueAt = now + this.#felixIntervalMs;
  }
}

function entryAt(key: StoreKey): Entry {
  return { key, wanted: undefined, written: undefined, lastWriteAt: Number.NEGATIVE_INFINITY };
}
