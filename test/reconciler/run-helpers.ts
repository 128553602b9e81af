/** Reconcilers that run in this process, against any store, and what they said last. */

import type { Datastore } from '../../src/datastore/datastore.js';
import { pause } from '../../src/datastore/pause.js';
import { createLayout } from '../../src/layout/create-layout.js';
import type { Source } from '../../src/loader/sources/source.js';
import type { Log } from '../../src/model/log.js';
import { type ReconcilerOptions, runReconciler } from '../../src/reconciler/reconciler.js';
import { INITIAL_STATE, type ReconcilerState } from '../../src/reconciler/reconciler-state.js';
import { until } from '../helpers/until.js';

export const LAYOUT = createLayout();

export class RunningReconciler implements AsyncDisposable {
  state: ReconcilerState = INITIAL_STATE;
  /** Every phase that was entered, in order. */
  readonly phases: string[] = [];
  /** What it logs for people (info), with its fields. */
  readonly said: (readonly [message: string, fields: unknown])[] = [];
  readonly #log: Log = {
    debug: () => {},
    info: (message, fields) => this.said.push([message, fields]),
    warn: () => {},
    error: () => {},
  };
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  /** `sleep`: how to wait, instead of really. */
  constructor(source: Source, store: Datastore, options: Partial<ReconcilerOptions> = {}, sleep = pause) {
    const deps = {
      source,
      store,
      layout: LAYOUT,
      now: () => new Date(),
      random: Math.random,
      sleep,
      log: this.#log,
    };
    const defaults: ReconcilerOptions = {
      name: 'default',
      node: 'host-1',
      lead: 'auto',
      intervalMs: 20,
      leaseSeconds: 5,
      pruneApproved: false,
      onState: (state) => {
        if (state.phase !== this.state.phase) this.phases.push(state.phase);
        this.state = state;
      },
    };
    this.#done = runReconciler(deps, { ...defaults, ...options }, this.#stop.signal);
  }

  /** Waits until the store holds this commit, and the reconciler knows. */
  async live(commit: string): Promise<void> {
    await until(() => this.state.phase === 'live' && this.state.good === commit, {
      what: `${commit} to be live`,
    });
  }

  async applied(reason: string): Promise<void> {
    await until(() => this.state.conditions.Applied.reason === reason, { what: `Applied to be ${reason}` });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
