/** A clock that stands still until it is told to go on. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../src/agent/status/clock.js';

export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #sleepers = new Set<{ readonly until: number; wake(): void }>();

  now(): number {
    return Date.UTC(2026, 10, 22, 10) + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { until: this.#elapsedMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        resolve();
      });
    });
  }

  /** Lets time pass, and what was due then run to its next wait. */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsedMs + ms;
    for (;;) {
      await settle();
      const next = [...this.#sleepers]
        .filter(({ until }) => until <= target)
        .sort((a, b) => a.until - b.until)[0];
      if (!next) break;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.until);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#elapsedMs = target;
  }
}

/** Lets everything run that waits for no timer. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await turn();
}
