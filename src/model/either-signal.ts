/**
 * One signal for two, for waits that are many and short.
 *
 * AbortSignal.any leaves a trace in each of its sources that is collected with the source only (Node 20), so a loop that
 * waits with a signal of the whole process grows by every turn. This one takes its listeners away when it is disposed of.
 */
export interface EitherSignal extends Disposable {
  readonly signal: AbortSignal;
}

/** Aborted as soon as one of them is. */
export function eitherSignal(...sources: readonly AbortSignal[]): EitherSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const source of sources) {
    if (source.aborted) abort();
    source.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const source of sources) source.removeEventListener('abort', abort);
    },
  };
}
