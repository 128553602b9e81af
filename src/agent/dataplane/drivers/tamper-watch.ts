/**
 * Hears of changes that others make, and has them put right at once.
 *
 * Read-backs on a timer find everything sooner or later; this is for sooner. So where the kernel has no events, or
 * they cannot be had, nothing fails: what is lost is time. Who changes things again and again is answered at once
 * the first time, and then every half second.
 */

export interface TamperWatchOptions<T> {
  /** undefined: this kernel has no such events. @throws when they cannot be had */
  readonly events: (signal: AbortSignal) => AsyncIterable<T> | undefined;
  readonly isTampering: (event: T) => boolean;
  /** Have it read back. Called also when events may have been missed. */
  readonly onTampered: () => void;
  /** Events cannot be had, for the moment. */
  readonly onBroken: (error: unknown) => void;
  /** Resolves after so many ms, and when the signal is aborted. */
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly signal: AbortSignal;
}

const CALM_MS = 500;
const RETRY_MS = 10_000;

/** Resolves after the signal. */
export async function watchTampering<T>(options: TamperWatchOptions<T>): Promise<void> {
  const { events, isTampering, onTampered, onBroken, pause, signal } = options;
  const tell = atMostEvery(CALM_MS, pause, onTampered);
  while (!signal.aborted) {
    try {
      const source = events(signal);
      if (!source) return;
      for await (const event of source) if (isTampering(event)) tell();
    } catch (error) {
      onBroken(error);
    }
    if (signal.aborted) return;
    await pause(RETRY_MS);
    tell();
  }
}

/** The first call acts at once; those that come too soon afterwards act as one, later. */
function atMostEvery(
  intervalMs: number,
  pause: TamperWatchOptions<unknown>['pause'],
  act: () => void,
): () => void {
  let resting = false;
  let again = false;
  const call = (): void => {
    if (resting) {
      again = true;
      return;
    }
    resting = true;
    act();
    void pause(intervalMs).then(() => {
      resting = false;
      if (again) {
        again = false;
        call();
      }
    });
  };
  return call;
}
