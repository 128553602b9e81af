/**
 * One reconcile from beginning to end, for `--once` and `--dry-run`.
 *
 * Everything that happened comes back as a value, mistakes in the manifests and a store out of reach included;
 * the command line prints it. A store that holds the commit already is not written to, not even to take the
 * lead.
 */
import { type ApplyOptions, type ApplyProgress, applyPlan } from '../apply/apply.js';
import { EMPTY_SNAPSHOT, projectPlan } from '../apply/project.js';
import { type Datastore, DatastoreError } from '../datastore/datastore.js';
import { EXIT_CODES, type ExitCode, firstExitCode, planExitCode } from '../diff/exit-code.js';
import type { Plan } from '../diff/plan-types.js';
import type { PlanDocument } from '../diff/render/json.js';
import { isReviewedPlan } from '../diff/saved-plan.js';
import type { Layout } from '../layout/layout.js';
import { type Source, SourceError, type SourceVersion } from '../loader/sources/source.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { Revision, Snapshot } from '../model/store.js';
import type { TestReport } from '../verify/connectivity-test.js';
import { planWithApproval } from './approved-plan.js';
import { type Desired, describeErrors, prepareDesired } from './desired.js';
import { commitInStore, judgePlan } from './judge.js';
import { campaign, currentLeader, type Leadership } from './leader.js';
import { MAX_CONFLICTS } from './state-machine.js';
import { readSuspension } from './suspension.js';

export interface ReconcileDeps {
  readonly source: Source;
  /** Needed unless the plan is made against another commit, or against nothing. */
  readonly store: Datastore | undefined;
  readonly layout: Layout;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** Told how far a commit has come that takes more than one transaction. */
  readonly onProgress?: (progress: ApplyProgress) => void;
}

/** What the commit is compared with. */
export type Against =
  | { readonly type: 'store' }
  | { readonly type: 'commit'; readonly commit: string }
  | { readonly type: 'nothing' };

export interface ReconcileOptions {
  /** Name of the source. */
  readonly name: string;
  /** Who we are, should we lead. */
  readonly node: string;
  readonly against: Against;
  /** Plan only. Without it, `against` is the store. */
  readonly dryRun: boolean;
  /** Tell by exit code 2 that there are changes. */
  readonly detailed: boolean;
  readonly pruneApproved: boolean;
  /** Read this commit instead of the newest. */
  readonly commit?: string;
  /** Apply only if the plan is this one. */
  readonly reviewed?: PlanDocument;
  /** How long to wait for another leader to leave, in ms. */
  readonly lockTimeoutMs: number;
}

export type FailureCode =
  | 'invalid'
  | 'source'
  | 'store'
  | 'store-access'
  | 'suspended'
  | 'locked'
  | 'conflict'
  | 'stale'
  | 'too-large';

export interface ReconcileOutcome {
  /** What was read; undefined when nothing could be. */
  readonly version: SourceVersion | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** What the plan was made against. */
  readonly against: Against['type'];
  readonly plan: Plan | undefined;
  /** undefined when the manifests could not be read. */
  readonly tests: TestReport | undefined;
  readonly applied: { readonly seq: number; readonly revision: Revision } | undefined;
  readonly failure: { readonly code: FailureCode; readonly message: string } | undefined;
  readonly exitCode: ExitCode;
}

/** Time to live of the lease under which a single apply is made, in seconds. */
const LEASE_SECONDS = 5;

const INTERRUPTED =
  'interrupted before all was written; hosts stay at the commit before; run it again to finish';

const FAILURE_EXITS: Record<FailureCode, ExitCode> = {
  invalid: EXIT_CODES.invalidInput,
  source: EXIT_CODES.source,
  store: EXIT_CODES.unexpected,
  'store-access': EXIT_CODES.source,
  suspended: EXIT_CODES.locked,
  locked: EXIT_CODES.locked,
  conflict: EXIT_CODES.conflict,
  stale: EXIT_CODES.conflict,
  'too-large': EXIT_CODES.guard,
};

type Findings = { -readonly [K in Exclude<keyof ReconcileOutcome, 'exitCode'>]: ReconcileOutcome[K] };

export async function reconcileOnce(
  deps: ReconcileDeps,
  options: ReconcileOptions,
): Promise<ReconcileOutcome> {
  const findings: Findings = {
    version: undefined,
    diagnostics: [],
    against: options.against.type,
    plan: undefined,
    tests: undefined,
    applied: undefined,
    failure: undefined,
  };
  try {
    const desired = await readDesired(deps, options, findings);
    if (!desired) return outcomeOf(findings, options);
    findings.plan = await plan(desired, await baseSnapshot(deps, options), deps, options);
    if (!options.dryRun && desired.tests.failed === 0) await apply(desired, findings, deps, options);
  } catch (error) {
    findings.failure = failureOf(error);
  }
  return outcomeOf(findings, options);
}

async function readDesired(
  { source, layout, signal }: ReconcileDeps,
  { commit }: ReconcileOptions,
  findings: Findings,
): Promise<Desired | undefined> {
  const desired = prepareDesired(await source.read(signal, commit), layout);
  findings.version = desired.version;
  findings.diagnostics = desired.diagnostics;
  findings.tests = desired.tests;
  const message = describeErrors(desired.diagnostics);
  if (message === undefined) return desired;
  findings.failure = { code: 'invalid', message };
  return undefined;
}

async function baseSnapshot(deps: ReconcileDeps, options: ReconcileOptions): Promise<Snapshot> {
  const { against } = options;
  switch (against.type) {
    case 'nothing':
      return EMPTY_SNAPSHOT;
    case 'store':
      return storeOf(deps).snapshot(deps.layout.prefix);
    case 'commit': {
      const base = prepareDesired(await deps.source.read(deps.signal, against.commit), deps.layout);
      const message = describeErrors(base.diagnostics);
      if (message !== undefined)
        throw new InvalidBaseError(
          `commit ${against.commit}, which is compared with, is invalid: ${message}`,
        );
      return projectPlan(EMPTY_SNAPSHOT, await plan(base, EMPTY_SNAPSHOT, deps, options), deps.layout);
    }
  }
}

function plan(
  desired: Desired,
  snapshot: Snapshot,
  { source, layout, signal }: ReconcileDeps,
  { name, pruneApproved }: ReconcileOptions,
): Promise<Plan> {
  const { version, compiled } = desired;
  const input = { source: name, version, compiled, snapshot, layout, pruneApproved };
  return planWithApproval(input, source, signal);
}

/** Applies under leadership; who loses it in the middle of a series stands again, and goes on. */
async function apply(
  desired: Desired,
  findings: Findings,
  deps: ReconcileDeps,
  options: ReconcileOptions,
): Promise<void> {
  let unwritten: Desired | undefined = desired;
  while (unwritten && (await mayApply(findings, deps, options))) {
    await using leadership = await takeLead(deps, options);
    if (!leadership) {
      findings.failure = await whyNotLeading(deps, options);
      return;
    }
    const left = await applyLeading(unwritten, leadership, findings, deps, options);
    unwritten = left && (await planAgain(left, findings, deps, options));
  }
}

function takeLead(deps: ReconcileDeps, options: ReconcileOptions): Promise<Leadership | undefined> {
  const { name, node, lockTimeoutMs } = options;
  const now = () => deps.now().toISOString();
  const patience = AbortSignal.any([deps.signal, AbortSignal.timeout(lockTimeoutMs)]);
  const store = storeOf(deps);
  return campaign({ store, layout: deps.layout, name, node, now, ttlSeconds: LEASE_SECONDS }, patience);
}

async function whyNotLeading(
  deps: ReconcileDeps,
  { name, lockTimeoutMs }: ReconcileOptions,
): Promise<Findings['failure']> {
  if (deps.signal.aborted) return { code: 'locked', message: INTERRUPTED };
  const leader = await currentLeader({ store: storeOf(deps), layout: deps.layout, name });
  const message = `${leader?.node ?? 'another reconciler'} leads and has not left within ${lockTimeoutMs} ms`;
  return { code: 'locked', message };
}

/** After a lost race it plans again. Returns what is left to write when the lead was lost. */
async function applyLeading(
  desired: Desired,
  leadership: Leadership,
  findings: Findings,
  deps: ReconcileDeps,
  options: ReconcileOptions,
): Promise<Desired | undefined> {
  let conflicts = 0;
  const context: ApplyOptions = {
    layout: deps.layout,
    now: deps.now().toISOString(),
    leadership: leadership.createRevision,
    signal: AbortSignal.any([deps.signal, leadership.lost]),
    onProgress: (progress) => {
      conflicts = 0;
      deps.onProgress?.(progress);
    },
  };
  let newest: Desired | undefined = desired;
  for (; findings.plan && newest && conflicts <= MAX_CONFLICTS; conflicts += 1) {
    const result = await applyPlan(storeOf(deps), findings.plan, context);
    if (result.status === 'applied') findings.applied = { seq: result.seq, revision: result.revision };
    if (result.status === 'too-large') findings.failure = { code: 'too-large', message: result.message };
    if (result.status === 'stopped') {
      if (!deps.signal.aborted) return newest;
      findings.failure = { code: 'locked', message: INTERRUPTED };
    }
    if (result.status !== 'conflict') return undefined;
    if (!(await leadership.isHeld())) return newest;
    newest = await planAgain(newest, findings, deps, options);
    if (!newest || !(await mayApply(findings, deps, options))) return undefined;
  }
  findings.failure = { code: 'conflict', message: 'others keep writing the keys of this source; try again' };
  return undefined;
}

/** Whoever has written another commit meanwhile may know a newer one: then the source is read again. */
async function planAgain(
  desired: Desired,
  findings: Findings,
  deps: ReconcileDeps,
  options: ReconcileOptions,
): Promise<Desired | undefined> {
  const snapshot = () => storeOf(deps).snapshot(deps.layout.prefix);
  const before = findings.plan && commitInStore(findings.plan);
  findings.plan = await plan(desired, await snapshot(), deps, options);
  const found = commitInStore(findings.plan);
  if (options.commit !== undefined || found === before || found === findings.plan.commit) return desired;
  const newest = await readDesired(deps, options, findings);
  if (newest) findings.plan = await plan(newest, await snapshot(), deps, options);
  return newest;
}

/** True when the plan has something to write and nothing stands against it. */
async function mayApply(
  findings: Findings,
  deps: ReconcileDeps,
  { reviewed }: ReconcileOptions,
): Promise<boolean> {
  if (!findings.plan) return false;
  if (reviewed && !isReviewedPlan(findings.plan, reviewed)) {
    const message = `the store has changed since the plan for ${reviewed.commit} was made; plan and review again`;
    findings.failure = { code: 'stale', message };
    return false;
  }
  const { layout } = deps;
  const suspension = await readSuspension(storeOf(deps), layout);
  const verdict = judgePlan(findings.plan, { layout, suspension });
  switch (verdict.type) {
    case 'apply':
      return true;
    case 'nothing':
    case 'refused':
      return false;
    case 'too-large':
    case 'suspended':
      findings.failure = { code: verdict.type, message: verdict.message };
      return false;
  }
}

function storeOf(deps: ReconcileDeps): Datastore {
  if (!deps.store) throw new TypeError('A plan against the store needs a store');
  return deps.store;
}

class InvalidBaseError extends Error {
  override readonly name = 'InvalidBaseError';
}

/** @throws what is not the fault of source, store or input. */
function failureOf(error: unknown): NonNullable<ReconcileOutcome['failure']> {
  if (error instanceof SourceError) return { code: 'source', message: error.message };
  if (error instanceof InvalidBaseError) return { code: 'invalid', message: error.message };
  if (!(error instanceof DatastoreError)) throw error;
  const denied = error.code === 'unauthenticated' || error.code === 'permission-denied';
  return { code: denied ? 'store-access' : 'store', message: error.message };
}

function outcomeOf(findings: Findings, { detailed }: ReconcileOptions): ReconcileOutcome {
  const { failure, plan, tests } = findings;
  const exitCode = firstExitCode([
    ...(failure ? [FAILURE_EXITS[failure.code]] : []),
    ...(plan ? [planExitCode(plan, { detailed })] : []),
    ...(tests && tests.failed > 0 ? [EXIT_CODES.connectivity] : []),
  ]);
  return { ...findings, exitCode };
}
