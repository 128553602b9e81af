/**
 * Tells everybody whether this reconciler, leading or not, finds in the store what it would have written itself.
 *
 * The record lies under a lease of its own: who is gone verifies nothing. A verifier may have been given an etcd user
 * that cannot write; then its findings are in its log only.
 */
import { type Datastore, DatastoreError } from '../datastore/datastore.js';
import { LeasedKeys } from '../datastore/leased-keys.js';
import type { Layout } from '../layout/layout.js';
import { verifierCodec } from '../layout/records.js';
import type { Log } from '../model/log.js';
import type { Agreement } from './reconciler-state.js';

export interface AgreementOptions {
  readonly store: Datastore;
  readonly layout: Layout;
  readonly log: Log;
  /** Name of the source. */
  readonly name: string;
  readonly node: string;
  readonly now: () => Date;
  readonly leaseSeconds: number;
}

export class AgreementReporter {
  readonly #options: AgreementOptions;
  readonly #keys: LeasedKeys;
  #wanted: Agreement | undefined;
  #told: Agreement | undefined;
  #failed = false;

  constructor(options: AgreementOptions) {
    this.#options = options;
    const { store, leaseSeconds: ttlSeconds } = options;
    this.#keys = new LeasedKeys(store, { ttlSeconds, onLost: () => this.#forget() });
  }

  /** True when there is something to tell: then `tell` is to be called, by one at a time. */
  wants(agreement: Agreement | undefined): boolean {
    this.#wanted = agreement;
    return agreement !== undefined && agreement !== this.#told;
  }

  /** Until the newest is told. A store that does not take it is asked again at the next occasion. */
  async tell(): Promise<void> {
    const { layout, log, name, node, now } = this.#options;
    for (let next = this.#wanted; next && next !== this.#told; next = this.#wanted) {
      const record = { ...next, node, since: now().toISOString() };
      try {
        await this.#keys.put(layout.keys.verifier(name, node), verifierCodec.encode(record));
        this.#told = next;
        this.#failed = false;
      } catch (error) {
        if (!(error instanceof DatastoreError)) throw error;
        if (!this.#failed) log.warn('cannot tell the others what was verified', { reason: error.message });
        this.#failed = true;
        return;
      }
    }
  }

  /** Takes back what was told. */
  async close(): Promise<void> {
    await this.#keys.close().catch((error: unknown) => {
      // The lease runs out by itself.
      if (!(error instanceof DatastoreError)) throw error;
    });
  }

  #forget(): void {
    this.#told = undefined;
  }
}
