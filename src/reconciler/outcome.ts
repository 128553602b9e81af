/**
 * What came of one reconcile, as a value, and the exit code that it deserves. PURE.
 */
import { DatastoreError } from '../datastore/datastore.js';
import { EXIT_CODES, type ExitCode, firstExitCode, planExitCode } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import { SourceError, type SourceVersion } from '../loader/sources/source.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { Revision } from '../model/store.js';
import type { BgpImpact } from '../topology/propagation/bgp-impact.js';
import type { TestReport } from '../verify/connectivity-test.js';
import type { ConnectivityDiff } from '../verify/semantic-diff.js';

export type FailureCode =
  | 'invalid'
  | 'source'
  | 'store'
  | 'store-access'
  | 'suspended'
  | 'rolled-back'
  | 'locked'
  | 'conflict'
  | 'stale'
  | 'too-large'
  | 'widening';

export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
}

export interface ReconcileOutcome {
  /** What was read; undefined when nothing could be. */
  readonly version: SourceVersion | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** What the plan was made against: with the store, endpoints and policy that no manifest holds count. */
  readonly against: 'store' | 'commit' | 'nothing';
  readonly plan: Plan | undefined;
  /** Of the network that the plan leads to; undefined without a plan. */
  readonly tests: TestReport | undefined;
  /** What the plan opens and closes. */
  readonly connectivity: ConnectivityDiff | undefined;
  /** What the plan does to BGP; undefined: nothing. */
  readonly bgp: BgpImpact | undefined;
  readonly applied: { readonly seq: number; readonly revision: Revision } | undefined;
  /** All that stood in the way, the foremost first; what guards and tests say is in the plan and in the report. */
  readonly failures: readonly Failure[];
  readonly failure: Failure | undefined;
  readonly exitCode: ExitCode;
}

const FAILURE_EXITS: Record<FailureCode, ExitCode> = {
  invalid: EXIT_CODES.invalidInput,
  source: EXIT_CODES.source,
  store: EXIT_CODES.unexpected,
  'store-access': EXIT_CODES.source,
  suspended: EXIT_CODES.locked,
  'rolled-back': EXIT_CODES.locked,
  locked: EXIT_CODES.locked,
  conflict: EXIT_CODES.conflict,
  stale: EXIT_CODES.conflict,
  'too-large': EXIT_CODES.guard,
  widening: EXIT_CODES.connectivity,
};

/** @param detailed - tell by exit code 2 that there are changes. */
export function exitCodeOf(
  { failures, plan, tests }: Pick<ReconcileOutcome, 'failures' | 'plan' | 'tests'>,
  detailed: boolean,
): ExitCode {
  return firstExitCode([
    ...failures.map(({ code }) => FAILURE_EXITS[code]),
    ...(plan ? [planExitCode(plan, { detailed })] : []),
    ...(tests && tests.failed > 0 ? [EXIT_CODES.connectivity] : []),
  ]);
}

/** The commit to compare with has mistakes of its own. */
export class InvalidBaseError extends Error {
  override readonly name = 'InvalidBaseError';
}

/** @throws what is not the fault of source, store or input. */
export function failureOf(error: unknown): Failure {
  if (error instanceof SourceError) return { code: 'source', message: error.message };
  if (error instanceof InvalidBaseError) return { code: 'invalid', message: error.message };
  if (!(error instanceof DatastoreError)) throw error;
  const denied = error.code === 'unauthenticated' || error.code === 'permission-denied';
  return { code: denied ? 'store-access' : 'store', message: error.message };
}
