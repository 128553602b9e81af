/**
 * What a reconciler says of its source: a few statements, each with a reason that programs can rely on.
 *
 * Messages hold no times and no counters, so that an unchanged situation is an unchanged text, and is reported
 * once. Only `Applying` counts: it is how far a commit of many transactions has come.
 */
import type { Condition } from '../layout/records.js';
import type { SourceErrorCode } from '../loader/sources/source.js';

export const CONDITION_TYPES = ['Leading', 'SourceReady', 'Valid', 'Applied', 'Defended'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

export type ConditionReason =
  | 'Starting'
  | 'Elected'
  | 'Following'
  | 'Read'
  | 'HistoryRewritten'
  | SourceFault
  | 'Checked'
  | 'InvalidManifests'
  | 'Applying'
  | 'StoreMatches'
  | 'Refused'
  | 'TooLarge'
  | 'Suspended'
  | 'SourceBehind'
  | 'NotLeading'
  | 'Conflict'
  | 'StoreFailed'
  | 'RolledBack'
  | 'NewestIsLive'
  | 'LiveCommit'
  | 'LiveCommitUnreadable';

/** What can be wrong with a source. */
export type SourceFault =
  | 'SourceFailed'
  | 'RepositoryAway'
  | 'RepositoryNotFound'
  | 'PathNotFound'
  | 'AuthFailed'
  | 'HostKeyUnknown'
  | 'HostKeyChanged'
  | 'EmptyRepository'
  | 'BranchGone'
  | 'FetchCorrupt'
  | 'SourceTooLarge';

const SOURCE_FAULTS: Readonly<Record<SourceErrorCode, SourceFault>> = {
  unreachable: 'RepositoryAway',
  'not-found': 'RepositoryNotFound',
  'no-path': 'PathNotFound',
  auth: 'AuthFailed',
  'host-key-unknown': 'HostKeyUnknown',
  'host-key-changed': 'HostKeyChanged',
  empty: 'EmptyRepository',
  'unknown-ref': 'BranchGone',
  corrupt: 'FetchCorrupt',
  limit: 'SourceTooLarge',
};

export function sourceFault(code: SourceErrorCode | undefined): SourceFault {
  return code === undefined ? 'SourceFailed' : SOURCE_FAULTS[code];
}

export type Conditions = Readonly<Record<ConditionType, Condition>>;

export const INITIAL_CONDITIONS: Conditions = {
  Leading: condition('Leading', 'False', 'Starting', ''),
  SourceReady: condition('SourceReady', 'Unknown', 'Starting', ''),
  Valid: condition('Valid', 'Unknown', 'Starting', ''),
  Applied: condition('Applied', 'Unknown', 'Starting', ''),
  Defended: condition('Defended', 'Unknown', 'Starting', ''),
};

export function withCondition(
  conditions: Conditions,
  type: ConditionType,
  status: Condition['status'],
  reason: ConditionReason,
  message = '',
): Conditions {
  return { ...conditions, [type]: condition(type, status, reason, message) };
}

export function listConditions(conditions: Conditions): readonly Condition[] {
  return CONDITION_TYPES.map((type) => conditions[type]);
}

function condition(
  type: ConditionType,
  status: Condition['status'],
  reason: ConditionReason,
  message: string,
): Condition {
  return { type, status, reason, message };
}
