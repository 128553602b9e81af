/** How long to wait after a failure that may pass: doubling, with jitter, so that hosts do not come back as one. */

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

const RETRY_BACKOFF: Backoff = { firstMs: 500, maxMs: 10_000 };

/** `failures` from 1; `jitter` in [0, 1) spreads the delay over the upper half of its range. Result in ms. */
export function backoffMs(failures: number, jitter: number, backoff: Backoff = RETRY_BACKOFF): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (failures - 1));
  return Math.round(full * (0.5 + jitter / 2));
}
