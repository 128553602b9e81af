/**
 * How large a transaction may be: PURE, so that a planner can cut a series without asking a server.
 *
 * The figures are those of an etcd with default flags. `--max-txn-ops` is 128, but it is counted per nesting
 * level (a transaction of n operations leaves 128 - n to each that is nested in it), so that one write and 63
 * nested transactions of 64 go through as one revision. `--max-request-bytes` is 1.5 MiB for the encoded request.
 * Both implementations of Datastore refuse what does not fit before anything is sent.
 */
import type { Compare, GuardedWrite, Transaction } from '../model/store.js';

/** Writes in one transaction: one, and 63 nested transactions of 64. */
export const MAX_TRANSACTION_WRITES = 1 + 63 * 64;
/** Guards stand in the outermost transaction, beside the compare of the one write there. */
export const MAX_TRANSACTION_GUARDS = 63;
/** Encoded bytes: 1.4 MiB, which leaves 100 KiB of etcd's limit for what the server wraps around it. */
export const MAX_TRANSACTION_BYTES = Math.floor(1.4 * 1024 * 1024);

/** Upper bounds of protobuf tags, lengths and integers around one compare and one write. */
const COMPARE_OVERHEAD = 24;
const WRITE_OVERHEAD = 32;

/** Upper bound of the bytes that `transaction` takes in a request. */
export function transactionBytes(transaction: Transaction): number {
  let bytes = 0;
  for (const guard of transaction.guards) bytes += compareBytes(guard);
  for (const write of transaction.writes) bytes += guardedWriteBytes(write);
  return bytes;
}

/** Upper bound of the bytes that one guarded write adds to a transaction. */
export function guardedWriteBytes({ write, compare }: GuardedWrite): number {
  const value = write.op === 'put' ? Buffer.byteLength(write.value) : 0;
  return WRITE_OVERHEAD + Buffer.byteLength(write.key) + value + (compare ? compareBytes(compare) : 0);
}

/** True when the store takes `transaction` as one revision; otherwise it has to be cut into a series. */
export function transactionFits(transaction: Transaction): boolean {
  return describeExcess(transaction) === undefined;
}

/** What is too large about `transaction`, with the limit; undefined when it fits. */
export function describeExcess(transaction: Transaction): string | undefined {
  const { guards, writes } = transaction;
  if (guards.length > MAX_TRANSACTION_GUARDS)
    return `${guards.length} guards, at most ${MAX_TRANSACTION_GUARDS} are possible`;
  if (writes.length > MAX_TRANSACTION_WRITES)
    return `${writes.length} writes, at most ${MAX_TRANSACTION_WRITES} are possible`;
  const bytes = transactionBytes(transaction);
  if (bytes > MAX_TRANSACTION_BYTES)
    return `${bytes} bytes, at most ${MAX_TRANSACTION_BYTES} are possible (etcd --max-request-bytes)`;
  return undefined;
}

function compareBytes(compare: Compare): number {
  return COMPARE_OVERHEAD + Buffer.byteLength(compare.key);
}
