/**
 * Waiting between attempts: exponential, capped, with jitter, so that a thousand agents that lost the same
 * server do not come back in step. Timers run on the monotonic clock; a wall clock that jumps changes nothing.
 */
import { setTimeout as timeout } from 'node:timers/promises';

export interface BackoffLimits {
  /** Longest wait after the first failure. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Milliseconds to wait after `failures` failures in a row (from 1): between half and all of the doubled base. */
export function backoffMs(failures: number, limits: BackoffLimits, random = Math.random): number {
  const ceiling = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(failures - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** Resolves after `ms`, or as soon as `signal` is aborted; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await timeout(ms, undefined, { signal }).catch(() => undefined);
}
