/**
 * `heddle status`: which commit is live where.
 */

import { shortCommit } from '../../diff/summary.js';
import { printable } from '../../model/printable.js';
import {
  type ClusterStatus,
  type HostReport,
  readClusterStatus,
} from '../../reconciler/status/cluster-status.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { type Colors, pickColors } from '../context.js';
import { addEtcdOptions, type EtcdOptions, openStore } from '../etcd-options.js';
import { createLog } from '../log.js';
import { formatTable } from '../table.js';

export const status: Verb = (context) =>
  addEtcdOptions(verb(context, 'status', 'which commit is live on which host'), context)
    .addOption(flag(context.environment, '--bgp', 'every BGP session of every host, too'))
    .action(async (options: StatusOptions) => {
      await using opened = await openStore(options, createLog(options.logLevel));
      const report = await readClusterStatus(opened.store, opened.layout, { sessions: options.bgp ?? false });
      const colors = pickColors(options.color, context);
      const sessions = options.bgp ? formatSessions(report.hosts, colors) : '';
      context.out(
        options.output === 'json' ? `${JSON.stringify(report)}\n` : formatStatus(report, colors) + sessions,
      );
    });

interface StatusOptions extends CommonOptions, EtcdOptions {
  readonly bgp?: boolean;
}

function formatStatus({ sources, hosts, live, suspended }: ClusterStatus, colors: Colors): string {
  const lines = suspended === undefined ? [] : [colors.yellow(suspended)];
  for (const { name, seq, commit, newest, conditions } of sources) {
    const at = seq === 0 ? 'nothing applied yet' : `commit ${colors.bold(shortCommit(commit))} (seq ${seq})`;
    lines.push(`source ${name}: ${at}`);
    if (newest !== undefined && newest !== commit)
      lines.push(`  the newest commit is ${colors.bold(shortCommit(newest))}`);
    for (const { type, status: value, reason, message } of conditions) {
      const isNews = value !== 'True' || reason === 'HistoryRewritten';
      if (type === 'Verified' && !isNews) lines.push(`  ${printable(message)}`);
      if (message !== '' && isNews)
        lines.push(`  ${colors.yellow(`${type}=${value} ${reason}`)}: ${printable(message)}`);
    }
  }
  if (sources.length === 0) lines.push('no source: no reconciler has run against this store');
  lines.push('', ...formatTable(['HOST', 'STATE', 'COMMIT', 'BGP', 'VERIFIED', ''], hosts.map(row)));
  const summary = `live on ${live.hosts}/${live.of} hosts`;
  lines.push('', live.hosts === live.of ? colors.green(summary) : colors.yellow(summary));
  return `${lines.join('\n')}\n`;
}

function row(host: HostReport): string[] {
  const commits = Object.values(host.sources).map(({ commit }) => shortCommit(commit));
  const bgp = `${host.bgp.established}/${host.bgp.configured}`;
  const waiting = host.counts.waiting ?? 0;
  const note = waiting === 0 ? '' : `${waiting} objects wait for interfaces of workloads`;
  return [host.node, host.state, commits.join(' ') || '-', bgp, host.verifiedAt ?? '-', host.error ?? note];
}

function formatSessions(hosts: readonly HostReport[], colors: Colors): string {
  const rows = hosts.flatMap(({ node, sessions = [] }) =>
    sessions.map(({ name, peer, state, since, imported, exported, lastError }) => [
      ...[node, name, peer, state, since ?? '-', String(imported), String(exported)],
      // What went wrong before a session came up is history.
      state === 'Established' ? '' : (lastError ?? ''),
    ]),
  );
  if (rows.length === 0) return `\n${colors.dim('no BGP sessions')}\n`;
  const columns = ['HOST', 'SESSION', 'PEER', 'STATE', 'SINCE', 'IN', 'OUT', ''];
  return `\n${formatTable(columns, rows).join('\n')}\n`;
}
