/**
 * The state of the host in the log of its agent: a line whenever it is another, with what is wrong.
 *
 * `applying` is left out: every change begins with it, and it passes by itself.
 */
import { isDeepStrictEqual } from 'node:util';
import type { HostStatus } from '../../layout/records.js';
import type { Log } from '../../model/log.js';

type Told = Pick<HostStatus, 'state' | 'error' | 'sources'>;

export class StateLog {
  readonly #log: Log;
  #last: unknown;

  constructor(log: Log) {
    this.#log = log;
  }

  report({ state, error, sources }: Told): void {
    const told = { state, error, sources };
    if (state === 'applying' || isDeepStrictEqual(told, this.#last)) return;
    this.#last = told;
    const commits = Object.fromEntries(Object.entries(sources).map(([name, { commit }]) => [name, commit]));
    if (state === 'live') this.#log.info('host is live', { commits });
    else this.#log.warn(`host is ${state}`, { commits, ...(error !== undefined && { reason: error }) });
  }
}
