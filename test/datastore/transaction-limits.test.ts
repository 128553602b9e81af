/**
 * What counts as one transaction is right to the last write, guard and byte. The conformance tests show that
 * etcd takes as much.
 */
import test from 'ava';
import {
  guardedWriteBytes,
  MAX_TRANSACTION_BYTES,
  MAX_TRANSACTION_GUARDS,
  MAX_TRANSACTION_WRITES,
  transactionBytes,
  transactionFits,
} from '../../src/datastore/transaction-limits.js';
import { absent, del, put } from './helpers.js';

const many = (count: number) => Array.from({ length: count }, (_, index) => put(`/k${index}`, 'v'));

test('transactionFits() counts writes', (t) => {
  t.true(transactionFits({ guards: [], writes: many(MAX_TRANSACTION_WRITES) }));
  t.false(transactionFits({ guards: [], writes: many(MAX_TRANSACTION_WRITES + 1) }));
});

test('transactionFits() counts guards', (t) => {
  const guards = (count: number) => Array.from({ length: count }, (_, index) => absent(`/g${index}`));
  t.true(transactionFits({ guards: guards(MAX_TRANSACTION_GUARDS), writes: [] }));
  t.false(transactionFits({ guards: guards(MAX_TRANSACTION_GUARDS + 1), writes: [] }));
});

test('transactionFits() counts bytes of UTF-8, of keys as often as they are sent', (t) => {
  const writes = (value: string) => [put('/k', value, absent('/k'))];
  const room = MAX_TRANSACTION_BYTES - transactionBytes({ guards: [], writes: writes('') });
  t.true(transactionFits({ guards: [], writes: writes('v'.repeat(room)) }));
  t.false(transactionFits({ guards: [], writes: writes('v'.repeat(room + 1)) }));
  t.false(transactionFits({ guards: [], writes: writes('é'.repeat(Math.ceil((room + 1) / 2))) }));
});

test('transactionBytes() is the sum over guards and writes', (t) => {
  const writes = [put('/a', 'x', absent('/a')), del('/b')];
  const [first, second] = writes.map(guardedWriteBytes);
  t.is(transactionBytes({ guards: [], writes }), (first ?? 0) + (second ?? 0));
  t.true(transactionBytes({ guards: [absent('/g')], writes }) > transactionBytes({ guards: [], writes }));
});
