/**
 * The steps of a reconcile: what the state machine's effects do, and the events that they answer with.
 *
 * It holds what the machine only knows by name: the tree that was read, the last good state, the last plan. A
 * step whose signal was aborted has been superseded, and leaves nothing behind.
 */
import { applyPlan } from '../apply/apply.js';
import { movesHead } from '../apply/transaction.js';
import { type Datastore, DatastoreError } from '../datastore/datastore.js';
import type { Plan } from '../diff/plan-types.js';
import type { Layout } from '../layout/layout.js';
import { readRecord } from '../layout/read-record.js';
import { type Head, headCodec } from '../layout/records.js';
import { ManifestCache, type ParsedFiles } from '../loader/load.js';
import { type Source, SourceError, type SourceTree } from '../loader/sources/source.js';
import type { Log } from '../model/log.js';
import type { KeyEvent, StoreKey } from '../model/store.js';
import { describeFailures } from '../verify/render/test-report.js';
import { planWithApproval } from './approved-plan.js';
import { type Consequences, consequencesOf, describeWidening } from './consequences.js';
import { type Desired, describeErrors, prepareDesired } from './desired.js';
import { judgePlan } from './judge.js';
import type { Leadership } from './leader.js';
import { logApplied } from './log-applied.js';
import type { ReconcilerEffect, ReconcilerEvent } from './reconciler-state.js';
import { readSuspension } from './status/suspension.js';

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
  /** Where parsed manifests outlive the process. */
  readonly parsed?: ParsedFiles | undefined;
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
  readonly #cache: ManifestCache;
  #tree: SourceTree | undefined;
  /** The newest commit of the source, readable or not. */
  #newest: string | undefined;
  /** The newest commit without errors, and the one that is live where that is another. */
  #good: Prepared | undefined;
  #live: Prepared | undefined;
  #plan: Plan | undefined;
  #consequences: Consequences | undefined;
  readonly #emit: (event: ReconcilerEvent) => void;

  /** `emit` takes the events that are no answers: how far a step has come. */
  constructor(deps: StepDeps, options: StepOptions, emit: (event: ReconcilerEvent) => void) {
    this.#deps = deps;
    this.#cache = new ManifestCache(deps.parsed);
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
      case 'recall':
        return this.#guarded(effect, () => this.#recall(effect, signal));
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
    if (this.#good?.keys.has(key) || this.#live?.keys.has(key)) return true;
    const owner = this.#deps.layout.identify(key);
    return (owner?.type === 'inventory' || owner?.type === 'head') && owner.source === this.#options.name;
  }

  async #read({ generation, known }: EffectOf<'read'>, signal: AbortSignal): Promise<ReconcilerEvent> {
    const { source, random } = this.#deps;
    try {
      const latest = await source.latest(signal);
      if (latest === known) return { type: 'read', generation, commit: latest, changed: false };
      const tree = await source.read(signal);
      const { commit } = tree.version;
      const changed = commit !== known;
      const rewritten = changed && known !== undefined ? await this.#rewritten(known, commit, signal) : false;
      if (!signal.aborted) [this.#tree, this.#newest] = [tree, commit];
      return { type: 'read', generation, commit, changed, ...(rewritten && { rewritten: known }) };
    } catch (error) {
      if (!(error instanceof SourceError) && !signal.aborted) throw error;
      const code = error instanceof SourceError ? error.code : undefined;
      // Only what is out of reach comes back by itself; the rest waits for a person, and the next poll.
      const retryable = code === 'unreachable';
      return {
        ...{ type: 'source-failed', generation, code, retryable },
        message: messageOf(error),
        jitter: random(),
      };
    }
  }

  /** True when it is certain that the newest commit does not descend from the one before. */
  async #rewritten(before: string, commit: string, signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.#deps.source.descends?.(signal, before, commit)) === false;
    } catch (error) {
      if (error instanceof SourceError || signal.aborted) return false;
      throw error;
    }
  }

  #load({ generation }: EffectOf<'load'>): ReconcilerEvent {
    const tree = this.#tree;
    if (!tree) throw new TypeError('Nothing was read that could be loaded');
    const { commit } = tree.version;
    const prepared = prepare(tree, this.#deps.layout, this.#cache);
    this.#deps.log.info('commit read', { commit, files: tree.files.length, parsed: this.#cache.parsed });
    if (typeof prepared === 'string') return { type: 'loaded', generation, commit, problem: prepared };
    // What was the newest until now is probably live, and may have to stay so.
    this.#live ??= this.#good;
    this.#good = prepared;
    return { type: 'loaded', generation, commit };
  }

  async #recall({ generation }: EffectOf<'recall'>, signal: AbortSignal): Promise<ReconcilerEvent> {
    const { source, store, layout } = this.#deps;
    const key = layout.keys.head(this.#options.name);
    const { entry } = await store.get(key);
    const head = entry && readRecord(headCodec, key, entry.value);
    if (!head) return { type: 'recalled', generation };
    const { commit } = head;
    const known = [this.#good, this.#live].find((one) => one && isVersion(one.desired, head));
    try {
      const live = known ?? prepare(await source.read(signal, commit), layout);
      if (typeof live === 'string')
        return { type: 'recalled', generation, problem: unreadable(commit, live) };
      if (!isVersion(live.desired, head)) {
        const problem = unreadable(commit, 'it was applied from another --path');
        return { type: 'recalled', generation, problem };
      }
      if (!signal.aborted) this.#live = live;
      return { type: 'recalled', generation, commit };
    } catch (error) {
      if (!(error instanceof SourceError) && !signal.aborted) throw error;
      return { type: 'recalled', generation, problem: unreadable(commit, messageOf(error)) };
    }
  }

  async #makePlan({ generation, of }: EffectOf<'plan'>, signal: AbortSignal): Promise<ReconcilerEvent> {
    const { source, store, layout, random } = this.#deps;
    const { name, pruneApproved, denyWidening } = this.#options;
    const prepared = of === 'newest' ? this.#good : this.#live;
    if (!prepared) throw new TypeError('Nothing was loaded that could be planned');
    const suspension = await readSuspension(store, layout);
    const snapshot = await store.snapshot(layout.prefix);
    const { version, compiled } = prepared.desired;
    const input = { source: name, version, compiled, snapshot, layout, pruneApproved };
    const { plan } = await planWithApproval(input, source, signal);
    if (signal.aborted) return { type: 'conflict', generation, jitter: random() };
    this.#plan = plan;
    this.#consequences = undefined;
    const { revision } = snapshot;
    if (of === 'live') {
      // Somebody has applied another commit since it was recalled.
      if (movesHead(plan)) return { type: 'conflict', generation, jitter: random() };
      return { type: 'planned', generation, revision, verdict: judgePlan(plan, { layout, suspension }) };
    }
    const consequences = consequencesOf(plan, snapshot, prepared.desired, layout);
    this.#consequences = consequences;
    const broken = describeFailures(consequences.tests);
    const widening = denyWidening ? describeWidening(consequences.connectivity) : undefined;
    const newest = this.#newest;
    const verdict = judgePlan(plan, { layout, suspension, broken, widening, newest });
    if (verdict.type === 'nothing') this.#live = undefined;
    return { type: 'planned', generation, revision, verdict };
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
        logApplied(this.#deps.log, plan, result, this.#consequences);
        if (plan.commit === this.#good?.desired.version.commit) this.#live = undefined;
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

/** What a commit asks for, and the keys that it is written to. */
interface Prepared {
  readonly desired: Desired;
  readonly keys: ReadonlySet<StoreKey>;
}

/** The first error of an invalid commit instead. */
function prepare(tree: SourceTree, layout: Layout, cache?: ManifestCache): Prepared | string {
  const desired = prepareDesired(tree, layout, cache);
  const problem = describeErrors(desired.diagnostics);
  if (problem !== undefined) return problem;
  const entries = [...desired.compiled.values()].flatMap((object) => object.entries);
  return { desired, keys: new Set(entries.map(({ key }) => key)) };
}

function isVersion({ version }: Desired, head: Head): boolean {
  return version.commit === head.commit && version.tree === head.tree;
}

function unreadable(commit: string, why: string): string {
  return `commit ${commit} is live and cannot be read: changes that others make to it are not repaired: ${why}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
