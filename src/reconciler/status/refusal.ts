/**
 * Why a commit will not go live, by what its leader says of it.
 *
 * What is wrong with the commit itself, or stands in its way until somebody does something, is a refusal; what passes by
 * itself (a store that is away, a suspension with an end) is none.
 */
import type { Datastore } from '../../datastore/datastore.js';
import { type FollowMessage, follow } from '../../datastore/follow.js';
import type { Layout } from '../../layout/layout.js';
import { readRecord } from '../../layout/read-record.js';
import { type SourceStatus, sourceStatusCodec } from '../../layout/records.js';
import type { StoreKey } from '../../model/store.js';
import type { ConditionReason } from '../conditions.js';

const FINAL: ReadonlySet<string> = new Set<ConditionReason>([
  'InvalidManifests',
  'Refused',
  'TooLarge',
  'RolledBack',
]);

/** For people; undefined: nothing is said against it. @param commit - full or abbreviated id */
function refusalOf({ newest, conditions }: SourceStatus, commit: string): string | undefined {
  if (!newest?.startsWith(commit)) return undefined;
  const { reason, message } =
    conditions.find(({ status, reason }) => status === 'False' && FINAL.has(reason)) ?? {};
  return reason && `${reason}: ${message}`;
}

/**
 * Follows what leaders say until one refuses the commit; undefined when the signal comes first.
 * @param stands - asked before a refusal is believed: it may be older than what somebody has done about it
 */
export async function untilRefused(
  store: Datastore,
  { keys }: Layout,
  { commit, signal, stands }: RefusalOptions,
): Promise<string | undefined> {
  for await (const message of follow(store, keys.sourceStatusPrefix, { signal }))
    for (const [key, value] of valuesIn(message)) {
      const status = readRecord(sourceStatusCodec, key, value);
      const refusal = status && refusalOf(status, commit);
      if (refusal !== undefined && (await stands())) return refusal;
    }
  return undefined;
}

interface RefusalOptions {
  /** Full or abbreviated id. */
  readonly commit: string;
  readonly signal: AbortSignal;
  readonly stands: () => Promise<boolean>;
}

function valuesIn(message: FollowMessage): readonly (readonly [StoreKey, string])[] {
  if (message.type === 'snapshot')
    return [...message.snapshot.entries].map(([key, { value }]) => [key, value]);
  if (message.type !== 'events') return [];
  return message.events.flatMap((event) => (event.type === 'put' ? [[event.key, event.entry.value]] : []));
}
