/**
 * One reconcile from beginning to end, for `--once` and `--dry-run`.
 *
 * Everything that happened comes back as a value, mistakes in the manifests and a store out of reach included;
 * the command line prints it. A store that holds the commit already is not written to, not even to take the
 * lead.
 */
import { type ApplyOptions, type ApplyProgress, applyPlan } from '../apply/apply.js';
import { EMPTY_SNAPSHOT, projectPlan } from '../apply/project.js';
import type { Datastore } from '../datastore/datastore.js';
import { withDeadline } from '../datastore/deadline.js';
import type { PlanDocument } from '../diff/render/json.js';
import { isReviewedPlan } from '../diff/saved-plan.js';
import type { Layout } from '../layout/layout.js';
import type { Rollback } from '../layout/records.js';
import { ManifestCache, type ParsedFiles } from '../loader/load.js';
import { type Source, SourceError, type SourceTree } from '../loader/sources/source.js';
import type { Snapshot } from '../model/store.js';
import { describeFailures } from '../verify/render/test-report.js';
import { type ApprovedPlan, planWithApproval } from './approved-plan.js';
import { consequencesOf, describeWidening } from './consequences.js';
import { type Desired, describeErrors, prepareDesired } from './desired.js';
import { type Circumstances, commitInStore, hasWork, type Objection, objectionsTo } from './judge.js';
import { campaign, currentLeader, type Leadership, takeOver } from './leader.js';
import { exitCodeOf, type Failure, failureOf, InvalidBaseError, type ReconcileOutcome } from './outcome.js';
import { MAX_CONFLICTS } from './state-machine.js';
import { readSuspension } from './status/suspension.js';

export interface ReconcileDeps {
  readonly source: Source;
  /** Needed unless the plan is made against another commit, or against nothing. */
  readonly store: Datastore | undefined;
  readonly layout: Layout;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** Where parsed manifests outlive the process. */
  readonly parsed?: ParsedFiles | undefined;
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
  /** Refuse a plan by which anybody may say more than before. */
  readonly denyWidening?: boolean;
  /** Read this commit instead of the newest. */
  readonly commit?: string;
  /** `commit` is gone back to, in place of whoever leads. */
  readonly rollback?: RollbackTarget;
  /** Apply only if the plan is this one. */
  readonly reviewed?: PlanDocument;
  /** How long to wait for another leader to leave, in ms. */
  readonly lockTimeoutMs: number;
}

export interface RollbackTarget extends Partial<Pick<Rollback, 'held'>> {
  readonly to: Rollback['to'];
  /** What was applied then: the tree of the commit below the same --path. */
  readonly tree: string;
}

/** Time to live of the lease under which a single apply is made, in seconds. */
const LEASE_SECONDS = 5;

const INTERRUPTED =
  'interrupted before all was written; hosts stay at the commit before; run it again to finish';

type Findings = {
  -readonly [K in Exclude<keyof ReconcileOutcome, 'exitCode' | 'failure'>]: ReconcileOutcome[K];
};

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
    connectivity: undefined,
    bgp: undefined,
    applied: undefined,
    failures: [],
  };
  try {
    const desired = await readDesired(deps, options, findings);
    if (desired) {
      await planOver(await baseSnapshot(deps, options), desired, findings, deps, options);
      if (options.dryRun) noteObjections(findings, deps, options, {});
      else await apply(desired, findings, deps, options);
    }
  } catch (error) {
    findings.failures = [failureOf(error)];
  }
  const [failure] = findings.failures;
  return { ...findings, failure, exitCode: exitCodeOf(findings, options.detailed) };
}

async function readDesired(
  { source, layout, parsed, signal }: ReconcileDeps,
  { commit, rollback }: ReconcileOptions,
  findings: Findings,
): Promise<Desired | undefined> {
  const tree = await source.read(signal, commit);
  if (rollback && tree.version.tree !== rollback.tree) {
    const message = `seq ${rollback.to} was applied from another folder of commit ${tree.version.commit}: give the --path of that time`;
    findings.failures = [{ code: 'invalid', message }];
    return undefined;
  }
  const desired = prepareDesired(tree, layout, new ManifestCache(parsed));
  findings.version = desired.version;
  findings.diagnostics = desired.diagnostics;
  const message = describeErrors(desired.diagnostics);
  if (message === undefined) return desired;
  findings.failures = [{ code: 'invalid', message }];
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
      const tree = await readBase(deps, against.commit);
      // The commit under review makes the folder: everything in it is new.
      if (!tree) return EMPTY_SNAPSHOT;
      const base = prepareDesired(tree, deps.layout);
      const message = describeErrors(base.diagnostics);
      if (message !== undefined)
        throw new InvalidBaseError(
          `commit ${against.commit}, which is compared with, is invalid: ${message}`,
        );
      return projectPlan(EMPTY_SNAPSHOT, (await plan(base, EMPTY_SNAPSHOT, deps, options)).plan, deps.layout);
    }
  }
}

/** undefined: there is no such folder in that commit yet. */
async function readBase({ source, signal }: ReconcileDeps, commit: string): Promise<SourceTree | undefined> {
  try {
    return await source.read(signal, commit);
  } catch (error) {
    if (error instanceof SourceError && error.code === 'no-path') return undefined;
    throw error;
  }
}

/** The plan, and what it leads to. */
async function planOver(
  snapshot: Snapshot,
  desired: Desired,
  findings: Findings,
  deps: ReconcileDeps,
  options: ReconcileOptions,
): Promise<void> {
  const planned = await plan(desired, snapshot, deps, options);
  findings.plan = planned.plan;
  findings.bgp = planned.bgp;
  const { connectivity, tests } = consequencesOf(findings.plan, snapshot, desired, deps.layout);
  findings.connectivity = connectivity;
  findings.tests = tests;
}

function plan(
  desired: Desired,
  snapshot: Snapshot,
  { source, layout, signal }: ReconcileDeps,
  { name, pruneApproved, rollback }: ReconcileOptions,
): Promise<ApprovedPlan> {
  const { version, compiled } = desired;
  const input = { source: name, version, compiled, snapshot, layout, pruneApproved };
  // What the old commit approved was another change.
  return planWithApproval(input, rollback ? undefined : source, signal);
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
      findings.failures = [await whyNotLeading(deps, options)];
      return;
    }
    const left = await applyLeading(unwritten, leadership, findings, deps, options);
    unwritten = left && (await planAgain(left, findings, deps, options));
  }
}

/** Going back to the newest commit is the end of a rollback. */
function rollbackRecord({ rollback }: ReconcileOptions): Rollback | undefined {
  return rollback?.held === undefined ? undefined : { to: rollback.to, held: rollback.held };
}

function takeLead(deps: ReconcileDeps, options: ReconcileOptions): Promise<Leadership | undefined> {
  const { name, node, lockTimeoutMs, rollback } = options;
  const now = () => deps.now().toISOString();
  const patience = withDeadline(deps.signal, lockTimeoutMs);
  const store = storeOf(deps);
  const candidate = { store, layout: deps.layout, name, node, now, ttlSeconds: LEASE_SECONDS };
  return rollback ? takeOver(candidate, patience) : campaign(candidate, patience);
}

async function whyNotLeading(
  deps: ReconcileDeps,
  { name, lockTimeoutMs }: ReconcileOptions,
): Promise<Failure> {
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
    rollback: rollbackRecord(options),
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
    if (result.status === 'too-large') findings.failures = [{ code: 'too-large', message: result.message }];
    if (result.status === 'stopped') {
      if (!deps.signal.aborted) return newest;
      findings.failures = [{ code: 'locked', message: INTERRUPTED }];
    }
    if (result.status !== 'conflict') return undefined;
    if (!(await leadership.isHeld())) return newest;
    newest = await planAgain(newest, findings, deps, options);
    if (!newest || !(await mayApply(findings, deps, options))) return undefined;
  }
  findings.failures = [
    { code: 'conflict', message: 'others keep writing the keys of this source; try again' },
  ];
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
  await planOver(await snapshot(), desired, findings, deps, options);
  const found = findings.plan && commitInStore(findings.plan);
  if (options.commit !== undefined || found === before || found === findings.plan?.commit) return desired;
  const newest = await readDesired(deps, options, findings);
  if (newest) await planOver(await snapshot(), newest, findings, deps, options);
  return newest;
}

/** True when the plan has something to write and nothing stands against it. */
async function mayApply(
  findings: Findings,
  deps: ReconcileDeps,
  options: ReconcileOptions,
): Promise<boolean> {
  const { plan } = findings;
  if (!plan) return false;
  const { reviewed, commit } = options;
  const newest = commit === undefined ? plan.commit : undefined;
  const suspension = await readSuspension(storeOf(deps), deps.layout);
  const isStale = reviewed !== undefined && !isReviewedPlan(plan, reviewed);
  const stale = isStale
    ? `the store has changed since the plan for ${reviewed.commit} was made; plan and review again`
    : undefined;
  const objections = noteObjections(findings, deps, options, { suspension, stale, newest });
  return objections.length === 0 && hasWork(plan, deps.layout);
}

/** Notes all that stands against the plan; what it says itself, or the report of the tests, is not said again. */
function noteObjections(
  findings: Findings,
  { layout }: ReconcileDeps,
  { denyWidening }: ReconcileOptions,
  found: Pick<Circumstances, 'suspension' | 'stale' | 'newest'>,
): readonly Objection[] {
  const { plan, tests, connectivity } = findings;
  if (!plan) return [];
  const broken = tests && describeFailures(tests);
  const widening = denyWidening && connectivity ? describeWidening(connectivity) : undefined;
  const objections = objectionsTo(plan, { ...found, layout, broken, widening });
  findings.failures = objections.flatMap(({ type, message }) =>
    type === 'refused' || type === 'tests' ? [] : [{ code: type, message }],
  );
  return objections;
}

function storeOf(deps: ReconcileDeps): Datastore {
  if (!deps.store) throw new TypeError('A plan against the store needs a store');
  return deps.store;
}
