/**
 * `heddle reconcile`: make the store hold what the repository says: once, for ever, or only on paper.
 */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { systemClock } from '../agent/status/clock.js';
import { renderPlan } from '../diff/render/human.js';
import { planDocument } from '../diff/render/json.js';
import { createLayout } from '../layout/create-layout.js';
import { formatHuman, formatReport } from '../loader/format-diagnostics.js';
import { type Against, type ReconcileOutcome, reconcileOnce } from '../reconciler/reconcile-once.js';
import { runReconciler } from '../reconciler/reconciler.js';
import { type CommonOptions, flag, parseDurationMs, type Verb, verb } from './command.js';
import { type CliContext, pickColors } from './context.js';
import { addEtcdOptions, type EtcdOptions, openStore } from './etcd-options.js';
import { CliError, EXIT } from './exit-codes.js';
import { diagnosticStyle } from './load-folder.js';
import { createLog } from './log.js';
import { addSourceOptions, openSourceOf, type SourceOptions } from './source-options.js';

interface ReconcileOptions extends CommonOptions, EtcdOptions, SourceOptions {
  readonly source: string;
  readonly node: string;
  readonly once: boolean;
  readonly dryRun: boolean;
  readonly against?: string;
  readonly detailedExitcode: boolean;
  readonly interval: number;
  readonly lead: 'auto' | 'never';
  readonly approvePrune: boolean;
  readonly lockTimeout: number;
}

/** How long leadership outlives a leader that died. */
const LEASE_SECONDS = 15;

export const reconcile: Verb = (context) => {
  const command = verb(context, 'reconcile', 'make the store hold what the repository says', {
    logLevel: 'info',
  });
  addEtcdOptions(addSourceOptions(command, context), context);
  return addModes(command, context).action((options: ReconcileOptions) =>
    options.once || options.dryRun ? runOnce(context, options) : runLoop(context, options),
  );
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
    .addOption(add('--detailed-exitcode', 'end with 2 when there are changes').default(false))
    .addOption(
      add('--interval <time>', 'how often to look for new commits')
        .argParser(parseDurationMs)
        .default(30_000, '30s'),
    )
    .addOption(add('--lead <when>', 'never: verify only').choices(['auto', 'never']).default('auto'))
    .addOption(add('--approve-prune', 'let a plan pass that deletes unusually much').default(false))
    .addOption(
      add('--lock-timeout <time>', 'how long --once waits for another leader')
        .argParser(parseDurationMs)
        .default(10_000, '10s'),
    );
}

async function runOnce(context: CliContext, options: ReconcileOptions): Promise<void> {
  const against = againstOf(options);
  const needsStore = against.type === 'store' || !options.dryRun;
  await using opened = needsStore ? await openStore(options, createLog(options.logLevel)) : undefined;
  const outcome = await reconcileOnce(
    {
      source: await openSourceOf(options),
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
      lockTimeoutMs: options.lockTimeout,
    },
  );
  print(outcome, context, options);
  context.exitWith(outcome.exitCode);
}

async function runLoop(context: CliContext, options: ReconcileOptions): Promise<void> {
  const log = createLog(options.logLevel, { node: options.node, source: options.source });
  await using opened = await openStore(options, log);
  const source = await openSourceOf(options);
  log.info('reconciler started', { repository: source.description });
  await runReconciler(
    {
      ...{ source, log, store: opened.store, layout: opened.layout },
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
    },
    context.signal,
  );
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

function print(outcome: ReconcileOutcome, context: CliContext, options: ReconcileOptions): void {
  const { plan, failure, applied, diagnostics } = outcome;
  const colors = pickColors(options.color, context);
  if (options.output === 'json') {
    const document = plan ? planDocument(plan) : formatReport(diagnostics);
    const result = { ...document, ...(applied && { applied }), ...(failure && { failure }) };
    context.out(`${JSON.stringify(result)}\n`);
    return;
  }
  const shown =
    failure?.code === 'invalid' ? diagnostics.filter(({ severity }) => severity === 'error') : diagnostics;
  context.err(formatHuman(shown, diagnosticStyle(colors)));
  if (plan) context.out(renderPlan(plan, colors));
  if (applied) context.out(colors.green(`Applied as seq ${applied.seq} at revision ${applied.revision}.\n`));
  if (failure && failure.code !== 'invalid') context.err(`heddle: ${failure.message}\n`);
}
