/**
 * The commits that a store has held and still knows of, by their ids: who wrote them, when they were applied.
 */
import type { Datastore } from '../datastore/datastore.js';
import type { Layout } from '../layout/layout.js';
import { readRecord } from '../layout/read-record.js';
import { type HistoryRecord, historyCodec } from '../layout/records.js';

/** @throws {DatastoreError} */
export async function readAppliedCommits(
  store: Datastore,
  { keys }: Layout,
): Promise<ReadonlyMap<string, HistoryRecord>> {
  const { entries } = await store.snapshot(keys.historyPrefix);
  const records = [...entries].flatMap(([key, { value }]) => readRecord(historyCodec, key, value) ?? []);
  return new Map(records.map((record) => [record.commit, record]));
}
