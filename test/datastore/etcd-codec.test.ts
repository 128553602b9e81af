/**
 * What goes wrong with etcd has one name each, and a call that may have been carried out is never called
 * refused. Tables of keys, revisions and gRPC errors.
 */
import test from 'ava';
import { castGrpcError } from 'etcd3';
import type { DatastoreErrorCode } from '../../src/datastore/datastore.js';
import { keyAfter, prefixRange, toRevision } from '../../src/datastore/etcd/codec.js';
import { isFutureRevision, isRefused, toDatastoreError } from '../../src/datastore/etcd/errors.js';

const endsAt = test.macro({
  exec: (t, prefix: string, end: string) => {
    t.is(prefixRange(prefix).range_end.toString('hex'), Buffer.from(end, 'latin1').toString('hex'));
  },
  title: (_, prefix) => `prefixRange(${JSON.stringify(prefix)}) ends before the next prefix`,
});

test(endsAt, '/calico/', '/calico0');
test(endsAt, 'a', 'b');
test(endsAt, '', '\0');
test(endsAt, 'é', '\xc3\xaa');

test('prefixRange("") starts at the first possible key', (t) => {
  t.deepEqual(prefixRange('').key, Buffer.from([0]));
});

test('keyAfter() is the next key in the order of bytes', (t) => {
  t.deepEqual(keyAfter(Buffer.from('a')), Buffer.from('a\0'));
});

test('toRevision() is exact to 2^53 and refuses more', (t) => {
  t.is(Number(toRevision('9007199254740991')), 9007199254740991);
  t.throws(() => toRevision('9007199254740992'), { code: 'invalid', message: /2\^53/ });
});

/** What grpc-js throws: an Error with a status code. */
function grpcError(code: number, details: string): Error {
  return Object.assign(new Error(`${code} NAME: ${details}`), { code, details });
}

const maps = test.macro({
  exec: (t, code: number, details: string, expected: DatastoreErrorCode) => {
    const error = toDatastoreError(grpcError(code, details), 'reading /a from http://h:1');
    t.is(error.code, expected);
    t.true(error.message.startsWith(`reading /a from http://h:1: ${details}; `), error.message);
  },
  title: (_, code, details, expected) => `status ${code} "${details}" is ${expected}`,
});

test(maps, 1, 'the datastore was closed', 'closed');
test(maps, 1, 'cancelled by the server', 'unavailable');
test(maps, 2, 'unknown', 'unavailable');
test(maps, 3, 'etcdserver: request is too large', 'too-large');
test(maps, 3, 'etcdserver: too many operations in txn request', 'too-large');
test(maps, 3, 'etcdserver: user name is empty', 'unauthenticated');
test(maps, 3, 'etcdserver: duplicate key given in txn request', 'invalid');
test(maps, 3, 'etcdserver: authentication failed, invalid user ID or password', 'unauthenticated');
test(maps, 4, 'Deadline exceeded', 'timeout');
test(maps, 5, 'etcdserver: requested lease not found', 'lease-not-found');
test(maps, 7, 'etcdserver: permission denied', 'permission-denied');
test(maps, 8, 'etcdserver: mvcc: database space exceeded', 'no-space');
test(maps, 8, 'etcdserver: too many requests', 'unavailable');
test(maps, 8, 'Received message larger than max (5 vs. 4)', 'too-large');
test(maps, 9, 'etcdserver: authentication is not enabled', 'unauthenticated');
test(maps, 11, 'etcdserver: mvcc: required revision has been compacted', 'compacted');
test(maps, 11, 'etcdserver: mvcc: required revision is a future revision', 'invalid');
test(maps, 14, 'etcdserver: leader changed', 'unavailable');
test(maps, 16, 'etcdserver: invalid auth token', 'unauthenticated');

test('a DatastoreError passes through as it is', (t) => {
  const error = toDatastoreError(grpcError(14, 'x'), 'a');
  t.is(toDatastoreError(error, 'b'), error);
});

test('isFutureRevision() knows the error that a lost nested compare makes', (t) => {
  t.true(isFutureRevision(grpcError(11, 'etcdserver: mvcc: required revision is a future revision')));
  t.false(isFutureRevision(grpcError(11, 'etcdserver: mvcc: required revision has been compacted')));
});

const refused = test.macro({
  exec: (t, details: string, expected: boolean) => {
    t.is(isRefused(castGrpcError(grpcError(14, details))), expected);
  },
  title: (_, details, expected) =>
    `"${details}" ${expected ? 'was never sent' : 'may have been carried out'}`,
});

test(refused, 'No connection established. Last error: connect ECONNREFUSED', true);
test(refused, 'Name resolution failed for target dns:nowhere:2379', true);
test(refused, 'etcdserver: no leader', true);
test(refused, 'Connection dropped', false);
test(refused, 'etcdserver: leader changed', false);
test(refused, 'etcdserver: request timed out', false);
