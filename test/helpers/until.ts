/** Awaiting a condition instead of sleeping. */
import { env } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

/** How many times as long as usual everything is waited for: an emulated machine is that much slower. */
export const PATIENCE = Number(env.HEDDLE_TEST_PATIENCE ?? 1);

export interface UntilOptions {
  readonly timeoutMs?: number;
  /** Named in the error when the time is up. */
  readonly what?: string;
}

/**
 * Resolves with the first value of `condition` that is neither undefined nor false; asks again every few ms.
 * @throws {Error} after `timeoutMs` (default 30 s: machines are slow) times PATIENCE, naming what was awaited.
 */
export async function until<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  options: UntilOptions = {},
): Promise<T> {
  const timeoutMs = (options.timeoutMs ?? 30_000) * PATIENCE;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline)
      throw new Error(`gave up after ${timeoutMs} ms waiting for ${options.what ?? condition.toString()}`);
    await pause(5);
  }
}
