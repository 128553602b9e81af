/**
 * What a plan is made against: the control keys of its source, as the snapshot shows them.
 *
 * A record that cannot be read is no reason to stop. An unreadable head counts as none, and the next commit writes
 * it anew; what an unreadable `txn` still says, layout/open-txn.ts knows.
 */
import type { Layout } from '../layout/layout.js';
import { readOpenTxn } from '../layout/open-txn.js';
import { readRecord } from '../layout/read-record.js';
import { headCodec } from '../layout/records.js';
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
  return { record: readOpenTxn(key, entry).record, modRevision: entry.modRevision };
}
