/**
 * The `txn` record of a source, as those who must go on whatever it says read it: reconcilers and agents.
 *
 * A record that cannot be read still says by its being there that a commit may be written in part, and etcd remembers
 * since when: the key came into being with the first transaction of the series.
 */
import type { StoreEntry, StoreKey } from '../model/store.js';
import { LayoutError } from './layout.js';
import { type TxnRecord, txnCodec } from './records.js';

export interface OpenTxn {
  readonly record: TxnRecord;
  /** Why the record is concluded from its key; names the key. */
  readonly problem?: string;
}

export function readOpenTxn(key: StoreKey, { value, createRevision }: StoreEntry): OpenTxn {
  try {
    return { record: txnCodec.decode(key, value) };
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    const base = Math.max(1, createRevision - 1);
    return { record: { seq: 0, commit: '', base, applied: 0, total: 0 }, problem: error.message };
  }
}
