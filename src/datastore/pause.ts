/** Waiting between two tries, which a shutdown cuts short. */
import { setTimeout as timeout } from 'node:timers/promises';

/**
 * Resolves after `ms`, or as soon as `signal` is aborted; never rejects. Timers run on the monotonic clock: a wall clock
 * that jumps changes nothing.
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await timeout(ms, undefined, { signal }).catch(() => undefined);
}
