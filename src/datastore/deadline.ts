/**
 * A signal with a time limit.
 *
 * Not `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: in Node 20 nothing holds the second of them, it is collected
 * with the rest of the garbage, and the limit never comes.
 */

/** Aborted with `signal`, or after `ms` with a TimeoutError. It keeps no process from ending. */
export function withDeadline(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException('the time is up', 'TimeoutError')), ms);
  timer.unref();
  const stop = () => {
    clearTimeout(timer);
    controller.abort(signal.reason);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true, signal: controller.signal });
  return controller.signal;
}
