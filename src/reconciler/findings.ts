/**
 * What a step has found, noted in the state of the machine: the conditions that people see, and whether the store
 * agrees. PURE.
 */
import { type Conditions, withCondition } from './conditions.js';
import type { Difference, ReconcilerState } from './reconciler-state.js';

const HELD = {
  refused: 'Refused',
  'too-large': 'TooLarge',
  suspended: 'Suspended',
  'rolled-back': 'RolledBack',
} as const;

export type Hold = keyof typeof HELD;

/** The newest good commit is planned, and may not be applied for now. */
export function held(state: ReconcilerState, why: Hold, message: string): ReconcilerState {
  const conditions = withCondition(state.conditions, 'Applied', 'False', HELD[why], message);
  return { ...state, conditions, settled: false };
}

/** Others are ahead, and what they have read cannot be had here without errors. */
export function outrun(state: ReconcilerState, over: string): ReconcilerState {
  const why = `another reconciler has written commit ${over}, which may be newer than ${state.good}`;
  const conditions = withCondition(state.conditions, 'Applied', 'Unknown', 'SourceBehind', why);
  return { ...state, conditions, settled: false };
}

/** What is known of an earlier comparison stays while there is nothing to compare: the store names another commit. */
export function differing(
  state: ReconcilerState,
  commit: string | undefined,
  difference: Difference | undefined,
): ReconcilerState {
  if (commit === undefined || !difference) return state;
  return { ...state, agreement: { agrees: false, commit, ...difference } };
}

export function agreeing(state: ReconcilerState, commit: string | undefined): ReconcilerState {
  return commit === undefined ? state : { ...state, agreement: { agrees: true, commit } };
}

/** What is live is the newest commit, or the last valid one before it. */
export function defending(conditions: Conditions, live: string | undefined): Conditions {
  return conditions.Valid.status === 'False'
    ? withCondition(conditions, 'Defended', 'True', 'LiveCommit', `commit ${live} stays live`)
    : withCondition(conditions, 'Defended', 'True', 'NewestIsLive');
}

export function describeRewrite(commit: string, before: string): string {
  return `commit ${commit} does not descend from ${before}, which was the newest before: history was rewritten`;
}
