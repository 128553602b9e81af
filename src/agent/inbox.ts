/**
 * What has happened since the agent looked last: batches from the store, and reasons to read the kernel back.
 *
 * The agent applies one thing at a time. Whatever arrives meanwhile waits here and is taken as one, so that a
 * burst of commits costs one pass over the kernel and not one for each.
 */
import type { UpdateBatch } from './syncer/update.js';

export interface Work {
  readonly batches: readonly UpdateBatch[];
  /** Read everything back before comparing. */
  readonly resync: boolean;
  /** Something in the kernel changed, and its driver knows: compare, even though the store said nothing. */
  readonly repair: boolean;
  readonly storeAway: string | undefined;
}

export class Inbox {
  #batches: UpdateBatch[] = [];
  #resync = false;
  #repair = false;
  #storeAway: string | undefined;
  #wake: (() => void) | undefined;
  #pending = false;
  #closed = false;

  addBatch(batch: UpdateBatch): void {
    if (this.#closed) return;
    this.#batches.push(batch);
    this.#notify();
  }

  requestResync(): void {
    this.#resync = true;
    this.#notify();
  }

  requestRepair(): void {
    this.#repair = true;
    this.#notify();
  }

  /** There is something to report, and nothing to do. */
  requestReport(): void {
    this.#notify();
  }

  /** Nobody reads any more: what arrives is dropped. */
  close(): void {
    this.#closed = true;
    this.#batches = [];
    this.#wake = undefined;
  }

  /** @param reason why the store cannot be reached; undefined when it can be again. */
  setStoreAway(reason: string | undefined): void {
    if (this.#storeAway === reason) return;
    this.#storeAway = reason;
    this.#notify();
  }

  /** Takes everything; waits until there is something, `waitMs` have passed, or the signal is aborted. */
  async take(waitMs: number, signal: AbortSignal): Promise<Work> {
    if (!this.#pending && !signal.aborted) await this.#sleep(waitMs, signal);
    const work = {
      batches: this.#batches,
      resync: this.#resync,
      repair: this.#repair,
      storeAway: this.#storeAway,
    };
    this.#batches = [];
    this.#resync = false;
    this.#repair = false;
    this.#pending = false;
    return work;
  }

  #sleep(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal.addEventListener('abort', done);
      this.#wake = done;
    });
  }

  #notify(): void {
    this.#pending = true;
    this.#wake?.();
  }
}
