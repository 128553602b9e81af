/**
 * Time, as an argument.
 *
 * Two clocks, because a wall clock jumps: timestamps that people read come from the one, intervals from the other.
 */
import { setTimeout as timeout } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment, never backwards. */
  monotonic(): number;
  /** Resolves after `ms` (Infinity: never), or as soon as `signal` is aborted; never rejects. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** Longer delays overflow the timers of Node and fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  async pause(ms, signal) {
    await timeout(Math.min(ms, LONGEST_TIMEOUT_MS), undefined, { signal }).catch(() => undefined);
  },
};
