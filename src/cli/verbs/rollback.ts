/**
 * `heddle rollback --to SEQ`: the network of an earlier commit again, until the source has a newer one.
 *
 * It is a step forward in the history: the old tree under a new sequence number, with a plan, tests and guards like
 * any other. The head then names the commit that the source had, and every loop holds that one back; while there
 * is an emergency nobody has to find and stop the loops first. It takes the lead from whoever has it, so that it
 * need not wait for a loop that never leaves.
 */
import { hostname } from 'node:os';
import { InvalidArgumentError } from 'commander';
import { SourceError } from '../../loader/sources/source.js';
import { type RollbackTarget, reconcileOnce } from '../../reconciler/reconcile-once.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { addEtcdOptions, type EtcdOptions, type OpenStore, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { createLog } from '../log.js';
import { printOutcome } from '../print-outcome.js';
import { addSourceOptions, openSourceOf, type SourceOptions } from '../source-options.js';
import { type HistoryEntry, readHistory } from './history.js';

interface RollbackOptions extends CommonOptions, EtcdOptions, SourceOptions {
  readonly to: number;
  readonly source: string;
  readonly dryRun: boolean;
  readonly approvePrune: boolean;
}

/** The seat may be taken by another in the moment in which it is free. */
const LOCK_TIMEOUT_MS = 20_000;

export const rollback: Verb = (context) => {
  const command = verb(
    context,
    'rollback',
    'go back to an earlier commit, until the repository has a newer one',
  );
  addEtcdOptions(addSourceOptions(command, context), context);
  const add = (flags: string, description: string) => flag(context.environment, flags, description);
  return command
    .addOption(
      add('--to <seq>', 'which commit: its SEQ in heddle history').argParser(parseSeq).makeOptionMandatory(),
    )
    .addOption(add('--source <name>', 'name under which the repository owns its objects').default('default'))
    .addOption(add('--dry-run', 'say what would change, and change nothing').default(false))
    .addOption(add('--approve-prune', 'allow a plan that deletes more than the limit').default(false))
    .action(async (options: RollbackOptions) => {
      await using opened = await openStore(options, createLog(options.logLevel));
      const entry = await findEntry(opened, options);
      const source = await openSourceOf(options);
      const newest = await source.latest(context.signal);
      if (newest.startsWith('folder-'))
        throw new CliError(
          EXIT.invalidInput,
          `${source.description} is read as a folder, which has no commit that loops could hold back`,
          'name the repository that the loops read, or add --ref main',
        );
      const target: RollbackTarget = {
        ...{ to: entry.seq, tree: entry.tree },
        ...(newest !== entry.commit && { held: newest }),
      };
      const outcome = await reconcileOnce(
        {
          ...{ source, store: opened.store, layout: opened.layout, signal: context.signal },
          now: () => new Date(),
        },
        {
          name: options.source,
          node: hostname(),
          against: { type: 'store' },
          dryRun: options.dryRun,
          detailed: false,
          pruneApproved: options.approvePrune,
          lockTimeoutMs: LOCK_TIMEOUT_MS,
          commit: entry.commit,
          rollback: target,
        },
      );
      printOutcome(outcome, context, options);
      if (options.output === 'human' && outcome.applied && target.held !== undefined)
        context.out(`Commit ${target.held} is held until ${source.description} has a newer one.\n`);
      context.exitWith(outcome.exitCode);
    });
};

async function findEntry(
  { store, layout }: OpenStore,
  { source, to }: RollbackOptions,
): Promise<HistoryEntry> {
  const snapshot = await store.snapshot(layout.keys.historyPrefix);
  const entries = readHistory(snapshot, layout).filter((entry) => entry.source === source);
  const entry = entries.find(({ seq }) => seq === to);
  if (!entry) {
    const known = entries.map(({ seq }) => seq);
    const what =
      known.length === 0 ? 'it has no history' : `it has ${Math.min(...known)} to ${Math.max(...known)}`;
    throw new CliError(
      EXIT.invalidInput,
      `source ${source} has no seq ${to}: ${what}`,
      'heddle history lists them',
    );
  }
  if (!entry.commit.startsWith('folder-')) return entry;
  throw new SourceError(
    'unknown-ref',
    `seq ${to} was read from a folder, and its files are not kept. Change the files, or reconcile from a git repository`,
  );
}

function parseSeq(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a sequence number.`);
  return Number(text);
}
