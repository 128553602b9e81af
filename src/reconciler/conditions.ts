/**
 * What a reconciler says of its source: a few statements, each with a reason that programs can rely on.
 *
 * Messages hold no times and no counters, so that an unchanged situation is an unchanged text, and is reported
 * once. Only `Applying` counts: it is how far a commit of many transactions has come.
 */
import type { Condition } from '../layout/records.js';

export const CONDITION_TYPES = ['Leading', 'SourceReady', 'Valid', 'Applied'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

export type ConditionReason =
  | 'Starting'
  | 'Elected'
  | 'Following'
  | 'Read'
  | 'SourceFailed'
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
  | 'StoreFailed';

export type Conditions = Readonly<Record<ConditionType, Condition>>;

export const INITIAL_CONDITIONS: Conditions = {
  Leading: condition('Leading', 'False', 'Starting', ''),
  SourceReady: condition('SourceReady', 'Unknown', 'Starting', ''),
  Valid: condition('Valid', 'Unknown', 'Starting', ''),
  Applied: condition('Applied', 'Unknown', 'Starting', ''),
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
