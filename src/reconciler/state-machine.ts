/**
 * What a reconciler does next: one pure function from a state and an event to a state and effects.
 *
 * Work flows read -> load -> plan -> apply, one step at a time; the result of a step is the next event. Whoever
 * runs the effects carries the generation of each along, and a result of an older generation is dropped, however
 * late it comes. What arrives while a step is under way (a poll, a change in the store) is remembered and taken
 * up when the work has come to rest, so that no two plans are ever applied at once.
 *
 * An invalid commit is not tried again: the last good one stays, and is defended against drift, until a new one
 * comes. So is the commit that is live while a newer one is refused, or somebody has gone back to it; where we
 * have never read it ourselves, it is recalled: the store says which it is, the source what was in it. What may
 * pass by itself (source or store out of reach, a lost race) is tried again with backoff.
 *
 * A commit in the store that we have never seen was written by another reconciler, and may be newer than ours.
 * Before anything is written over it the source is read once more; what it then says is the newest.
 */
import { type BackoffLimits, backoffMs } from '../model/backoff.js';
import { sourceFault, withCondition } from './conditions.js';
import { agreeing, defending, describeRewrite, differing, type Hold, held, outrun } from './findings.js';
import type {
  Difference,
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

/** A source that is away for a moment is asked again before the live commit is looked up in its stead. */
const FAILURES_BEFORE_RECALL = 3;

/** Waits after a failure that may pass. */
export const RETRY: BackoffLimits = { firstMs: 500, maxMs: 10_000 };

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
      return onRead(state, event);
    case 'source-failed':
      return onSourceFailed(state, event);
    case 'loaded':
      return onLoaded(state, event.commit, event.problem);
    case 'recalled':
      return onRecalled(state, event.commit, event.problem);
    case 'planned':
      return state.defending
        ? onDefencePlanned(state, event.revision, event.verdict)
        : onPlanned({ ...state, plannedAt: event.revision, written: [] }, event.verdict);
    case 'progress':
      return onProgress(state, event);
    case 'applied':
      return onApplied(state, event.revision);
    case 'too-large':
      return state.defending ? rest(state) : hold(state, 'too-large', event.message);
    case 'conflict':
      return onConflict(state, event.jitter);
    case 'store-failed':
      return onStoreFailed(state, event.message, event.jitter);
    case 'retry':
      return onRetry(state);
  }
}

function onStoreChanged(state: ReconcilerState, revision: number, jitter: number): Transition {
  if (!isNews(state, revision) || !hasAim(state)) return stay(state);
  const disturbed = { ...state, settled: false, defended: false };
  if (state.phase === 'reading' && !state.readDeferred)
    return startWork({ ...disturbed, pollPending: true, readDeferred: true });
  if (!isResting(state)) return stay({ ...disturbed, disturbances: [...state.disturbances, revision] });
  if (state.backingOff) return stay(disturbed);
  return state.repairs > FREE_REPAIRS ? yieldToRival(disturbed, jitter) : startWork(disturbed);
}

function onLeadership(state: ReconcilerState, leading: boolean): Transition {
  const conditions = leading
    ? withCondition(state.conditions, 'Leading', 'True', 'Elected')
    : withCondition(state.conditions, 'Leading', 'False', 'Following');
  const next = { ...state, leading, conditions };
  if (!leading || !isResting(next)) return stay(next);
  // Who did not lead could not defend anything.
  const vacant = { ...next, defended: false };
  return needsWork(vacant) ? startWork(vacant) : stay(vacant);
}

function onRead(
  state: ReconcilerState,
  { commit, changed, rewritten }: Extract<StepResult, { type: 'read' }>,
): Transition {
  const { unknown } = state;
  const before = state.conditions;
  // Until the next commit everybody can see that history was rewritten.
  const stands = !changed && before.SourceReady.status === 'True';
  const conditions = stands
    ? before
    : rewritten === undefined
      ? withCondition(before, 'SourceReady', 'True', 'Read', `commit ${commit}`)
      : withCondition(before, 'SourceReady', 'True', 'HistoryRewritten', describeRewrite(commit, rewritten));
  const next = {
    ...state,
    conditions,
    known: commit,
    readDeferred: false,
    sourceFailures: 0,
    heeded: unknown,
  };
  if (changed) return start(next, 'loading', { type: 'load' });
  return needsWork(next) ? startWork(next) : rest({ ...next, repairs: 0 });
}

/**
 * While the source is away the last good commit is still defended, but not against another commit; the next poll
 * asks the source again.
 */
function onSourceFailed(
  state: ReconcilerState,
  { code, message, retryable, jitter }: Extract<StepResult, { type: 'source-failed' }>,
): Transition {
  const failed = withCondition(state.conditions, 'SourceReady', 'False', sourceFault(code), message);
  const { unknown, heeded } = state;
  const why = `another reconciler has written commit ${unknown}, and the source cannot be read`;
  const behind = unknown !== heeded;
  const conditions = behind ? withCondition(failed, 'Applied', 'Unknown', 'SourceBehind', why) : failed;
  const sourceFailures = state.sourceFailures + 1;
  const next = { ...state, conditions, sourceFailures, readDeferred: false, pollPending: false };
  const asksAgain = next.good === undefined && retryable;
  if (needsWork(next) && !asksAgain && !behind) return startWork(next);
  return retryable ? pause(next, backoffMs(sourceFailures, RETRY, jitter)) : rest(next);
}

function onLoaded(state: ReconcilerState, commit: string, problem: string | undefined): Transition {
  if (problem !== undefined) {
    const invalid = withCondition(state.conditions, 'Valid', 'False', 'InvalidManifests', problem);
    const next = {
      ...state,
      conditions: state.applied === undefined ? invalid : defending(invalid, state.applied),
    };
    return needsWork(next) ? startWork(next) : rest(next);
  }
  const conditions = withCondition(state.conditions, 'Valid', 'True', 'Checked', `commit ${commit}`);
  return startWork({ ...state, conditions, good: commit, settled: false });
}

function onPlanned(state: ReconcilerState, verdict: PlanVerdict): Transition {
  const { conditions, good } = state;
  switch (verdict.type) {
    case 'nothing': {
      const matches = withCondition(conditions, 'Applied', 'True', 'StoreMatches', `commit ${good}`);
      const live = {
        ...state,
        conditions: defending(matches, good),
        settled: true,
        applied: good,
      };
      return rest({ ...agreeing(live, good), conflicts: 0, storeFailures: 0 });
    }
    case 'apply': {
      const { over } = verdict;
      const isOurs = over === undefined || over === good || over === state.applied;
      if (!isOurs && over !== state.heeded) return startRead({ ...state, unknown: over, settled: false });
      // The newest commit is invalid, and the store holds one that is newer than the last that was valid here.
      if (!isOurs && good !== state.known) return startRecall(outrun(state, over));
      if (state.leading) return start(state, 'applying', { type: 'apply' });
      const waiting = withCondition(conditions, 'Applied', 'False', 'NotLeading', verdict.message);
      return rest({ ...differing(state, good, verdict.difference), conditions: waiting, settled: false });
    }
    case 'suspended':
      return hold(state, verdict.type, verdict.message);
    case 'refused':
    case 'too-large':
    case 'rolled-back':
      return startRecall(held(state, verdict.type, verdict.message));
  }
}

/** The plan stays a plan until something changes: the commit, the store, or somebody's mind. */
function hold(state: ReconcilerState, why: Hold, message: string): Transition {
  return rest(held(state, why, message));
}

/** What the store holds is known, or is found not to be: then there is nothing that could be put back. */
function onRecalled(
  state: ReconcilerState,
  commit: string | undefined,
  problem: string | undefined,
): Transition {
  if (commit === undefined) {
    const conditions =
      problem === undefined
        ? state.conditions
        : withCondition(state.conditions, 'Defended', 'False', 'LiveCommitUnreadable', problem);
    return rest({ ...state, conditions, defended: true });
  }
  const message = `commit ${commit} stays live`;
  const conditions = withCondition(state.conditions, 'Defended', 'True', 'LiveCommit', message);
  return start({ ...state, conditions, recalled: commit }, 'planning', { type: 'plan', of: 'live' });
}

/**
 * What the newest commit is held for stays said. The plan of that one counts for what is news, so that a change
 * between the two plans is looked at again.
 */
function onDefencePlanned(state: ReconcilerState, revision: number, verdict: PlanVerdict): Transition {
  const plannedAt = state.good === undefined ? revision : state.plannedAt;
  const next = { ...state, plannedAt, defended: true };
  if (verdict.type === 'apply' && state.leading) return start(next, 'applying', { type: 'apply' });
  const { recalled } = state;
  if (verdict.type === 'nothing')
    return rest({ ...agreeing(next, recalled), conflicts: 0, storeFailures: 0 });
  const { message } = verdict;
  const difference: Difference | undefined =
    verdict.type === 'apply' ? verdict.difference : { reason: 'StoreDiffers', message };
  return rest(differing(next, recalled, difference));
}

/** Part of a commit is in the store, and no host takes notice of it; races that were lost before are forgotten. */
function onProgress(
  state: ReconcilerState,
  { revision, applied, total }: Extract<StepResult, { type: 'progress' }>,
): Transition {
  const next = { ...state, written: [...state.written, revision], conflicts: 0 };
  if (state.defending) return stay(next);
  const message = `${applied} of ${total} changes of commit ${state.good} are written`;
  const conditions = withCondition(state.conditions, 'Applied', 'Unknown', 'Applying', message);
  return stay({ ...next, conditions });
}

function onApplied(state: ReconcilerState, revision: number): Transition {
  const written = {
    ...state,
    written: [...state.written, revision],
    conflicts: 0,
    // A fight goes on until a poll finds peace.
    storeFailures: state.repairs >= FREE_REPAIRS ? state.storeFailures : 0,
  };
  if (state.defending) return rest({ ...agreeing(written, state.recalled), repairs: state.repairs + 1 });
  const applied = withCondition(state.conditions, 'Applied', 'True', 'StoreMatches', `commit ${state.good}`);
  return rest({
    ...agreeing(written, state.good),
    conditions: defending(applied, state.good),
    settled: true,
    applied: state.good,
    repairs: state.applied === state.good ? state.repairs + 1 : 0,
  });
}

function onConflict(state: ReconcilerState, jitter: number): Transition {
  const next = { ...state, settled: false, defended: false, conflicts: state.conflicts + 1 };
  if (next.conflicts <= MAX_CONFLICTS) return startWork(next);
  return yieldToRival({ ...next, conflicts: 0 }, jitter);
}

function onStoreFailed(state: ReconcilerState, message: string, jitter: number): Transition {
  const conditions = withCondition(state.conditions, 'Applied', 'Unknown', 'StoreFailed', message);
  return backOff({ ...state, conditions, settled: false, defended: false }, jitter);
}

function onRetry(state: ReconcilerState): Transition {
  if (state.backingOff) return startWork(state);
  const isAway = state.good === undefined && state.sourceFailures >= FAILURES_BEFORE_RECALL;
  return isAway && needsWork(state) ? startWork({ ...state, pollPending: true }) : startRead(state);
}

/** The work has come to rest: what was put off meanwhile comes first. */
function rest(state: ReconcilerState): Transition {
  const disturbed = state.disturbances.some((revision) => isNews(state, revision));
  const next = {
    ...state,
    disturbances: [],
    settled: state.settled && !disturbed,
    defended: state.defended && !disturbed,
  };
  if (disturbed) return startWork(next);
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
  return pause({ ...state, storeFailures, backingOff: true }, backoffMs(storeFailures, RETRY, jitter));
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
  return start({ ...state, pollPending: false, defending: false }, 'reading', {
    type: 'read',
    known: state.known,
  });
}

/** On the newest good commit; on the live one where none is known. */
function startWork(state: ReconcilerState): Transition {
  const next = { ...state, disturbances: [], defending: false };
  if (state.good === undefined) return startRecall(next);
  return start(next, 'planning', { type: 'plan', of: 'newest' });
}

function startRecall(state: ReconcilerState): Transition {
  return start({ ...state, defending: true }, 'loading', { type: 'recall' });
}

function start(
  state: ReconcilerState,
  phase: Phase,
  effect:
    | { readonly type: 'read'; readonly known: string | undefined }
    | { readonly type: 'load' | 'recall' | 'apply' }
    | { readonly type: 'plan'; readonly of: 'newest' | 'live' },
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

/** A commit to work for: a good one, or the live one while no other can be had. */
function hasAim({ good, conditions }: ReconcilerState): boolean {
  return (
    good !== undefined || conditions.Valid.status === 'False' || conditions.SourceReady.status === 'False'
  );
}

function needsWork(state: ReconcilerState): boolean {
  return hasAim(state) && !(state.good === undefined ? state.defended : state.settled);
}
