/**
 * Our own records in etcd come back as they were, also from a newer version; and what agents must see in
 * order lies inside the root that they watch, the rest outside.
 */
import test from 'ava';
import { createLayout } from '../../src/layout/create-layout.js';
import { LayoutError } from '../../src/layout/layout.js';
import {
  headCodec,
  historyCodec,
  hostSessionsCodec,
  hostStatusCodec,
  inventoryCodec,
  leaderCodec,
  type RecordCodec,
  sourceStatusCodec,
  txnCodec,
  verifierCodec,
} from '../../src/layout/records.js';

const { keys } = createLayout();
const head = {
  seq: 3,
  commit: 'c0ffee',
  tree: 'beef',
  author: 'Ada <ada@example.org>',
  message: 'web may talk to db',
  time: '2026-11-22T10:00:00Z',
};

const roundTrip = test.macro({
  title: (_, name: string) => `decode(encode(${name})) is the same ${name}`,
  exec<T>(t: import('ava').ExecutionContext, _name: string, codec: RecordCodec<T>, record: T) {
    t.deepEqual(codec.decode(keys.head('default'), codec.encode(record)), record);
  },
});

test(roundTrip, 'head', headCodec, head);
test(roundTrip, 'head after a rollback', headCodec, { ...head, rollback: { to: 1, held: 'dead' } });
test(roundTrip, 'verifier', verifierCodec, {
  node: 'host-1',
  commit: 'c0ffee',
  agrees: false,
  reason: 'TreeMismatch',
  message: 'another tree',
  since: '2026-11-22T10:00:00Z',
});
test(roundTrip, 'history', historyCodec, { ...head, summary: { create: 2, delete: 1 } });
test(roundTrip, 'inventory', inventoryCodec, {
  keys: { '/calico/v1/netset/n': '0123456789abcdef' },
  file: 'sets/n.yaml',
  line: 7,
  commit: 'c0ffee',
});
test(roundTrip, 'txn', txnCodec, { seq: 4, commit: 'c0ffee', base: 100, applied: 1, total: 3 });
test(roundTrip, 'leader', leaderCodec, { node: 'host-1', since: '2026-11-22T10:00:00Z' });
test(roundTrip, 'host status', hostStatusCodec, {
  node: 'host-1',
  state: 'degraded' as const,
  sources: { default: { seq: 3, commit: 'c0ffee' } },
  revision: 100,
  verifiedAt: '2026-11-22T10:00:00Z',
  counts: { endpoints: 2 },
  bgp: { configured: 2, established: 1 },
  error: 'IPPool/10.0.0.0-8: nodeSelector is not supported yet',
});
test(roundTrip, 'host sessions', hostSessionsCodec, {
  node: 'host-1',
  sessions: [
    {
      name: 'Mesh_10_0_0_2',
      peer: 'host-2',
      family: 4,
      state: 'Active',
      since: '2026-11-22T10:00:00Z',
      imported: 0,
      exported: 0,
      lastError: 'Socket: Connection refused',
    },
  ],
});
test(roundTrip, 'source status', sourceStatusCodec, {
  node: 'host-1',
  since: '2026-11-22T10:00:00Z',
  conditions: [
    { type: 'Valid', status: 'False' as const, reason: 'InvalidManifests', message: 'a.yaml:1:1' },
  ],
});

test('a record with members of a newer version is still read', (t) => {
  const text = JSON.stringify({ ...head, signature: 'newer' });
  t.deepEqual(headCodec.decode(keys.head('default'), text), head);
});

test('a record that cannot be read names its key and the member', (t) => {
  const decode = (text: string) => () => headCodec.decode(keys.head('default'), text);
  t.throws(decode('{"seq": "x"}'), {
    instanceOf: LayoutError,
    message: /^\/calico\/heddle\/v1\/default\/head: seq: expected an integer from 0/,
  });
  t.throws(decode('{"seq": 1}'), { instanceOf: LayoutError, message: /head: commit: missing$/ });
  t.throws(decode('torn {'), { instanceOf: LayoutError, message: /head: not JSON/ });
});

test('what agents order with the data lies inside the root, what they must not watch outside', (t) => {
  const layout = createLayout('/net/a');
  const inside = [
    layout.keys.ready,
    layout.keys.head('s'),
    layout.keys.txn('s'),
    layout.keys.inventory('s', 'IPPool', 'p'),
  ];
  const outside = [
    layout.keys.leader('default'),
    layout.keys.suspend,
    layout.keys.history('s', 1),
    layout.keys.hostStatus('host-1'),
    layout.keys.sourceStatus('s'),
    layout.keys.verifier('s', 'host-1'),
  ];
  t.deepEqual(
    inside.map((key) => key.startsWith(layout.prefix)),
    [true, true, true, true],
  );
  t.deepEqual(
    outside.map((key) => key.startsWith('/heddle/v1/net/a/')),
    outside.map(() => true),
  );
  t.deepEqual(
    outside.map((key) => layout.identify(key)),
    outside.map(() => undefined),
  );
});

test('identify() knows the records inside the root, also for sources and names that need escapes', (t) => {
  const layout = createLayout();
  t.deepEqual(layout.identify(layout.keys.ready), { type: 'ready' });
  t.deepEqual(layout.identify(layout.keys.head('a/b')), { type: 'head', source: 'a/b' });
  t.deepEqual(layout.identify(layout.keys.txn('100%')), { type: 'txn', source: '100%' });
  t.deepEqual(layout.identify(layout.keys.inventory('s', 'BGPPeer', 'x/y')), {
    type: 'inventory',
    source: 's',
    kind: 'BGPPeer',
    name: 'x/y',
  });
});

test('history keys sort by age', (t) => {
  const [nine, ten] = [keys.history('s', 9), keys.history('s', 10)];
  t.true(nine < ten);
});
