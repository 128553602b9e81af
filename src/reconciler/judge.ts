/**
 * Whether a plan is to be applied, and if not, why: read off the plan. PURE.
 */
import { describeOversizedPlan } from '../apply/apply.js';
import { movesHead, planTransaction } from '../apply/transaction.js';
import { isRefused, isWritten } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { Layout } from '../layout/layout.js';
import type { Difference, PlanVerdict } from './reconciler-state.js';

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
  /** The newest commit of the source, where it is that which decides; undefined: a person has named a commit. */
  readonly newest?: string | undefined;
}

/** Why a plan is not to be applied. */
export interface Objection {
  readonly type: 'rolled-back' | 'suspended' | 'stale' | 'refused' | 'too-large' | 'tests' | 'widening';
  readonly message: string;
}

/** The foremost decides; all are told. */
export function judgePlan(plan: Plan, circumstances: Circumstances): PlanVerdict {
  const objections = objectionsTo(plan, circumstances);
  const [foremost] = objections;
  if (foremost) {
    const message = objections.map((one) => one.message).join('\n');
    const { type } = foremost;
    const isVerdict = type === 'rolled-back' || type === 'suspended' || type === 'too-large';
    return { type: isVerdict ? type : 'refused', message };
  }
  if (!hasWork(plan, circumstances.layout)) return { type: 'nothing' };
  return {
    type: 'apply',
    message: describePending(plan),
    over: placeInStore(plan),
    difference: differenceOf(plan),
  };
}

/** All that stands against the plan, in the order of the exit codes. */
export function objectionsTo(
  plan: Plan,
  { layout, suspension, stale, broken, widening, newest }: Circumstances,
): readonly Objection[] {
  const works = hasWork(plan, layout);
  const messages: Readonly<Record<Objection['type'], string | undefined>> = {
    'rolled-back': describeRollback(plan, newest),
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
  'rolled-back',
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

/** After a rollback it is no longer the commit that it was: whoever knew it must ask the source again. */
function placeInStore(plan: Plan): string | undefined {
  const { head } = plan.base;
  const commit = commitInStore(plan);
  return head?.rollback ? `${commit} (rolled back at seq ${head.seq})` : commit;
}

/** How the store differs from the commit that it names; undefined while it names another, or one that is begun. */
function differenceOf(plan: Plan): Difference | undefined {
  const { head, series } = plan.base;
  if (head?.commit !== plan.commit || series) return undefined;
  if (head.tree !== plan.tree) {
    const message = `commit ${plan.commit} has tree ${plan.tree} here, and was applied with tree ${head.tree}: compare --repo and --path of the hosts`;
    return { reason: 'TreeMismatch', message };
  }
  const changed = plan.changes.filter(isWritten).map(({ kind, name }) => `${kind}/${name}`);
  if (changed.length === 0) return undefined;
  const more = changed.length > DIFFERENCES_NAMED ? ` and ${changed.length - DIFFERENCES_NAMED} more` : '';
  const named = changed.slice(0, DIFFERENCES_NAMED).join(', ');
  return {
    reason: 'StoreDiffers',
    message: `the store differs from commit ${plan.commit} in ${named}${more}`,
  };
}

const DIFFERENCES_NAMED = 3;

/** After a rollback only a commit that is newer than the one that was left may take its place. */
function describeRollback(plan: Plan, newest: string | undefined): string | undefined {
  const { head } = plan.base;
  if (newest === undefined || !head?.rollback || !movesHead(plan)) return undefined;
  const { to, held } = head.rollback;
  if (plan.commit === newest && newest !== held) return undefined;
  return `rolled back to seq ${to} (commit ${head.commit}); commit ${held} is held until the source has a newer one, or until heddle resume`;
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
