/**
 * What a plan is made against: the control keys of its source, as the snapshot shows them.
 *
 * A record that cannot be read is no reason to stop. An unreadable head counts as none, and the next commit writes
 * it anew. An unreadable `txn` still says by its being there that a commit is written in part, and etcd remembers
 * since when: the key came into being with the first transaction of the series.
 */
import type { Layout } from '../layout/layout.js';
import { readRecord } from '../layout/read-record.js';
import { headCodec, type TxnRecord, txnCodec } from '../layout/records.js';
import type { Snapshot, StoreEntry, StoreKey } from '../model/store.js';
import type { OpenSeries, PlanBase } from './plan-types.js';

export function readPlanBase(snapshot: Snapshot, source: string, { keys }: Layout): PlanBase {
  const [headKey, txnKey] = [keys.head(source), keys.txn(source)];
  const headEntry = snapshot.entries.get(headKey);
  const txnEntry = snapshot.entries.get(txnKey);
  return {
    revision: snapshot.revision,
    head: headEntry && readRecord(headCodec, headKey, headEntry.value),
    headEntry,
    readyEntry: snapshot.entries.get(keys.ready),
    series: txnEntry && readSeries(txnKey, txnEntry),
  };
}

function readSeries(key: StoreKey, entry: StoreEntry): OpenSeries {
  const record = readRecord(txnCodec, key, entry.value) ?? unknownSeries(entry);
  return { record, modRevision: entry.modRevision };
}

function unknownSeries({ createRevision }: StoreEntry): TxnRecord {
  return { seq: 0, commit: '', base: createRevision - 1, applied: 0, total: 0 };
}
