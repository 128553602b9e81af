/**
 * `heddle suspend` and `heddle resume`: nothing is applied for a while, and everybody can see why.
 *
 * The key is the fact, and a guard of every transaction. With --until it lies under a lease of that length that
 * nobody keeps alive: the store itself ends the suspension, whatever has happened to the one who asked for it.
 *
 * A rollback holds the newest commit back as well, of one source. `resume` ends the suspension first; where there is
 * none, it lets that commit go on.
 */
import { userInfo } from 'node:os';
import { InvalidArgumentError } from 'commander';
import { readRecord } from '../../layout/read-record.js';
import { type Head, headCodec } from '../../layout/records.js';
import { parseDurationMs } from '../../model/duration.js';
import type { Revision } from '../../model/store.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { addEtcdOptions, type EtcdOptions, type OpenStore, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { createLog } from '../log.js';

interface SuspendOptions extends CommonOptions, EtcdOptions {
  readonly reason: string;
  /** From now, in ms. */
  readonly until?: number;
}

export const suspend: Verb = (context) =>
  addEtcdOptions(verb(context, 'suspend', 'apply nothing until resumed'), context)
    .addOption(flag(context.environment, '--reason <text>', 'why, for the others').makeOptionMandatory())
    .addOption(
      flag(
        context.environment,
        '--until <time>',
        'when it ends by itself: 2h, or 2026-01-31T18:00:00Z',
      ).argParser(parseUntil),
    )
    .action(async ({ reason, until, ...options }: SuspendOptions) => {
      await using opened = await openStore(options, createLog(options.logLevel));
      const { store, layout } = opened;
      const now = Date.now();
      const ends = until === undefined ? {} : { until: new Date(now + until).toISOString() };
      const record = { by: userInfo().username, reason, since: new Date(now).toISOString(), ...ends };
      const lease =
        until === undefined ? undefined : await store.grantLease(Math.max(1, Math.round(until / 1_000)));
      const key = layout.keys.suspend;
      const value = JSON.stringify(record);
      await store.transact({
        guards: [],
        writes: [{ write: { op: 'put', key, value, ...(lease && { lease: lease.id }) } }],
      });
      context.out(
        options.output === 'json'
          ? `${JSON.stringify(record)}\n`
          : `suspended${until === undefined ? '' : ` until ${ends.until}`}: ${reason}. End it with heddle resume\n`,
      );
    });

interface ResumeOptions extends CommonOptions, EtcdOptions {
  readonly source: string;
}

export const resume: Verb = (context) =>
  addEtcdOptions(verb(context, 'resume', 'end a suspension, or a rollback'), context)
    .addOption(
      flag(
        context.environment,
        '--source <name>',
        'whose rollback to end, where nothing is suspended',
      ).default('default'),
    )
    .action(async (options: ResumeOptions) => {
      await using opened = await openStore(options, createLog(options.logLevel));
      const { store, layout } = opened;
      const key = layout.keys.suspend;
      const { entry } = await store.get(key);
      const head = await readRolledBack(opened, options.source);
      if (!entry && !head) throw new CliError(EXIT.invalidInput, 'nothing is suspended or rolled back');
      if (entry) await store.transact({ guards: [], writes: [{ write: { op: 'delete', key } }] });
      else if (head) await endRollback(opened, options.source, head);
      const isLeft = entry !== undefined && head !== undefined;
      const left = isLeft ? `; ${options.source} stays rolled back: heddle resume once more ends that` : '';
      const ended = entry?.value ?? JSON.stringify(head?.record.rollback);
      context.out(options.output === 'json' ? `${ended}\n` : `resumed${left}\n`);
    });

interface RolledBack {
  readonly record: Head;
  readonly revision: Revision;
}

async function readRolledBack({ store, layout }: OpenStore, source: string): Promise<RolledBack | undefined> {
  const key = layout.keys.head(source);
  const { entry } = await store.get(key);
  const record = entry && readRecord(headCodec, key, entry.value);
  return entry && record?.rollback && { record, revision: entry.modRevision };
}

async function endRollback(
  { store, layout }: OpenStore,
  source: string,
  { record, revision }: RolledBack,
): Promise<void> {
  const key = layout.keys.head(source);
  const { rollback: _, ...head } = record;
  const { ok } = await store.transact({
    guards: [],
    writes: [
      {
        write: { op: 'put', key, value: headCodec.encode(head) },
        compare: { key, check: 'mod-revision', revision },
      },
    ],
  });
  if (!ok) throw new CliError(EXIT.conflict, `source ${source} has moved on meanwhile`, 'see heddle status');
}

/** A day, or a time of a day, in ISO 8601. The runtime alone reads `45` as a year, and the 31st of February as March. */
const ISO_TIME = /^\d{4}-\d{2}-(?<day>\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/i;

/** From now, in ms. */
function parseUntil(text: string): number {
  const ms = parseDurationMs(text) ?? timeOf(text) - Date.now();
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(
      `"${text}" is neither a duration nor a date: write 45m, 2h, or 2026-01-31T18:00:00Z.`,
    );
  if (ms <= 0) throw new InvalidArgumentError(`"${text}" is not in the future.`);
  return ms;
}

function timeOf(text: string): number {
  const day = ISO_TIME.exec(text)?.groups?.day;
  const date = text.slice(0, 'yyyy-mm-dd'.length);
  const isInCalendar = day !== undefined && new Date(`${date}T00:00Z`).getUTCDate() === Number(day);
  return isInCalendar ? Date.parse(text) : Number.NaN;
}
