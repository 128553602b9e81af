/**
 * A world for the reconciler's state machine: a repository, a store and a lease, all of them numbers, and the
 * effects that are under way. Effects are answered when a test says so, in any order, stale ones included.
 */
import {
  INITIAL_STATE,
  type PlanVerdict,
  type ReconcilerEffect,
  type ReconcilerEvent,
  type ReconcilerState,
} from '../../src/reconciler/reconciler-state.js';
import { reduce } from '../../src/reconciler/state-machine.js';

type EffectOf<T extends ReconcilerEffect['type']> = Extract<ReconcilerEffect, { type: T }>;

export class World {
  state: ReconcilerState = INITIAL_STATE;
  readonly underWay: ReconcilerEffect[] = [];
  /** Greatest number of applies that were ever under way at once. */
  appliesAtOnce = 0;

  commit = 1;
  readonly invalid = new Set<number>();
  /** Commits that a guard or a test of their own keeps out of the store. */
  readonly refused = new Set<number>();
  /** The commit that the source had when somebody went back to an earlier one; 0: nobody has. */
  held = 0;
  /** The source cannot give the commit that is live: history was rewritten. */
  forgotten = false;
  sourceUp = true;
  storeUp = true;
  suspended = false;
  leading = false;
  /** Transactions that an apply takes, and after how many of them it loses a race. */
  transactions = 1;
  losesAfter = Number.POSITIVE_INFINITY;

  /** The commit that the store holds; 0 for none, -1 for somebody else's hand, -2 for part of one. */
  stored = 0;
  /** The commit that its head names; 0 for none. */
  head = 0;
  revision = 1;
  /** The watch is behind by these. */
  readonly unseen: number[] = [];

  /** An older commit was written over a newer one, one that is refused, or one that somebody went back from. */
  wentBack = false;
  wroteRefused = false;
  wroteHeld = false;

  /** Called after every transition. */
  onState: (state: ReconcilerState) => void = () => {};

  #read = 0;
  #good = 0;
  #recalled = 0;
  #rollbacks = 0;
  /** What the last plan writes, and when it was made. */
  #planned = { commit: 0, revision: 0 };

  send(event: ReconcilerEvent): void {
    const before = this.state;
    const { state, effects } = reduce(before, event);
    this.state = state;
    this.onState(state);
    this.underWay.push(...effects);
    const applies = this.underWay.filter((effect) => effect.type === 'apply').length;
    this.appliesAtOnce = Math.max(this.appliesAtOnce, applies);
  }

  push(quality: 'good' | 'invalid' | 'refused'): void {
    this.commit += 1;
    if (quality === 'invalid') this.invalid.add(this.commit);
    if (quality === 'refused') this.refused.add(this.commit);
  }

  /** Somebody writes over a key of ours. */
  disturb(): void {
    this.stored = -1;
    this.#write();
  }

  /** Another reconciler, which has read the newest good commit, applies it. */
  rival(): void {
    let newest = this.commit;
    while (this.invalid.has(newest) || this.refused.has(newest)) newest -= 1;
    if (newest < 1 || (this.held > 0 && (newest !== this.commit || newest === this.held))) return;
    this.#store(newest);
  }

  /** Somebody goes back to the commit before the one that is live. */
  rollback(): void {
    let earlier = this.head - 1;
    while (this.invalid.has(earlier) || this.refused.has(earlier)) earlier -= 1;
    if (earlier < 1) return;
    this.#store(earlier);
    this.held = this.commit;
    this.#rollbacks += 1;
  }

  #store(commit: number): void {
    this.stored = commit;
    this.head = commit;
    this.held = 0;
    this.#write();
  }

  lead(leading: boolean): void {
    this.leading = leading;
    this.send({ type: 'leadership', leading });
  }

  /** Delivers the oldest change that the watch has not told yet. */
  see(): void {
    const revision = this.unseen.shift();
    if (revision !== undefined) this.send({ type: 'store-changed', revision, jitter: 0 });
  }

  /** Answers one effect that is under way. */
  answer(index: number): void {
    const [effect] = this.underWay.splice(index % Math.max(1, this.underWay.length), 1);
    if (effect) this.send(this.#answerOf(effect));
  }

  /** Ends every trouble, pushes once more, and lets everything run. @returns false if it never ends. */
  settle(quality: 'good' | 'invalid' | 'refused' = 'good'): boolean {
    this.push(quality);
    this.calm();
    return this.run();
  }

  /** Ends every trouble. */
  calm(): void {
    this.sourceUp = true;
    this.storeUp = true;
    this.suspended = false;
    this.forgotten = false;
    this.losesAfter = Number.POSITIVE_INFINITY;
    this.lead(true);
    this.send({ type: 'poll' });
  }

  /** Lets everything run until nothing is left to do. @returns false if it never ends. */
  run(): boolean {
    for (let step = 0; step < 200; step += 1) {
      if (this.underWay.length > 0) this.answer(0);
      else if (this.unseen.length > 0) this.see();
      else return true;
    }
    return false;
  }

  #answerOf(effect: ReconcilerEffect): ReconcilerEvent {
    switch (effect.type) {
      case 'read':
        return this.#answerRead(effect);
      case 'load':
        return this.#answerLoad(effect);
      case 'recall':
        return this.#answerRecall(effect);
      case 'plan':
        return this.#answerPlan(effect);
      case 'apply':
        return this.#answerApply(effect);
      case 'wait':
        return { type: 'retry', generation: effect.generation };
    }
  }

  #answerRead({ generation, known }: EffectOf<'read'>): ReconcilerEvent {
    if (!this.sourceUp)
      return { type: 'source-failed', generation, message: 'away', retryable: true, jitter: 0 };
    if (generation === this.state.generation) this.#read = this.commit;
    const commit = String(this.commit);
    return { type: 'read', generation, commit, changed: commit !== known };
  }

  #answerLoad({ generation }: EffectOf<'load'>): ReconcilerEvent {
    const commit = String(this.#read);
    if (this.invalid.has(this.#read)) return { type: 'loaded', generation, commit, problem: 'bad' };
    if (generation === this.state.generation) this.#good = this.#read;
    return { type: 'loaded', generation, commit };
  }

  #answerRecall({ generation }: EffectOf<'recall'>): ReconcilerEvent {
    if (!this.storeUp) return { type: 'store-failed', generation, message: 'away', jitter: 0 };
    if (this.head === 0) return { type: 'recalled', generation };
    if (this.forgotten) return { type: 'recalled', generation, problem: 'forgotten' };
    if (generation === this.state.generation) this.#recalled = this.head;
    return { type: 'recalled', generation, commit: String(this.head) };
  }

  #answerPlan({ generation, of }: EffectOf<'plan'>): ReconcilerEvent {
    if (!this.storeUp) return { type: 'store-failed', generation, message: 'away', jitter: 0 };
    const commit = of === 'newest' ? this.#good : this.#recalled;
    if (of === 'live' && commit !== this.head) return { type: 'conflict', generation, jitter: 0 };
    if (generation === this.state.generation) this.#planned = { commit, revision: this.revision };
    const verdict = of === 'newest' ? this.#judgeNewest(commit) : this.#judge(commit);
    return { type: 'planned', generation, revision: this.revision, verdict };
  }

  #judgeNewest(commit: number): PlanVerdict {
    const mayReplace = this.held === 0 || (commit === this.#read && commit !== this.held);
    if (commit !== this.head && !mayReplace) return { type: 'rolled-back', message: 'went back' };
    return this.refused.has(commit) ? { type: 'refused', message: 'too many' } : this.#judge(commit);
  }

  #judge(commit: number): PlanVerdict {
    if (this.stored === commit && this.head === commit) return { type: 'nothing' };
    if (this.suspended) return { type: 'suspended', message: 'held' };
    const place = this.held > 0 ? `${this.head} after rollback ${this.#rollbacks}` : String(this.head);
    const over = this.head > 0 ? place : undefined;
    return { type: 'apply', message: 'missing', over };
  }

  #answerApply({ generation }: EffectOf<'apply'>): ReconcilerEvent {
    if (!this.storeUp) return { type: 'store-failed', generation, message: 'away', jitter: 0 };
    const { commit, revision: seen } = this.#planned;
    if (!this.leading || this.suspended || this.revision !== seen)
      return { type: 'conflict', generation, jitter: 0 };
    for (let made = 1; made < this.transactions && generation === this.state.generation; made += 1) {
      this.stored = -2;
      this.#write();
      const { revision, transactions: total } = this;
      this.send({ type: 'progress', generation, revision, applied: made, total });
      if (made === this.losesAfter) return { type: 'conflict', generation, jitter: 0 };
    }
    this.wentBack ||= this.head > commit;
    this.wroteRefused ||= this.refused.has(commit) || this.invalid.has(commit);
    this.wroteHeld ||= this.held === commit;
    if (commit === this.head) {
      this.stored = commit;
      this.#write();
    } else this.#store(commit);
    return { type: 'applied', generation, revision: this.revision };
  }

  #write(): void {
    this.revision += 1;
    this.unseen.push(this.revision);
  }
}
