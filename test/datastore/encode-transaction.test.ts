/**
 * One transaction of any allowed size is a request that etcd takes, and refuses as a whole. By etcd's way of
 * counting, done again here; the conformance tests ask a real one.
 */
import test from 'ava';
import type { ITxnRequest } from 'etcd3';
import fc from 'fast-check';
import { encodeTransaction } from '../../src/datastore/etcd/encode-transaction.js';
import {
  MAX_TRANSACTION_GUARDS,
  MAX_TRANSACTION_WRITES,
  transactionBytes,
} from '../../src/datastore/transaction-limits.js';
import type { Transaction } from '../../src/model/store.js';
import { absent, del, put, revision, unchanged } from './helpers.js';

const MAX_TXN_OPS = 128;

/** What etcd counts: the longest list of a level, and what that leaves to the level below. */
function fitsServer({ compare = [], success = [], failure = [] }: ITxnRequest, left = MAX_TXN_OPS): boolean {
  const count = Math.max(compare.length, success.length, failure.length);
  const nested = success.flatMap(({ request_txn }) => request_txn ?? []);
  return count <= left && nested.every((txn) => fitsServer(txn, left - count));
}

/** Bytes of a request as protobuf encodes it: per field a tag, for what has no fixed size a length, the content. */
function encodedBytes(value: unknown): number {
  if (Buffer.isBuffer(value)) return value.length + 1 + varint(value.length);
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + encodedBytes(item), 0);
  if (typeof value === 'object' && value !== null) {
    const inside = Object.values(value).reduce((sum: number, field) => sum + encodedBytes(field), 0);
    return inside + 1 + varint(inside);
  }
  if (value === 'Equal' || value === undefined) return 0;
  return typeof value === 'string' && !/^\d+$/.test(value) ? 2 : 1 + varint(Number(value));
}

function varint(value: number): number {
  return Math.max(1, Math.ceil(Math.log2(value + 1) / 7));
}

const transactions = fc
  .record({
    guards: fc.nat(MAX_TRANSACTION_GUARDS),
    writes: fc.nat(MAX_TRANSACTION_WRITES),
    guarded: fc.boolean(),
    value: fc.string({ maxLength: 40 }),
    at: fc.nat(2 ** 45),
  })
  .map(
    ({ guards, writes, guarded, value, at }): Transaction => ({
      guards: Array.from({ length: guards }, (_, index) => absent(`/guard/${index}`)),
      writes: Array.from({ length: writes }, (_, index) => {
        const name = `/calico/v1/some/key/${index}`;
        const compare = guarded || index % 3 === 0 ? unchanged(name, revision(at)) : undefined;
        return index % 5 === 0 ? del(name, compare) : put(name, value, compare);
      }),
    }),
  );

test('law: what has as many writes and guards as allowed is taken by etcd, and no larger than was said but for the frames of nesting', (t) => {
  fc.assert(
    fc.property(transactions, (transaction) => {
      const request = encodeTransaction(transaction);
      t.true(fitsServer(request));
      t.true(encodedBytes(request) <= transactionBytes(transaction) + 64 * 64);
    }),
    { numRuns: 30 },
  );
});

test('a small transaction is flat, so that a lost compare is an answer and not an error', (t) => {
  const writes = Array.from({ length: 128 }, (_, index) => put(`/k${index}`, 'v', absent(`/k${index}`)));
  const { compare, success } = encodeTransaction({ guards: [], writes });
  t.is(compare?.length, 128);
  t.true(success?.every(({ request_put }) => request_put !== undefined));
});

test('each nested transaction reads the impossible revision when a compare of its own is lost', (t) => {
  const writes = Array.from({ length: 200 }, (_, index) => put(`/k${index}`, 'v', absent(`/k${index}`)));
  const { compare, success } = encodeTransaction({ guards: [absent('/g')], writes });
  t.is(compare?.length, 2);
  for (const { request_txn } of success?.slice(1) ?? []) {
    const [failure] = request_txn?.failure ?? [];
    t.is(failure?.request_range?.revision, '4611686018427387904');
    t.deepEqual(failure?.request_range?.key, request_txn?.compare?.[0]?.key);
  }
});

test('a put stands outside of all nested transactions, because etcd charges no other to its quota', (t) => {
  const writes = Array.from({ length: 200 }, (_, index) =>
    index < 70 ? del(`/k${index}`) : put(`/k${index}`, 'v'),
  );
  const { success = [] } = encodeTransaction({ guards: [], writes });
  t.deepEqual(success[0]?.request_put?.key, Buffer.from('/k70'));
  const nested = success.slice(1).flatMap(({ request_txn }) => request_txn?.success ?? []);
  t.is(nested.length, 199);
});
