/**
 * Our transaction as one of etcd's. PURE.
 *
 * Up to 128 compares and 128 writes go flat. A larger one becomes an outer transaction that holds the guards, one
 * write, and up to 63 nested ones of 64 writes each. Two surprising facts are behind it.
 *
 * A nested compare that fails only sends *its* transaction down the failure branch, while the outer one succeeds,
 * which would tear a commit. So the failure branch of each nested transaction reads at a revision that can never
 * exist. etcd checks the ranges of the paths it is about to take before it writes anything, and refuses the whole
 * request. (etcd: server/etcdserver/apply.go, checkRequests; kept in later versions. Proved by the conformance suite.)
 *
 * And a nested put costs nothing in the eyes of etcd's quota (quota.go, costTxnReq): a store that is full would go
 * on taking such transactions, past `--quota-backend-bytes`. Hence one put stands in the outer transaction: by that
 * it is a write like any other, and a full store refuses it.
 */
import type { ICompare, IRequestOp, ITxnRequest } from 'etcd3';
import type { Compare, GuardedWrite, Transaction, WriteOp } from '../../model/store.js';

/** etcd's `--max-txn-ops`, and how we spend it on two levels: 64 operations outside, 64 in each nested transaction. */
const FLAT_OPERATIONS = 128;
const NESTED_WRITES = 64;

/** 2^62: a valid revision that no store reaches. */
const NEVER = '4611686018427387904';

export function encodeTransaction({ guards, writes }: Transaction): ITxnRequest {
  const flat: ITxnRequest = {
    compare: [...guards.map(encodeCompare), ...comparesOf(writes)],
    success: writes.map(({ write }) => encodeWrite(write)),
    failure: [],
  };
  if ((flat.compare?.length ?? 0) <= FLAT_OPERATIONS && writes.length <= FLAT_OPERATIONS) return flat;
  const paid = writes.find(({ write }) => write.op === 'put');
  const outside = paid === undefined ? [] : [paid];
  const inside = writes.filter((guarded) => guarded !== paid);
  const nested: IRequestOp[] = [];
  for (let start = 0; start < inside.length; start += NESTED_WRITES)
    nested.push({ request_txn: encodeNested(inside.slice(start, start + NESTED_WRITES)) });
  return {
    compare: [...guards.map(encodeCompare), ...comparesOf(outside)],
    success: [...outside.map(({ write }) => encodeWrite(write)), ...nested],
    failure: [],
  };
}

function encodeNested(writes: readonly GuardedWrite[]): ITxnRequest {
  const compare = comparesOf(writes);
  // A key of ours, because etcd asks for permission to read it.
  const key = compare[0]?.key;
  return {
    compare,
    success: writes.map(({ write }) => encodeWrite(write)),
    failure: key === undefined ? [] : [{ request_range: { key, revision: NEVER } }],
  };
}

function comparesOf(writes: readonly GuardedWrite[]): ICompare[] {
  return writes.flatMap(({ compare }) => (compare === undefined ? [] : [encodeCompare(compare)]));
}

function encodeCompare(compare: Compare): ICompare {
  const key = Buffer.from(compare.key);
  switch (compare.check) {
    case 'absent':
      return { key, result: 'Equal', target: 'Create', create_revision: 0 };
    case 'mod-revision':
      return { key, result: 'Equal', target: 'Mod', mod_revision: compare.revision };
    case 'create-revision':
      return { key, result: 'Equal', target: 'Create', create_revision: compare.revision };
  }
}

function encodeWrite(write: WriteOp): IRequestOp {
  const key = Buffer.from(write.key);
  if (write.op === 'delete') return { request_delete_range: { key } };
  const value = Buffer.from(write.value);
  return { request_put: { key, value, ...(write.lease !== undefined && { lease: write.lease }) } };
}
