/**
 * Whether a plan is to be applied, and if not, why: read off the plan. PURE.
 */
import { describeOversizedPlan } from '../apply/apply.js';
import { movesHead, planTransaction } from '../apply/transaction.js';
import { isRefused, isWritten } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { Layout } from '../layout/layout.js';
import type { PlanVerdict } from './reconciler-state.js';

export interface Circumstances {
  readonly layout: Layout;
  /** Somebody has suspended reconciliation; what they wrote there. */
  readonly suspension?: string | undefined;
  /** It is not the plan that was reviewed: what to do about it. */
  readonly stale?: string | undefined;
  /** Tests of the commit that do not hold; undefined: all do. */
  readonly broken?: string | undefined;
  /** What it opens, where that is forbidden. */
  readonly widening?: string | undefined;
}

/** Why a plan is not to be applied. */
export interface Objection {
  readonly type: 'suspended' | 'stale' | 'refused' | 'too-large' | 'tests' | 'widening';
  readonly message: string;
}

/** The foremost decides; all are told. */
export function judgePlan(plan: Plan, circumstances: Circumstances): PlanVerdict {
  const objections = objectionsTo(plan, circumstances);
  const [foremost] = objections;
  if (foremost) {
    const message = objections.map((one) => one.message).join('\n');
    const { type } = foremost;
    return { type: type === 'suspended' || type === 'too-large' ? type : 'refused', message };
  }
  if (!hasWork(plan, circumstances.layout)) return { type: 'nothing' };
  return { type: 'apply', message: describePending(plan), over: commitInStore(plan) };
}

/** All that stands against the plan, in the order of the exit codes. */
export function objectionsTo(
  plan: Plan,
  { layout, suspension, stale, broken, widening }: Circumstances,
): readonly Objection[] {
  const works = hasWork(plan, layout);
  const messages: Readonly<Record<Objection['type'], string | undefined>> = {
    suspended: works ? suspension : undefined,
    stale,
    refused: isRefused(plan) ? describeRefusal(plan) : undefined,
    'too-large': works ? describeOversizedPlan(plan, { layout, now: '' }) : undefined,
    // Of a commit that is live already only drift is left to repair.
    tests: movesHead(plan) ? broken : undefined,
    widening,
  };
  return ORDER.flatMap((type) => {
    const message = messages[type];
    return message === undefined ? [] : [{ type, message }];
  });
}

const ORDER: readonly Objection['type'][] = [
  'suspended',
  'stale',
  'refused',
  'too-large',
  'tests',
  'widening',
];

/** Whether there is anything to write. */
export function hasWork(plan: Plan, layout: Layout): boolean {
  return planTransaction(plan, { layout, now: '' }) !== undefined;
}

/** The commit that the plan was made against: one that is begun, or else the one that is live. */
export function commitInStore({ base }: Plan): string | undefined {
  return base.series?.record.commit ?? base.head?.commit;
}

/** All reasons, guards first. */
function describeRefusal(plan: Plan): string {
  const guards = plan.guards.map(({ message, approve }) => `${message}; to go on: ${approve}`);
  const blocked = plan.changes
    .filter(({ action }) => action === 'blocked')
    .map(({ kind, name, reason }) => `${kind}/${name}: ${reason}`);
  return [...guards, ...blocked].join('\n');
}

function describePending(plan: Plan): string {
  const count = plan.changes.filter(isWritten).length;
  const changes = `${count} ${count === 1 ? 'change' : 'changes'} pending`;
  if (movesHead(plan)) return `commit ${plan.commit} is not in the store: ${changes}`;
  const { series } = plan.base;
  return series ? `commit ${series.record.commit} is written in part: ${changes}` : `drift: ${changes}`;
}
