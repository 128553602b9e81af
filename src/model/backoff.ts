/**
 * How long to wait between attempts: exponential, capped, with jitter, so that a thousand hosts that lost the same server
 * do not come back in step (PURE).
 */
export interface BackoffLimits {
  /** Longest wait after the first failure. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Milliseconds to wait after `failures` failures in a row (from 1): between half and all of the doubled base.
 *
 * @param jitter - where between the two, in [0, 1)
 */
export function backoffMs(failures: number, limits: BackoffLimits, jitter: number): number {
  const ceiling = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(failures - 1, 30));
  return ceiling / 2 + (jitter * ceiling) / 2;
}
