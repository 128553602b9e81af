/**
 * The loop: polls the source, follows the store, stands for leadership, and runs what the state machine asks for.
 *
 * It decides nothing. Events go into `reduce` one at a time; effects run beside each other and come back as
 * events; a step that the machine has left behind is aborted. Every host may run one: who does not lead plans
 * all the same, and so says whether the store holds what it would have written.
 */

import { DatastoreError } from '../datastore/datastore.js';
import { follow } from '../datastore/follow.js';
import { SourceError } from '../loader/sources/source.js';
import { backoffMs } from '../model/backoff.js';
import type { KeyEvent } from '../model/store.js';
import { AgreementReporter } from './agreement-reporter.js';
import { CONDITION_TYPES, type Conditions, listConditions } from './conditions.js';
import { campaign, type Leadership } from './leader.js';
import {
  INITIAL_STATE,
  type ReconcilerEffect,
  type ReconcilerEvent,
  type ReconcilerState,
} from './reconciler-state.js';
import { reportConditions } from './source-status.js';
import { RETRY, reduce } from './state-machine.js';
import { ReconcileSteps, type StepDeps, type StepOptions } from './steps.js';

export interface ReconcilerOptions extends StepOptions {
  /** Who we are, for the others to read. */
  readonly node: string;
  /** `never`: read and verify only. */
  readonly lead: 'auto' | 'never';
  /** Between two polls of the source, in ms; spread by a tenth either way. */
  readonly intervalMs: number;
  /** How long leadership outlives a leader that died, in seconds. */
  readonly leaseSeconds: number;
  /** Between two looks at the whole store, in ms, should its watch have lost something. */
  readonly relistMs?: () => number;
  /** Called after every transition. */
  readonly onState?: (state: ReconcilerState) => void;
}

/** Reasons of conditions that are not true, and nothing to worry about. */
const EXPECTED: ReadonlySet<string> = new Set(['Following', 'NotLeading', 'Applying']);

/** A server may lose events (etcd before 3.4.31 could): a lost one must not be drift for ever. */
const RELIST_MS = 600_000;

/** Runs until the signal is aborted. Rejects only for a fault of heddle itself. */
export async function runReconciler(
  deps: StepDeps,
  options: ReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  await new Reconciler(deps, options, signal).run();
}

class Reconciler {
  readonly #deps: StepDeps;
  readonly #options: ReconcilerOptions;
  readonly #steps: ReconcileSteps;
  /** Aborted when we are to stop, or something broke. */
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  #state = INITIAL_STATE;
  #step = new AbortController();
  #leadership: Leadership | undefined;
  #reported: Conditions | undefined;
  #reporting = false;
  readonly #agreements: AgreementReporter;
  #agreeing = false;
  #fault: unknown;

  constructor(deps: StepDeps, options: ReconcilerOptions, signal: AbortSignal) {
    this.#deps = deps;
    this.#options = options;
    this.#steps = new ReconcileSteps(deps, options, (event) => this.#dispatch(event));
    this.#agreements = new AgreementReporter({ ...deps, ...options });
    this.#signal = AbortSignal.any([signal, this.#stopping.signal]);
    this.#signal.addEventListener('abort', () => this.#step.abort(), { once: true });
  }

  async run(): Promise<void> {
    const { prefix, keys } = this.#deps.layout;
    this.#spawn(() => this.#followStore(prefix, (events) => this.#steps.concerns(events)));
    this.#spawn(() =>
      this.#followStore(keys.suspend, (events) => events.some(({ key }) => key === keys.suspend)),
    );
    this.#spawn(() => this.#pollSource());
    this.#spawn(() => this.#listenToSource());
    if (this.#options.lead === 'auto') this.#spawn(() => this.#standForLeader());
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#agreements.close();
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** What breaks in a task ends the loop, and is thrown by run(). */
  #spawn(task: () => Promise<void>): void {
    const running = task()
      .catch((error: unknown) => {
        this.#fault ??= error;
        this.#stopping.abort();
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #dispatch(event: ReconcilerEvent): void {
    if (this.#signal.aborted) return;
    const before = this.#state;
    const { state, effects } = reduce(before, event);
    this.#state = state;
    if (state.generation !== before.generation) {
      this.#step.abort();
      this.#step = new AbortController();
    }
    this.#logConditions(before.conditions, state.conditions);
    for (const effect of effects) this.#spawn(() => this.#run(effect));
    this.#options.onState?.(state);
    this.#report();
    this.#reportAgreement();
  }

  async #run(effect: ReconcilerEffect): Promise<void> {
    this.#dispatch(await this.#steps.run(effect, this.#leadership, this.#step.signal));
  }

  async #pollSource(): Promise<void> {
    const { sleep, random } = this.#deps;
    while (!this.#signal.aborted) {
      this.#dispatch({ type: 'poll' });
      await sleep(this.#options.intervalMs * (0.9 + 0.2 * random()), this.#signal);
    }
  }

  /** A source that can tell of changes spares us the wait for the next poll. */
  async #listenToSource(): Promise<void> {
    const { source, log } = this.#deps;
    try {
      for await (const _ of source.changes?.(this.#signal) ?? []) this.#dispatch({ type: 'poll' });
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      log.warn('source no longer tells of changes, polling goes on', { reason: error.message });
    }
  }

  /** A new snapshot may hide any change, so it counts as one later than all. */
  async #followStore(prefix: string, matters: (events: readonly KeyEvent[]) => boolean): Promise<void> {
    const { store, sleep, random } = this.#deps;
    const { relistMs = () => RELIST_MS * (0.9 + 0.2 * random()) } = this.#options;
    for await (const message of follow(store, prefix, { signal: this.#signal, sleep, relistMs })) {
      if (message.type === 'snapshot') {
        this.#dispatch({ type: 'store-changed', revision: Number.POSITIVE_INFINITY, jitter: random() });
      } else if (message.type === 'events' && matters(message.events)) {
        this.#dispatch({ type: 'store-changed', revision: message.revision, jitter: random() });
      }
    }
  }

  async #standForLeader(): Promise<void> {
    const { store, layout, now, sleep, random, log } = this.#deps;
    const { name, node, leaseSeconds: ttlSeconds } = this.#options;
    const options = { store, layout, name, node, ttlSeconds, now: () => now().toISOString() };
    let failures = 0;
    while (!this.#signal.aborted) {
      try {
        const leadership = await campaign(options, this.#signal);
        failures = 0;
        if (leadership) await this.#lead(leadership);
      } catch (error) {
        if (!(error instanceof DatastoreError)) throw error;
        failures += 1;
        if (failures === 1 && !this.#signal.aborted)
          log.warn('cannot stand for leadership', { reason: error.message });
        await sleep(backoffMs(failures, RETRY, random()), this.#signal);
      }
    }
  }

  /** Resolves when we no longer lead; steps down when we are to stop, so that others need not wait. */
  async #lead(leadership: Leadership): Promise<void> {
    this.#leadership = leadership;
    this.#reported = undefined;
    this.#dispatch({ type: 'leadership', leading: true });
    await aborted(AbortSignal.any([leadership.lost, this.#signal]));
    this.#leadership = undefined;
    this.#dispatch({ type: 'leadership', leading: false });
    await leadership.resign();
  }

  /** Conditions are told when the work has come to rest, or takes its time, by who leads. */
  #report(): void {
    const { phase, conditions, known } = this.#state;
    const isAtRest = phase === 'idle' || phase === 'live';
    const telling = isAtRest || conditions.Applied.reason === 'Applying';
    // Before that it may be newer than what the conditions speak of.
    const newest = isAtRest ? known : undefined;
    if (!telling || !this.#leadership || this.#reporting || this.#reported === conditions) return;
    this.#reporting = true;
    const leadership = this.#leadership;
    this.#spawn(async () => {
      try {
        const told = { conditions: listConditions(conditions), ...(newest !== undefined && { newest }) };
        await reportConditions(told, leadership, { ...this.#deps, ...this.#options });
        this.#reported = conditions;
      } catch (error) {
        if (!(error instanceof DatastoreError)) throw error;
        // The next transition tries again.
        this.#deps.log.warn('cannot report the state of the source', { reason: error.message });
        return;
      } finally {
        this.#reporting = false;
      }
      this.#report();
    });
  }

  #reportAgreement(): void {
    const { phase, agreement } = this.#state;
    if ((phase !== 'idle' && phase !== 'live') || this.#agreeing || !this.#agreements.wants(agreement))
      return;
    this.#agreeing = true;
    this.#spawn(() =>
      this.#agreements.tell().finally(() => {
        this.#agreeing = false;
      }),
    );
  }

  #logConditions(before: Conditions, after: Conditions): void {
    for (const type of CONDITION_TYPES) {
      const { status, reason, message } = after[type];
      if (before[type].reason === reason && before[type].message === message) continue;
      const level = status === 'True' || EXPECTED.has(reason) ? 'info' : 'warn';
      this.#deps.log[level]('condition changed', { condition: type, status, reason, message });
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
