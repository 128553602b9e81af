/**
 * A plan that was saved, looked at by a person, and is now to be applied: exactly that one.
 *
 * The plan is made again from the same commit. It is the one that was reviewed when it leads from the same head
 * to the same changes; other people's keys may have moved meanwhile, so the revision does not count. When its
 * commit is written in part already, what is left must be among what was reviewed.
 */
import { canonicalJson } from '../layout/canonical-value.js';
import type { Plan } from './plan-types.js';
import { type PlanDocument, planDocument } from './render/json.js';

/** Reads what `--out` wrote; undefined for text that is no plan of this format. */
export function parsePlanDocument(text: string): PlanDocument | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlanDocument(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** True when applying the plan does what was reviewed, and nothing else. */
export function isReviewedPlan(plan: Plan, reviewed: PlanDocument): boolean {
  const planned = planDocument(plan);
  if (essence(planned) !== essence(reviewed)) return false;
  const { series } = plan.base;
  const left = planned.changes.map(canonicalJson);
  const approved = reviewed.changes.map(canonicalJson);
  if (series?.record.commit !== plan.commit) return canonicalJson(left) === canonicalJson(approved);
  const known = new Set(approved);
  return left.every((change) => known.has(change));
}

/** Guards are left out: they may be approved after the review. */
function essence({ source, commit, head }: PlanDocument): string {
  return canonicalJson({ source, commit, head });
}

function isPlanDocument(value: unknown): value is PlanDocument {
  if (typeof value !== 'object' || value === null) return false;
  const { formatVersion, source, commit, changes, guards } = value as Partial<
    Record<keyof PlanDocument, unknown>
  >;
  return (
    formatVersion === '1.0' &&
    typeof source === 'string' &&
    typeof commit === 'string' &&
    Array.isArray(changes) &&
    Array.isArray(guards)
  );
}
