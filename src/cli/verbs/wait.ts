/**
 * `heddle wait`: until a commit is live on enough hosts; for scripts after a push.
 */
import { InvalidArgumentError } from 'commander';
import { isReached, waitForCommit } from '../../reconciler/status/wait-for-commit.js';
import { type CommonOptions, durationFlag, flag, type Verb, verb } from '../command.js';
import { addEtcdOptions, type EtcdOptions, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { formatWait, waitReport } from '../format-wait.js';
import { createLog } from '../log.js';

interface WaitOptions extends CommonOptions, EtcdOptions {
  readonly commit: string;
  readonly hosts: number;
  readonly timeout: number;
  readonly bgp?: boolean;
}

export const wait: Verb = (context) => {
  const { environment } = context;
  return addEtcdOptions(verb(context, 'wait', 'until a commit is live on enough hosts'), context)
    .addOption(
      flag(environment, '--commit <sha>', 'the commit, in full or abbreviated')
        .makeOptionMandatory()
        .argParser(parseCommit),
    )
    .addOption(
      flag(environment, '--hosts <share>', 'how many hosts: 95%').argParser(parseShare).default(1, '100%'),
    )
    .addOption(flag(environment, '--bgp', 'count a host only while all of its BGP sessions are up'))
    .addOption(
      flag(environment, '--timeout <time>', 'how long to wait')
        .argParser(durationFlag)
        .default(60_000, '60s'),
    )
    .action(async ({ commit, hosts: share, timeout: timeoutMs, ...options }: WaitOptions) => {
      await using opened = await openStore(options, createLog(options.logLevel));
      const started = performance.now();
      const result = await waitForCommit(opened.store, opened.layout, {
        commit,
        share,
        timeoutMs,
        signal: context.signal,
        ...(options.bgp && { withSessions: true }),
      });
      if (result.unheard !== undefined)
        throw new CliError(EXIT.unexpected, `etcd could not be asked within the time: ${result.unheard}`);
      const tookMs = Math.round(performance.now() - started);
      const reached = isReached(result, share);
      context.out(
        options.output === 'json'
          ? `${JSON.stringify({ commit, ...waitReport(result), reached, tookMs })}\n`
          : formatWait(commit, result, { reached, tookMs }),
      );
      if (!reached) context.exitWith(EXIT.notConverged);
    });
};

function parseCommit(text: string): string {
  if (!/^([0-9a-f]{4,64}|folder-[0-9a-f]+)$/.test(text))
    throw new InvalidArgumentError(`"${text}" is not a commit id.`);
  return text;
}

function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
  const share = Number(match?.[1]) / 100;
  if (!match || share > 1) throw new InvalidArgumentError(`"${text}" is not a share: write 95%.`);
  return share;
}
