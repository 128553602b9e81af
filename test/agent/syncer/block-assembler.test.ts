/**
 * A block of addresses is what all of its keys say together, whoever wrote them; one that cannot be read
 * costs itself alone. The real layout, without a store.
 */
import test from 'ava';
import { ObjectAssembler } from '../../../src/agent/syncer/object-assembler.js';
import type { Update } from '../../../src/agent/syncer/update.js';
import { createLayout } from '../../../src/layout/create-layout.js';
import { del, entry, key, put } from './helpers.js';

const CLAIM = '/calico/ipam/v2/host/host-1/ipv4/block/10.65.1.0-26';
const OTHER = '/calico/ipam/v2/host/host-2/ipv4/block/10.65.1.0-26';
const BLOCK = '/calico/ipam/v2/assignment/ipv4/block/10.65.1.0-26';

const show = (update: Update): string => {
  if (update.kind !== 'IpamBlock') return update.id;
  const states = update.block?.affinities.map(({ node, state }) => `${node} ${state}`) ?? ['none'];
  return `${update.id}: ${states.join(', ')}${update.problem ? ` (${update.problem})` : ''}`;
};

test('a block is the sum of its keys, and is told of when a claim changes', (t) => {
  const assembler = new ObjectAssembler(createLayout());
  const after = (...events: Parameters<typeof assembler.apply>[0][]) =>
    events.flatMap((one) => assembler.apply(one)).map(show);
  t.deepEqual(after([put(CLAIM, '{"state":"pending"}')]), ['IpamBlock/10.65.1.0/26: host-1 pending']);
  t.deepEqual(after([put(OTHER, '')]), ['IpamBlock/10.65.1.0/26: host-1 pending, host-2 confirmed']);
  t.deepEqual(after([put(BLOCK, '{"affinity":"host:host-1"}')]), ['IpamBlock/10.65.1.0/26: host-1 pending']);
  t.deepEqual(after([del(CLAIM)], [del(OTHER)]), [
    'IpamBlock/10.65.1.0/26: host-1 confirmed',
    'IpamBlock/10.65.1.0/26: host-1 confirmed',
  ]);
  t.deepEqual(after([del(BLOCK)]), ['IpamBlock/10.65.1.0/26: none']);
});

test('an address that is taken from a block is no update', (t) => {
  const assembler = new ObjectAssembler(createLayout());
  assembler.apply([put(BLOCK, '{"affinity":"host:host-1","allocations":[null,null]}')]);
  t.deepEqual(assembler.apply([put(BLOCK, '{"affinity":"host:host-1","allocations":[0,null]}')]), []);
});

test('replace() tells of blocks that are gone, and of no other', (t) => {
  const assembler = new ObjectAssembler(createLayout());
  assembler.apply([put(CLAIM, ''), put('/calico/ipam/v2/host/host-1/ipv6/block/fd65::40-122', '{}')]);
  t.deepEqual(assembler.replace(new Map([[key(CLAIM), entry('{}')]])).map(show), [
    'IpamBlock/fd65::40/122: none',
  ]);
});

test('a claim that cannot be read is left out, and named by its key with its value', (t) => {
  const assembler = new ObjectAssembler(createLayout());
  const [update] = assembler.apply([put(CLAIM, '{"state":"mine"}'), put(OTHER, '')]);
  t.is(
    update && show(update),
    'IpamBlock/10.65.1.0/26: host-2 confirmed ' +
      `(${CLAIM}: state: expected one of confirmed, pending, pendingDeletion, found "mine"; the value is "{\\"state\\":\\"mine\\"}")`,
  );
});
