/**
 * What a reconciler knows, what happens to it, and what it can do: the values of the state machine.
 */
import type { SourceErrorCode } from '../loader/sources/source.js';
import { type Conditions, INITIAL_CONDITIONS } from './conditions.js';

/** `live`: the store holds the newest good commit, as far as is known. `idle`: it does not, and nothing runs. */
export type Phase = 'idle' | 'reading' | 'loading' | 'planning' | 'applying' | 'live';

/** Whether the store holds what this reconciler would have written for the commit that the store names. */
export type Agreement =
  | { readonly agrees: true; readonly commit: string }
  | ({ readonly agrees: false; readonly commit: string } & Difference);

export interface Difference {
  /** `TreeMismatch`: the commit has another tree here. `StoreDiffers`: objects are not as it has them. */
  readonly reason: 'TreeMismatch' | 'StoreDiffers';
  readonly message: string;
}

export interface ReconcilerState {
  readonly phase: Phase;
  /** Of the step under way, or of the last one. */
  readonly generation: number;
  readonly leading: boolean;
  /** The commit that was read last. */
  readonly known: string | undefined;
  /** The newest commit without errors: what the store should hold. */
  readonly good: string | undefined;
  /** The last plan found nothing left to do, and nothing has happened in the store since. */
  readonly settled: boolean;
  /**
   * The step under way is about the commit that is live, because a newer one may not be applied, or there is none
   * without errors.
   */
  readonly defending: boolean;
  /** A step of that kind has ended, and nothing has happened in the store since. */
  readonly defended: boolean;
  /** Revision that the last plan was made at, and those that our transactions have made since. */
  readonly plannedAt: number;
  readonly written: readonly number[];
  /** Revisions at which keys of ours changed while a step was under way. */
  readonly disturbances: readonly number[];
  /** A poll came while a step was under way. */
  readonly pollPending: boolean;
  /** A change in the store broke off a read; it will not break off the next one too. */
  readonly readDeferred: boolean;
  /** Waiting for `retry` after the store failed or races were lost: changes in the store do not shorten it. */
  readonly backingOff: boolean;
  /** How often the commit that is live was put back since a poll found it undisturbed. */
  readonly repairs: number;
  /** The commit that was live when we looked last. */
  readonly applied: string | undefined;
  /** A commit of another reconciler that a plan found in the store, and the one that the source was read after. */
  readonly unknown: string | undefined;
  readonly heeded: string | undefined;
  /** Each in a row. */
  readonly sourceFailures: number;
  readonly storeFailures: number;
  readonly conflicts: number;
  readonly conditions: Conditions;
  /** The commit that is live, when it had to be looked up. */
  readonly recalled: string | undefined;
  /** What the last comparison with the store has shown; undefined while there was none. */
  readonly agreement: Agreement | undefined;
}

export type PlanVerdict =
  | { readonly type: 'nothing' }
  /**
   * `message`: what is missing in the store; `over`: the commit that it holds, or the one that is begun.
   * `difference`: it holds this very commit, and not as we have it.
   */
  | {
      readonly type: 'apply';
      readonly message: string;
      readonly over: string | undefined;
      readonly difference?: Difference | undefined;
    }
  /** Guards or blocked objects. */
  | { readonly type: 'refused'; readonly message: string }
  /** An object that no transaction takes. */
  | { readonly type: 'too-large'; readonly message: string }
  | { readonly type: 'suspended'; readonly message: string }
  /** Somebody has gone back to an earlier commit, and the source has had none since. */
  | { readonly type: 'rolled-back'; readonly message: string };

export type ReconcilerEvent =
  | { readonly type: 'poll' }
  /** A key of ours was written or deleted, by us or by somebody else. */
  | { readonly type: 'store-changed'; readonly revision: number; readonly jitter: number }
  | { readonly type: 'leadership'; readonly leading: boolean }
  | ({ readonly generation: number } & StepResult);

export type StepResult =
  /** `changed` is false when it is the commit that was known. */
  | {
      readonly type: 'read';
      readonly commit: string;
      readonly changed: boolean;
      /** The commit that was known, when the new one does not descend from it. */
      readonly rewritten?: string | undefined;
    }
  | {
      readonly type: 'source-failed';
      /** undefined: a fault that has no name. */
      readonly code?: SourceErrorCode | undefined;
      readonly message: string;
      /** It may come back by itself soon; otherwise the next poll asks again. */
      readonly retryable: boolean;
      readonly jitter: number;
    }
  /** `problem`: the first error of an invalid commit. */
  | { readonly type: 'loaded'; readonly commit: string; readonly problem?: string }
  /** Without a commit, the store holds none that could be defended; `problem` says why, unless it is empty. */
  | { readonly type: 'recalled'; readonly commit?: string | undefined; readonly problem?: string | undefined }
  | { readonly type: 'planned'; readonly revision: number; readonly verdict: PlanVerdict }
  /** Not an end: a transaction of a series was made; so many changes of all are written. */
  | {
      readonly type: 'progress';
      readonly revision: number;
      readonly applied: number;
      readonly total: number;
    }
  | { readonly type: 'applied'; readonly revision: number }
  /** This server takes less than an object of the plan needs. */
  | { readonly type: 'too-large'; readonly message: string }
  /** The store is not as the plan saw it, or we no longer lead: plan again. */
  | { readonly type: 'conflict'; readonly jitter: number }
  | { readonly type: 'store-failed'; readonly message: string; readonly jitter: number }
  | { readonly type: 'retry' };

export type ReconcilerEffect =
  /** Read the newest commit unless it is the known one. Answer: read, source-failed. */
  | { readonly type: 'read'; readonly generation: number; readonly known: string | undefined }
  /** Check and compile what was read. Answer: loaded. */
  | { readonly type: 'load'; readonly generation: number }
  /** Read and check the commit that the store holds. Answer: recalled, store-failed. */
  | { readonly type: 'recall'; readonly generation: number }
  /** Plan the newest good commit, or the live one, against the store. Answer: planned, conflict, store-failed. */
  | { readonly type: 'plan'; readonly generation: number; readonly of: 'newest' | 'live' }
  /** Apply the last plan. Answer: progress any number of times; applied, conflict, store-failed, too-large. */
  | { readonly type: 'apply'; readonly generation: number }
  /** Answer `retry` after the delay. */
  | { readonly type: 'wait'; readonly generation: number; readonly delayMs: number };

export interface Transition {
  readonly state: ReconcilerState;
  readonly effects: readonly ReconcilerEffect[];
}

export const INITIAL_STATE: ReconcilerState = {
  phase: 'idle',
  generation: 0,
  leading: false,
  known: undefined,
  good: undefined,
  settled: false,
  defending: false,
  defended: false,
  plannedAt: 0,
  written: [],
  disturbances: [],
  pollPending: false,
  readDeferred: false,
  backingOff: false,
  repairs: 0,
  applied: undefined,
  unknown: undefined,
  heeded: undefined,
  sourceFailures: 0,
  storeFailures: 0,
  conflicts: 0,
  conditions: INITIAL_CONDITIONS,
  recalled: undefined,
  agreement: undefined,
};
