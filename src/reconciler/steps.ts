/**
 * The steps of a reconcile: what the state machine's effects do, and the events that they answer with.
 *
 * It holds what the machine only knows by name: the tree that was read, the last good state, the last plan. A
 * step whose signal was aborted has been superseded, and leaves nothing behind.
 */
import { type ApplyResult, applyPlan } from '../apply/apply.js';
import { movesHead } from '../apply/transaction.js';
import { type Datastore, DatastoreError } from '../datastore/datastore.js';
import type { Plan } from '../diff/plan-types.js';
import { summarizePlan } from '../diff/summary.js';
import type { Layout } from '../layout/layout.js';
import { ManifestCache } from '../loader/load.js';
import { type Source, SourceError, type SourceTree } from '../loader/sources/source.js';
import type { Log } from '../model/log.js';
import type { KeyEvent, StoreKey } from '../model/store.js';
import { summarizeConnectivity } from '../verify/render/connectivity.js';
import { planWithApproval } from './approved-plan.js';
import { type Consequences, consequencesOf, describeFailedTests, describeWidening } from './consequences.js';
import { type Desired, describeErrors, prepareDesired } from './desired.js';
import { judgePlan } from './judge.js';
import type { Leadership } from './leader.js';
import type { ReconcilerEffect, ReconcilerEvent } from './reconciler-state.js';
import { readSuspension } from './suspension.js';

export interface StepDeps {
  readonly source: Source;
  readonly store: Datastore;
  readonly layout: Layout;
  readonly now: () => Date;
  /** In [0, 1): spreads delays. */
  readonly random: () => number;
  /** Resolves after `ms`, or as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export interface StepOptions {
  /** Name of the source. */
  readonly name: string;
  readonly pruneApproved: boolean;
  /** Hold a commit by which anybody may say more than before. */
  readonly denyWidening?: boolean;
}

type EffectOf<T extends ReconcilerEffect['type']> = Extract<ReconcilerEffect, { type: T }>;

export class ReconcileSteps {
  readonly #deps: StepDeps;
  readonly #options: StepOptions;
  readonly #cache = new ManifestCache();
  #tree: SourceTree | undefined;
  #good: Desired | undefined;
  #keys: ReadonlySet<StoreKey> = new Set();
  #plan: Plan | undefined;
  #consequences: Consequences | undefined;
  readonly #emit: (event: ReconcilerEvent) => void;

  /** `emit` takes the events that are no answers: how far a step has come. */
  constructor(deps: StepDeps, options: StepOptions, emit: (event: ReconcilerEvent) => void) {
    this.#deps = deps;
    this.#options = options;
    this.#emit = emit;
  }

  /** Never rejects for what source, store or input do wrong. `leadership` is what an apply is made under. */
  async run(
    effect: ReconcilerEffect,
    leadership: Leadership | undefined,
    signal: AbortSignal,
  ): Promise<ReconcilerEvent> {
    switch (effect.type) {
      case 'read':
        return this.#read(effect, signal);
      case 'load':
        return this.#load(effect);
      case 'plan':
        return this.#guarded(effect, () => this.#makePlan(effect, signal));
      case 'apply':
        return this.#guarded(effect, () => this.#apply(effect, leadership, signal));
      case 'wait':
        await this.#deps.sleep(effect.delayMs, signal);
        return { type: 'retry', generation: effect.generation };
    }
  }

  /**
   * True when what happened at one revision matters to the last good commit. Of a series only the beginning and the
   * end do: whoever writes it goes on by itself, and the others need not plan after each of its transactions.
   */
  concerns(events: readonly KeyEvent[]): boolean {
    const txn = this.#deps.layout.keys.txn(this.#options.name);
    const series = events.find(({ key }) => key === txn);
    if (series?.type === 'put') return series.entry.createRevision === series.entry.modRevision;
    return series !== undefined || events.some(({ key }) => this.#isOurs(key));
  }

  #isOurs(key: StoreKey): boolean {
    if (this.#keys.has(key)) return true;
    const owner = this.#deps.layout.identify(key);
    return (owner?.type === 'inventory' || owner?.type === 'head') && owner.source === this.#options.name;
  }

  async #read({ generation, known }: EffectOf<'read'>, signal: AbortSignal): Promise<ReconcilerEvent> {
    const { source, random } = this.#deps;
    try {
      const latest = await source.latest(signal);
      if (latest === known) return { type: 'read', generation, commit: latest, changed: false };
      const tree = await source.read(signal);
      if (!signal.aborted) this.#tree = tree;
      const { commit } = tree.version;
      return { type: 'read', generation, commit, changed: commit !== known };
    } catch (error) {
      if (!(error instanceof SourceError) && !signal.aborted) throw error;
      // Only what is out of reach comes back by itself; the rest waits for a person, and the next poll.
      const retryable = error instanceof SourceError && error.code === 'unreachable';
      return { type: 'source-failed', generation, message: messageOf(error), retryable, jitter: random() };
    }
  }

  #load({ generation }: EffectOf<'load'>): ReconcilerEvent {
    const tree = this.#tree;
    if (!tree) throw new TypeError('Nothing was read that could be loaded');
    const desired = prepareDesired(tree, this.#deps.layout, this.#cache);
    const { commit } = tree.version;
    const problem = describeErrors(desired.diagnostics);
    if (problem !== undefined) return { type: 'loaded', generation, commit, problem };
    this.#good = desired;
    this.#keys = new Set(
      [...desired.compiled.values()].flatMap(({ entries }) => entries.map(({ key }) => key)),
    );
    return { type: 'loaded', generation, commit };
  }

  async #makePlan({ generation }: EffectOf<'plan'>, signal: AbortSignal): Promise<ReconcilerEvent> {
    const { source, store, layout } = this.#deps;
    const { name, pruneApproved, denyWidening } = this.#options;
    const good = this.#good;
    if (!good) throw new TypeError('Nothing was loaded that could be planned');
    const suspension = await readSuspension(store, layout);
    const snapshot = await store.snapshot(layout.prefix);
    const { version, compiled } = good;
    const input = { source: name, version, compiled, snapshot, layout, pruneApproved };
    const { plan } = await planWithApproval(input, source, signal);
    const consequences = consequencesOf(plan, snapshot, good.tests, layout);
    if (!signal.aborted) {
      this.#plan = plan;
      this.#consequences = consequences;
    }
    const broken = describeFailedTests(consequences.tests);
    const widening = denyWidening ? describeWidening(consequences.connectivity) : undefined;
    const verdict = judgePlan(plan, { layout, suspension, broken, widening });
    return { type: 'planned', generation, revision: snapshot.revision, verdict };
  }

  async #apply(
    { generation }: EffectOf<'apply'>,
    leadership: Leadership | undefined,
    signal: AbortSignal,
  ): Promise<ReconcilerEvent> {
    const { store, layout, now, random } = this.#deps;
    const plan = this.#plan;
    if (!plan) throw new TypeError('Nothing was planned that could be applied');
    if (!leadership) return { type: 'conflict', generation, jitter: random() };
    const result = await applyPlan(store, plan, {
      layout,
      now: now().toISOString(),
      leadership: leadership.createRevision,
      signal: AbortSignal.any([signal, leadership.lost]),
      onProgress: (progress) => this.#emit({ type: 'progress', generation, ...progress }),
    });
    switch (result.status) {
      case 'applied':
        this.#logApplied(plan, result);
        return { type: 'applied', generation, revision: result.revision };
      case 'unchanged':
        return { type: 'applied', generation, revision: plan.base.revision };
      case 'conflict':
      case 'stopped':
        return { type: 'conflict', generation, jitter: random() };
      case 'too-large':
        return { type: 'too-large', generation, message: result.message };
      case 'refused':
        throw new TypeError(`A refused plan was to be applied: ${result.message}`);
    }
  }

  #logApplied(plan: Plan, { seq, revision }: Extract<ApplyResult, { status: 'applied' }>): void {
    const { commit } = plan;
    const summary = summarizePlan(plan);
    const meaning = this.#consequences && {
      connectivity: summarizeConnectivity(this.#consequences.connectivity),
    };
    this.#deps.log.info(movesHead(plan) ? 'commit applied' : 'drift repaired', {
      ...{ commit, seq, revision },
      ...summary,
      ...meaning,
    });
  }

  /** A store out of reach is an event. */
  async #guarded(
    { generation }: ReconcilerEffect,
    step: () => Promise<ReconcilerEvent>,
  ): Promise<ReconcilerEvent> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof DatastoreError)) throw error;
      return { type: 'store-failed', generation, message: error.message, jitter: this.#deps.random() };
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
