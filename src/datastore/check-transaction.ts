/**
 * What both implementations of Datastore refuse about a transaction before it is sent or applied.
 */
import type { StoreKey, Transaction } from '../model/store.js';
import { DatastoreError } from './datastore.js';
import { describeExcess } from './transaction-limits.js';

/** @throws {DatastoreError} `invalid` for an empty key or a key written twice, `too-large` beyond the limits. */
export function checkTransaction(transaction: Transaction): void {
  const written = new Set<StoreKey>();
  for (const { write } of transaction.writes) {
    if (write.key === '') throw new DatastoreError('invalid', 'a transaction writes to the empty key');
    if (written.has(write.key))
      throw new DatastoreError('invalid', `a transaction writes ${write.key} twice; merge the two writes`);
    written.add(write.key);
  }
  const excess = describeExcess(transaction);
  if (excess !== undefined)
    throw new DatastoreError('too-large', `the transaction has ${excess}; write it as a series`);
}
