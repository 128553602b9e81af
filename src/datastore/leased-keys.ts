/**
 * Keys that are there as long as their writer is.
 *
 * They hang on one lease. Once it is lost (the store was away for longer than its time to live), its keys are gone,
 * and the next write gets a new one.
 */

import type { StoreKey } from '../model/store.js';
import { type Datastore, DatastoreError, type Lease } from './datastore.js';

export class LeasedKeys {
  readonly #store: Pick<Datastore, 'grantLease' | 'transact'>;
  readonly #ttlSeconds: number;
  readonly #onLost: () => void;
  #lease: Promise<Lease> | undefined;

  /** `onLost` is called when the keys are, or must be assumed to be, gone. */
  constructor(
    store: Pick<Datastore, 'grantLease' | 'transact'>,
    options: { readonly ttlSeconds: number; readonly onLost: () => void },
  ) {
    this.#store = store;
    this.#ttlSeconds = options.ttlSeconds;
    this.#onLost = options.onLost;
  }

  /** @throws {DatastoreError} */
  async put(key: StoreKey, value: string): Promise<void> {
    const current = this.#currentLease();
    const { id } = await current;
    const write = { op: 'put', key, value, lease: id } as const;
    try {
      await this.#store.transact({ guards: [], writes: [{ write }] });
    } catch (error) {
      // The store may know sooner than the lease's keeper.
      if (error instanceof DatastoreError && error.code === 'lease-not-found') this.#forget(current);
      throw error;
    }
  }

  /** Removes the keys now. */
  async close(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await (await lease)?.revoke();
  }

  #currentLease(): Promise<Lease> {
    this.#lease ??= this.#grant();
    return this.#lease;
  }

  #grant(): Promise<Lease> {
    const granting: Promise<Lease> = this.#store.grantLease(this.#ttlSeconds).then(
      (lease) => {
        lease.lost.addEventListener('abort', () => this.#forget(granting), { once: true });
        return lease;
      },
      (error: unknown) => {
        if (this.#lease === granting) this.#lease = undefined;
        throw error;
      },
    );
    return granting;
  }

  /** Only while it is the current one: its keeper may hear of its end after it has a successor. */
  #forget(lease: Promise<Lease>): void {
    if (this.#lease !== lease) return;
    this.#lease = undefined;
    this.#onLost();
  }
}
