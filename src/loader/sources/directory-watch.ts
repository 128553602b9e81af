/**
 * Tells when a folder may have changed.
 *
 * Editors and git write in bursts, so events are gathered until there is a pause. Some changes cause no event at all
 * (a ConfigMap swaps a link in a folder that is not watched, a network file system), so the folder is also read
 * again from time to time and its version compared.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FSWatcher, watch } from 'chokidar';
import { eitherSignal } from '../../model/either-signal.js';
import { isCandidateFile, isSkippedFolder } from './candidate.js';

export interface WatchFolderOptions {
  readonly rescanMs: number;
  readonly signal: AbortSignal;
  /** The version of the folder as it is now. */
  version(): Promise<string>;
}

/** No version of a folder. */
const NEVER_READ = '';

/** A pause this long ends a burst, in ms. */
const DEBOUNCE_MS = 200;

/** Yields once at the start, and then whenever the version is another than before. Ends when the signal is aborted. */
export async function* watchFolder(folder: string, options: WatchFolderOptions): AsyncIterable<void> {
  const { rescanMs, signal, version } = options;
  const bell = new Bell(signal);
  const watcher = openWatcher(folder, bell);
  try {
    // Whatever happened since the reader last looked is over: no version is known, so the first one is news.
    let known: string | undefined = NEVER_READ;
    while (!signal.aborted) {
      const rang = await bell.wait(rescanMs);
      if (signal.aborted) return;
      if (rang) await bell.quiet(DEBOUNCE_MS);
      // A folder that cannot be read now is a change too: whoever reads it will say so.
      const current = await version().catch(() => undefined);
      if (current === known) continue;
      known = current;
      if (!signal.aborted) yield;
    }
  } finally {
    await watcher.close();
  }
}

function openWatcher(folder: string, bell: Bell): FSWatcher {
  const watcher = watch(folder, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path, stats) => {
      if (path === folder) return false;
      const name = path.slice(path.lastIndexOf('/') + 1);
      return stats?.isFile() ? !isCandidateFile(name) : isSkippedFolder(name) && !isCandidateFile(name);
    },
  });
  // An error (too many watches) leaves the re-reading, which needs none.
  // What changed while the watch was being set up caused no event, so `ready` counts as one.
  return watcher
    .on('ready', () => bell.ring())
    .on('all', () => bell.ring())
    .on('error', () => bell.ring());
}

/** Something to wait for that other code rings. */
class Bell {
  readonly #signal: AbortSignal;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until the next ring, which may have been already; false when none came in time. */
  async wait(ms: number): Promise<boolean> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (!this.#rung) {
      using either = eitherSignal(this.#signal, woken.signal);
      await pause(ms, either.signal);
    }
    this.#wake = undefined;
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }

  /** Until nothing has rung for so long. */
  async quiet(ms: number): Promise<void> {
    while ((await this.wait(ms)) && !this.#signal.aborted);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
