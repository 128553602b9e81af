/**
 * `heddle apply`: a plan that was saved with `reconcile --dry-run --out` and reviewed, and no other.
 *
 * The plan is made again from the same commit of the same repository. When it is not what was reviewed, because the
 * store has moved on, nothing is written and the exit code is 6.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { PlanDocument } from '../../diff/render/json.js';
import { parsePlanDocument } from '../../diff/saved-plan.js';
import { reconcileOnce } from '../../reconciler/reconcile-once.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { addEtcdOptions, type EtcdOptions, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { createLog } from '../log.js';
import { printOutcome } from '../print-outcome.js';
import { addSourceOptions, openSourceOf, type SourceOptions } from '../source-options.js';

interface ApplyOptions extends CommonOptions, EtcdOptions, Partial<SourceOptions> {
  readonly approvePrune: boolean;
  readonly denyWidening: boolean;
}

/** Longer than the lease of a loop's leader that died. */
const LOCK_TIMEOUT_MS = 20_000;

export const apply: Verb = (context) => {
  const command = verb(context, 'apply', 'exactly the plan that was reviewed');
  addEtcdOptions(addSourceOptions(command, context, { repoFrom: 'the plan' }), context);
  return command
    .argument('<plan.json>', 'what reconcile --dry-run --out wrote')
    .addOption(
      flag(context.environment, '--approve-prune', 'allow a plan that deletes more than the limit').default(
        false,
      ),
    )
    .addOption(
      flag(
        context.environment,
        '--deny-widening',
        'refuse what opens anything to anybody (exit code 4)',
      ).default(false),
    )
    .action(async (file: string, options: ApplyOptions) => {
      const { reviewed, repository } = await readSavedPlan(file);
      const source = sourceOf(file, { ...repository, ...options });
      await using opened = await openStore(options, createLog(options.logLevel));
      const isFolder = reviewed.commit.startsWith('folder-');
      const outcome = await reconcileOnce(
        {
          source: await openSourceOf(source),
          ...{ store: opened.store, layout: opened.layout, signal: context.signal },
          now: () => new Date(),
        },
        {
          name: reviewed.source,
          node: hostname(),
          against: { type: 'store' },
          dryRun: false,
          detailed: false,
          pruneApproved: options.approvePrune,
          denyWidening: options.denyWidening,
          lockTimeoutMs: LOCK_TIMEOUT_MS,
          reviewed,
          ...(!isFolder && { commit: reviewed.commit }),
        },
      );
      printOutcome(outcome, context, options);
      context.exitWith(outcome.exitCode);
    });
};

interface SavedPlan {
  readonly reviewed: PlanDocument;
  /** What was planned from, where the file says so. */
  readonly repository: Partial<SourceOptions> | undefined;
}

async function readSavedPlan(file: string): Promise<SavedPlan> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new CliError(EXIT.invalidInput, `${file} cannot be read: ${error.message}`);
  });
  const reviewed = parsePlanDocument(text);
  if (!reviewed)
    throw new CliError(
      EXIT.invalidInput,
      `${file} is not a saved plan`,
      'make one: heddle reconcile --dry-run --out plan.json',
    );
  const { repository } = JSON.parse(text) as { readonly repository?: Partial<SourceOptions> };
  return { reviewed, repository };
}

function sourceOf(file: string, options: Partial<SourceOptions>): SourceOptions {
  const { repo, cacheDir } = options;
  if (repo === undefined || cacheDir === undefined) {
    throw new CliError(
      EXIT.invalidInput,
      `${file} does not say which repository it was made from`,
      'name it with --repo',
    );
  }
  return { ...options, repo, cacheDir };
}
