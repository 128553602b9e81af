/**
 * The plan as a JSON document, format version 1.0: fields may be added to it, and are never changed.
 *
 * The guarded writes stay out: they are how, not what, and hold whole values.
 */
import type { FieldDiff, Guard, Plan } from '../plan-types.js';
import { type PlanSummary, summarizePlan } from '../summary.js';

export interface PlanDocument {
  readonly formatVersion: '1.0';
  readonly source: string;
  readonly commit: string;
  /** Revision of the store that the plan was made against. */
  readonly base: number;
  /** The commit that the store held then; null before the first. */
  readonly head: { readonly seq: number; readonly commit: string } | null;
  readonly changes: readonly ChangeDocument[];
  readonly summary: PlanSummary;
  readonly guards: readonly Guard[];
  readonly tests: PlanMeaning['tests'];
  readonly connectivity: PlanMeaning['connectivity'];
  /** Absent: BGP stays as it is. */
  readonly bgp?: object;
}

/** What the plan means for those who talk to each other, as whoever knows that has put it. */
export interface PlanMeaning {
  readonly tests: {
    readonly passed: number;
    readonly failed: number;
    /** `store`: endpoints and policy that no manifest holds have counted, in the difference too. */
    readonly on?: 'store' | 'manifests';
    /** Of those that fail. */
    readonly results?: readonly object[];
  };
  readonly connectivity: { readonly gained: readonly object[]; readonly lost: readonly object[] };
  /** Sessions and routes that come and go. */
  readonly bgp?: object | undefined;
}

const NOTHING_KNOWN: PlanMeaning = {
  tests: { passed: 0, failed: 0 },
  connectivity: { gained: [], lost: [] },
};

interface ChangeDocument {
  readonly action: string;
  readonly kind: string;
  readonly name: string;
  /** null for what stands in no manifest. */
  readonly origin: { readonly file: string; readonly line: number } | null;
  readonly keys: readonly { readonly key: string; readonly op: 'put' | 'delete' }[];
  readonly diff: readonly FieldDiff[];
  readonly reason?: string;
}

export function planDocument(
  plan: Plan,
  { tests, connectivity, bgp }: PlanMeaning = NOTHING_KNOWN,
): PlanDocument {
  const { head } = plan.base;
  return {
    formatVersion: '1.0',
    source: plan.source,
    commit: plan.commit,
    base: plan.base.revision,
    head: head ? { seq: head.seq, commit: head.commit } : null,
    changes: plan.changes.map(({ action, kind, name, origin, keys, diff, reason }) => ({
      action,
      kind,
      name,
      origin: origin ?? null,
      keys,
      diff,
      ...(reason !== undefined && { reason }),
    })),
    summary: summarizePlan(plan),
    guards: plan.guards,
    tests,
    connectivity,
    ...(bgp !== undefined && { bgp }),
  };
}
