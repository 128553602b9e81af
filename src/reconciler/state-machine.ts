/**
 * What a reconciler does next: one pure function from a state and an event to a state and effects.
 *
 * Work flows read -> load -> plan -> apply, one step at a time; the result of a step is the next event. Whoever
 * runs the effects carries the generation of each along, and a result of an older generation is dropped, however
 * late it comes. What arrives while a step is under way (a poll, a change in the store) is remembered and taken
 * up when the work has come to rest, so that no two plans are ever applied at once.
 *
 * An invalid commit is not tried again: the last good one stays, and is defended against drift, until a new one
 * comes. What may pass by itself (source or store out of reach, a lost race) is tried again with backoff.
 *
 * A commit in the store that we have never seen was written by another reconciler, and may be newer than ours.
 * Before anything is written over it the source is read once more; what it then says is the newest.
 */
import { backoffMs } from './backoff.js';
import { withCondition } from './conditions.js';
import type {
  Phase,
  PlanVerdict,
  ReconcilerEvent,
  ReconcilerState,
  StepResult,
  Transition,
} from './reconciler-state.js';

/** Drift that is repaired at once; after this many times between two polls there are pauses. */
export const FREE_REPAIRS = 5;

/** Races lost in a row before a pause is made. */
export const MAX_CONFLICTS = 5;

const HELD = { refused: 'Refused', 'too-large': 'TooLarge', suspended: 'Suspended' } as const;

export function reduce(state: ReconcilerState, event: ReconcilerEvent): Transition {
  if ('generation' in event && event.generation !== state.generation) return stay(state);
  switch (event.type) {
    case 'poll':
      return isResting(state) ? startRead(state) : stay({ ...state, pollPending: true });
    case 'store-changed':
      return onStoreChanged(state, event.revision, event.jitter);
    case 'leadership':
      return onLeadership(state, event.leading);
    case 'read':
      return onRead(state, event.commit, event.changed);
    case 'source-failed':
      return onSourceFailed(state, event);
    case 'loaded':
      return onLoaded(state, event.commit, event.problem);
    case 'planned':
      return onPlanned({ ...state, plannedAt: event.revision, written: [] }, event.verdict);
    case 'progress':
      return onProgress(state, event);
    case 'applied':
      return onApplied(state, event.revision);
    case 'too-large':
      return hold(state, 'too-large', event.message);
    case 'conflict':
      return onConflict(state, event.jitter);
    case 'store-failed':
      return onStoreFailed(state, event.message, event.jitter);
    case 'retry':
      return onRetry(state);
  }
}

function onStoreChanged(state: ReconcilerState, revision: number, jitter: number): Transition {
  if (!isNews(state, revision) || state.good === undefined) return stay(state);
  const disturbed = { ...state, settled: false };
  if (state.phase === 'reading' && !state.readDeferred)
    return startPlan({ ...disturbed, pollPending: true, readDeferred: true });
  if (!isResting(state)) return stay({ ...disturbed, disturbances: [...state.disturbances, revision] });
  if (state.backingOff) return stay(disturbed);
  return state.repairs > FREE_REPAIRS ? yieldToRival(disturbed, jitter) : startPlan(disturbed);
}

function onLeadership(state: ReconcilerState, leading: boolean): Transition {
  const conditions = leading
    ? withCondition(state.conditions, 'Leading', 'True', 'Elected')
    : withCondition(state.conditions, 'Leading', 'False', 'Following');
  const next = { ...state, leading, conditions };
  return leading && isResting(next) && needsPlan(next) ? startPlan(next) : stay(next);
}

function onRead(state: ReconcilerState, commit: string, changed: boolean): Transition {
  const conditions = withCondition(state.conditions, 'SourceReady', 'True', 'Read', `commit ${commit}`);
  const { unknown } = state;
  const next = {
    ...state,
    conditions,
    known: commit,
    readDeferred: false,
    sourceFailures: 0,
    heeded: unknown,
  };
  if (changed) return start(next, 'loading', { type: 'load' });
  return needsPlan(next) ? startPlan(next) : rest({ ...next, repairs: 0 });
}

/**
 * While the source is away the last good commit is still defended, but not against another commit; the next poll
 * asks the source again.
 */
function onSourceFailed(
  state: ReconcilerState,
  { message, retryable, jitter }: Extract<StepResult, { type: 'source-failed' }>,
): Transition {
  const failed = withCondition(state.conditions, 'SourceReady', 'False', 'SourceFailed', message);
  const { unknown, heeded } = state;
  const why = `another reconciler has written commit ${unknown}, and the source cannot be read`;
  const behind = unknown !== heeded;
  const conditions = behind ? withCondition(failed, 'Applied', 'Unknown', 'SourceBehind', why) : failed;
  const sourceFailures = state.sourceFailures + 1;
  const next = { ...state, conditions, sourceFailures, readDeferred: false, pollPending: false };
  if (needsPlan(next) && !behind) return startPlan(next);
  return retryable ? pause(next, backoffMs(sourceFailures, jitter)) : rest(next);
}

function onLoaded(state: ReconcilerState, commit: string, problem: string | undefined): Transition {
  if (problem !== undefined) {
    const conditions = withCondition(state.conditions, 'Valid', 'False', 'InvalidManifests', problem);
    const next = { ...state, conditions };
    return needsPlan(next) ? startPlan(next) : rest(next);
  }
  const conditions = withCondition(state.conditions, 'Valid', 'True', 'Checked', `commit ${commit}`);
  return startPlan({ ...state, conditions, good: commit, settled: false });
}

function onPlanned(state: ReconcilerState, verdict: PlanVerdict): Transition {
  const { conditions, good } = state;
  switch (verdict.type) {
    case 'nothing': {
      const matches = withCondition(conditions, 'Applied', 'True', 'StoreMatches', `commit ${good}`);
      const live = { ...state, conditions: matches, settled: true, applied: good };
      return rest({ ...live, conflicts: 0, storeFailures: 0 });
    }
    case 'apply': {
      const { over } = verdict;
      const isKnown = over === undefined || [good, state.applied, state.heeded].includes(over);
      if (!isKnown) return startRead({ ...state, unknown: over, settled: false });
      if (state.leading) return start(state, 'applying', { type: 'apply' });
      const waiting = withCondition(conditions, 'Applied', 'False', 'NotLeading', verdict.message);
      return rest({ ...state, conditions: waiting, settled: false });
    }
    case 'refused':
    case 'too-large':
    case 'suspended':
      return hold(state, verdict.type, verdict.message);
  }
}

/** The plan stays a plan until something changes: the commit, the store, or somebody's mind. */
function hold(state: ReconcilerState, why: keyof typeof HELD, message: string): Transition {
  const conditions = withCondition(state.conditions, 'Applied', 'False', HELD[why], message);
  return rest({ ...state, conditions, settled: false });
}

/** Part of a commit is in the store, and no host takes notice of it; races that were lost before are forgotten. */
function onProgress(
  state: ReconcilerState,
  { revision, applied, total }: Extract<StepResult, { type: 'progress' }>,
): Transition {
  const message = `${applied} of ${total} changes of commit ${state.good} are written`;
  const conditions = withCondition(state.conditions, 'Applied', 'Unknown', 'Applying', message);
  return stay({ ...state, conditions, written: [...state.written, revision], conflicts: 0 });
}

function onApplied(state: ReconcilerState, revision: number): Transition {
  const applied = withCondition(state.conditions, 'Applied', 'True', 'StoreMatches', `commit ${state.good}`);
  return rest({
    ...state,
    conditions: applied,
    settled: true,
    written: [...state.written, revision],
    applied: state.good,
    repairs: state.applied === state.good ? state.repairs + 1 : 0,
    conflicts: 0,
    // A fight goes on until a poll finds peace.
    storeFailures: state.repairs >= FREE_REPAIRS ? state.storeFailures : 0,
  });
}

function onConflict(state: ReconcilerState, jitter: number): Transition {
  const next = { ...state, settled: false, conflicts: state.conflicts + 1 };
  if (next.conflicts <= MAX_CONFLICTS) return startPlan(next);
  return yieldToRival({ ...next, conflicts: 0 }, jitter);
}

function onStoreFailed(state: ReconcilerState, message: string, jitter: number): Transition {
  const conditions = withCondition(state.conditions, 'Applied', 'Unknown', 'StoreFailed', message);
  return backOff({ ...state, conditions, settled: false }, jitter);
}

function onRetry(state: ReconcilerState): Transition {
  return state.backingOff ? startPlan(state) : startRead(state);
}

/** The work has come to rest: what was put off meanwhile comes first. */
function rest(state: ReconcilerState): Transition {
  const disturbed = state.disturbances.some((revision) => isNews(state, revision));
  const next = { ...state, disturbances: [], settled: state.settled && !disturbed };
  if (disturbed) return startPlan(next);
  if (next.pollPending) return startRead(next);
  return stay({ ...next, phase: next.settled ? 'live' : 'idle' });
}

/** Somebody else writes the same keys as fast as we do: a fight that nobody wins is slowed down, and told. */
function yieldToRival(state: ReconcilerState, jitter: number): Transition {
  const message = 'somebody else keeps writing the keys of this source';
  const conditions = withCondition(state.conditions, 'Applied', 'False', 'Conflict', message);
  return backOff({ ...state, conditions }, jitter);
}

/** The store is out of reach, or contested: planning rests for a while. */
function backOff(state: ReconcilerState, jitter: number): Transition {
  const storeFailures = state.storeFailures + 1;
  return pause({ ...state, storeFailures, backingOff: true }, backoffMs(storeFailures, jitter));
}

function pause(state: ReconcilerState, delayMs: number): Transition {
  const generation = state.generation + 1;
  const phase = state.settled ? 'live' : 'idle';
  return {
    state: { ...state, generation, phase, disturbances: [] },
    effects: [{ type: 'wait', generation, delayMs }],
  };
}

function startRead(state: ReconcilerState): Transition {
  return start({ ...state, pollPending: false }, 'reading', { type: 'read', known: state.known });
}

function startPlan(state: ReconcilerState): Transition {
  return start({ ...state, disturbances: [] }, 'planning', { type: 'plan' });
}

function start(
  state: ReconcilerState,
  phase: Phase,
  effect:
    | { readonly type: 'read'; readonly known: string | undefined }
    | { readonly type: 'load' | 'plan' | 'apply' },
): Transition {
  const generation = state.generation + 1;
  return {
    state: { ...state, phase, generation, backingOff: false },
    effects: [{ ...effect, generation }],
  };
}

function stay(state: ReconcilerState): Transition {
  return { state, effects: [] };
}

/** Neither seen by the last plan nor made by ourselves. */
function isNews(state: ReconcilerState, revision: number): boolean {
  return revision > state.plannedAt && !state.written.includes(revision);
}

function isResting(state: ReconcilerState): boolean {
  return state.phase === 'idle' || state.phase === 'live';
}

function needsPlan(state: ReconcilerState): boolean {
  return state.good !== undefined && !state.settled;
}
