/**
 * `heddle history`: the commits that the store has held, newest first.
 */
import { shortCommit } from '../../diff/summary.js';
import { unescapeName } from '../../layout/escape.js';
import type { Layout } from '../../layout/layout.js';
import { readRecord } from '../../layout/read-record.js';
import { type HistoryRecord, historyCodec } from '../../layout/records.js';
import type { Snapshot } from '../../model/store.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { addEtcdOptions, type EtcdOptions, openStore } from '../etcd-options.js';
import { createLog } from '../log.js';
import { formatTable } from '../table.js';

interface HistoryOptions extends CommonOptions, EtcdOptions {
  readonly source?: string;
}

export type HistoryEntry = HistoryRecord & { readonly source: string };

export const history: Verb = (context) =>
  addEtcdOptions(verb(context, 'history', 'the commits that the store has held, newest first'), context)
    .addOption(flag(context.environment, '--source <name>', 'only of this source'))
    .action(async (options: HistoryOptions) => {
      await using opened = await openStore(options, createLog(options.logLevel));
      const snapshot = await opened.store.snapshot(opened.layout.keys.historyPrefix);
      const entries = readHistory(snapshot, opened.layout).filter(
        ({ source }) => options.source === undefined || source === options.source,
      );
      context.out(options.output === 'json' ? `${JSON.stringify({ history: entries })}\n` : format(entries));
    });

export function readHistory({ entries }: Snapshot, { keys }: Layout): HistoryEntry[] {
  return [...entries]
    .flatMap(([key, { value }]) => {
      const record = readRecord(historyCodec, key, value);
      const source = unescapeName(key.slice(keys.historyPrefix.length).split('/')[0] ?? '');
      return record ? [{ source, ...record }] : [];
    })
    .sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : b.seq - a.seq));
}

function format(entries: readonly HistoryEntry[]): string {
  const rows = entries.map(({ source, seq, commit, time, summary, rollback, author, message }) => [
    source,
    String(seq),
    shortCommit(commit),
    time,
    `${rollback ? `back to seq ${rollback.to}: ` : ''}${describeSummary(summary)}`,
    author,
    message.split('\n')[0] ?? '',
  ]);
  return `${formatTable(['SOURCE', 'SEQ', 'COMMIT', 'APPLIED', 'CHANGES', 'AUTHOR', 'MESSAGE'], rows).join('\n')}\n`;
}

function describeSummary(summary: Readonly<Record<string, number>>): string {
  const written = ['create', 'update', 'delete', 'drift', 'adopt', 'release'];
  const parts = written.flatMap((action) =>
    (summary[action] ?? 0) > 0 ? [`${summary[action]} ${action}`] : [],
  );
  return parts.join(', ') || 'none';
}
