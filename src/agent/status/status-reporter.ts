/**
 * Writes what this host says of itself to the store, where `heddle status` and `heddle wait` read it.
 *
 * The key is leased: a host that is gone, or cut off, has no status rather than an old one. Changes within a second
 * are written as one, and a status that only confirms an earlier one is written once a minute: a thousand hosts that
 * verify every ten seconds would otherwise keep the store busy with saying that nothing happened.
 *
 * Calico's own status key (etcd-keys: felix/v1/host/<h>/status) is written beside it when an interval is set.
 */
import { backoffMs } from '../../datastore/backoff.js';
import type { Datastore } from '../../datastore/datastore.js';
import { LeasedKeys } from '../../datastore/leased-keys.js';
import { escapeName } from '../../layout/escape.js';
import type { Layout } from '../../layout/layout.js';
import type { HostStatus } from '../../layout/records.js';
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

/** A status as text, and the part of it that is news when it changes. */
interface Written {
  readonly text: string;
  readonly news: string;
}

export class StatusReporter {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #keys: LeasedKeys;
  readonly #statusKey: StoreKey;
  readonly #felixKey: StoreKey;
  readonly #startedAt: number;
  #wake = new AbortController();
  #wanted: Written | undefined;
  #written: Written | undefined;
  #notBefore = 0;
  #lastWriteAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #felixIntervalMs = 0;
  #felixDueAt = 0;
  #felixWrites = 0;

  constructor({ store, layout, node, log, clock }: StatusReporterOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#statusKey = layout.keys.hostStatus(node);
    this.#felixKey = `${layout.root}/felix/v1/host/${escapeName(node)}/status` as StoreKey;
    this.#startedAt = clock.monotonic();
    this.#keys = new LeasedKeys(store, { ttlSeconds: LEASE_TTL_SECONDS, onLost: () => this.#rewrite() });
  }

  /** What the host says from now on. Cheap: writing happens in `run`. */
  report(status: HostStatus): void {
    const { verifiedAt: _, ...lasting } = status;
    // How many routes a session carries changes with every workload anywhere.
    const sessions = status.sessions?.map(({ imported, exported, ...session }) => session);
    this.#wanted = { text: JSON.stringify(status), news: JSON.stringify({ ...lasting, sessions }) };
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
      const waitMs = Math.min(this.#statusDueAt(), this.#felixDue()) - this.#clock.monotonic();
      if (waitMs > 0) await this.#clock.pause(waitMs, AbortSignal.any([signal, this.#wake.signal]));
      else await this.#writeWhatIsDue();
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
    this.#written = undefined;
    this.#felixDueAt = this.#clock.monotonic();
    this.#stir();
  }

  #statusDueAt(): number {
    if (!this.#wanted || this.#wanted.text === this.#written?.text) return Number.POSITIVE_INFINITY;
    const isNews = this.#wanted.news !== this.#written?.news;
    const interval = isNews ? SHORTEST_INTERVAL_MS : CONFIRM_INTERVAL_MS;
    return Math.max(this.#notBefore, this.#lastWriteAt + interval);
  }

  #felixDue(): number {
    return this.#felixIntervalMs === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(this.#notBefore, this.#felixDueAt);
  }

  async #writeWhatIsDue(): Promise<void> {
    const now = this.#clock.monotonic();
    try {
      if (this.#statusDueAt() <= now) await this.#writeStatus(now);
      if (this.#felixDue() <= now) await this.#writeFelixStatus(now);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#notBefore = now + backoffMs(this.#failures, RETRY);
      this.#log.warn('status not written', { key: this.#statusKey, error: String(error) });
    }
  }

  async #writeStatus(now: number): Promise<void> {
    const wanted = this.#wanted;
    if (!wanted) return;
    // Noted first: a lease that is lost during the write makes it due again.
    this.#written = wanted;
    this.#lastWriteAt = now;
    try {
      await this.#keys.put(this.#statusKey, wanted.text);
    } catch (error) {
      this.#written = undefined;
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
