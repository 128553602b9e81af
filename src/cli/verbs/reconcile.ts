/**
 * `heddle reconcile`: make the store hold what the repository says: once, for ever, or only on paper.
 */
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../agent/status/clock.js';
import { createLayout } from '../../layout/create-layout.js';
import { openParsedFiles } from '../../loader/sources/parsed-files.js';
import type { ReconcileOutcome } from '../../reconciler/outcome.js';
import { type Against, reconcileOnce } from '../../reconciler/reconcile-once.js';
import { runReconciler } from '../../reconciler/reconciler.js';
import { type CommonOptions, durationFlag, flag, type Verb, verb } from '../command.js';
import type { CliContext } from '../context.js';
import { addEtcdOptions, type EtcdOptions, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { createLog } from '../log.js';
import { documentOf, printOutcome } from '../print-outcome.js';
import { addSourceOptions, openSourceOf, type SourceOptions, shareableRepo } from '../source-options.js';

interface ReconcileOptions extends CommonOptions, EtcdOptions, SourceOptions {
  readonly source: string;
  readonly node: string;
  readonly once: boolean;
  readonly dryRun: boolean;
  readonly against?: string;
  readonly out?: string;
  readonly detailedExitcode: boolean;
  readonly interval: number;
  readonly lead: 'auto' | 'never';
  readonly approvePrune: boolean;
  readonly denyWidening: boolean;
  readonly lockTimeout: number;
}

/** How long leadership outlives a leader that died. */
const LEASE_SECONDS = 10;
const SHORTEST_INTERVAL_MS = 100;

export const reconcile: Verb = (context) => {
  const command = verb(context, 'reconcile', 'make the store hold what the repository says', {
    outputs: ['human', 'json', 'markdown'],
    logLevel: 'info',
  });
  addEtcdOptions(addSourceOptions(command, context), context);
  return addModes(command, context).action((options: ReconcileOptions, self: Command) => {
    if (!options.once && !options.dryRun) return runLoop(context, options);
    // A loop is read by its log, a single run by what it prints: there only errors are told unasked.
    const isAsked = self.getOptionValueSource('logLevel') !== 'default';
    return runOnce(context, isAsked ? options : { ...options, logLevel: 'error' });
  });
};

function addModes(command: Command, { environment }: CliContext): Command {
  const add = (flags: string, description: string) => flag(environment, flags, description);
  return command
    .addOption(add('--source <name>', 'name under which this repository owns its objects').default('default'))
    .addOption(
      add('--node <name>', 'who this is, for the others to read').default(hostname(), "the host's name"),
    )
    .addOption(add('--once', 'one time, and then end').default(false))
    .addOption(add('--dry-run', 'say what would change, and change nothing').default(false))
    .addOption(
      add(
        '--against <what>',
        'compare with: etcd, empty, or a git ref. Default: etcd with --etcd, else empty',
      ),
    )
    .addOption(add('--out <file>', 'save the plan, for heddle apply'))
    .addOption(add('--detailed-exitcode', 'end with 2 when there are changes').default(false))
    .addOption(
      add('--interval <time>', 'how often to look for new commits')
        .argParser(parseIntervalMs)
        .default(30_000, '30s'),
    )
    .addOption(add('--lead <when>', 'never: verify only').choices(['auto', 'never']).default('auto'))
    .addOption(add('--approve-prune', 'allow a plan that deletes more than the limit').default(false))
    .addOption(add('--deny-widening', 'refuse what opens anything to anybody (exit code 4)').default(false))
    .addOption(
      add('--lock-timeout <time>', 'how long --once waits for another leader')
        .argParser(durationFlag)
        .default(20_000, '20s'),
    );
}

async function runOnce(context: CliContext, options: ReconcileOptions): Promise<void> {
  const against = againstOf(options);
  const needsStore = against.type === 'store' || !options.dryRun;
  await using opened = needsStore ? await openStore(options, createLog(options.logLevel)) : undefined;
  const source = await openSourceOf(options);
  const outcome = await reconcileOnce(
    {
      source,
      parsed: openParsedFiles(options.cacheDir, source.description),
      store: opened?.store,
      layout: opened?.layout ?? createLayout(options.etcdPrefix),
      now: () => new Date(),
      signal: context.signal,
    },
    {
      name: options.source,
      node: options.node,
      against,
      dryRun: options.dryRun,
      detailed: options.detailedExitcode,
      pruneApproved: options.approvePrune,
      denyWidening: options.denyWidening,
      lockTimeoutMs: options.lockTimeout,
    },
  );
  printOutcome(outcome, context, options);
  if (options.out !== undefined) await savePlan(context, outcome, options);
  context.exitWith(outcome.exitCode);
}

async function runLoop(context: CliContext, options: ReconcileOptions): Promise<void> {
  if (options.approvePrune) {
    throw new CliError(
      EXIT.invalidInput,
      '--approve-prune only goes with --once or --dry-run: a loop would let every later commit pass, too',
      'approve one commit: add the line "Prune-Approved: yes" to its message, or apply it with --once',
    );
  }
  const log = createLog(options.logLevel, { node: options.node, source: options.source });
  await using opened = await openStore(options, log);
  const source = await openSourceOf(options);
  log.info('reconciler started', { repository: source.description });
  await runReconciler(
    {
      ...{ source, log, store: opened.store, layout: opened.layout },
      parsed: openParsedFiles(options.cacheDir, source.description),
      now: () => new Date(),
      random: Math.random,
      sleep: (ms, signal) => systemClock.pause(ms, signal),
    },
    {
      name: options.source,
      node: options.node,
      lead: options.lead,
      intervalMs: options.interval,
      leaseSeconds: LEASE_SECONDS,
      pruneApproved: options.approvePrune,
      denyWidening: options.denyWidening,
    },
    context.signal,
  );
}

function parseIntervalMs(text: string): number {
  const ms = durationFlag(text);
  if (ms < SHORTEST_INTERVAL_MS) throw new InvalidArgumentError('An interval has at least 100 ms.');
  return ms;
}

function againstOf({ against, etcd, dryRun }: ReconcileOptions): Against {
  const what = against ?? (etcd === undefined ? 'empty' : 'etcd');
  if (!dryRun) {
    if (against !== undefined && against !== 'etcd') {
      throw new CliError(
        EXIT.invalidInput,
        '--against only goes with --dry-run',
        'add --dry-run, or leave it out',
      );
    }
    return { type: 'store' };
  }
  if (what === 'etcd') return { type: 'store' };
  return what === 'empty' ? { type: 'nothing' } : { type: 'commit', commit: what };
}

/**
 * The plan with where it came from, so that applying it later needs no more than the file and the store, and
 * credentials where the repository asks for some: a plan is passed around, and holds none.
 */
async function savePlan(
  { err }: CliContext,
  outcome: ReconcileOutcome,
  { out: file = '', repo: address, ref, path, cacheDir }: ReconcileOptions,
): Promise<void> {
  if (!outcome.plan) return;
  const { repo, hadCredentials } = shareableRepo(address);
  const repository = { repo, ref, path, cacheDir };
  const saved = { ...documentOf(outcome.plan, outcome), repository };
  await writeFile(file, `${JSON.stringify(saved, null, 2)}\n`);
  if (hadCredentials)
    err(
      `${file} does not hold the credentials of --repo: give them to heddle apply with --git-user and --git-password-file\n`,
    );
}
