/**
 * What a commit may not take away without somebody's word: a table of commits, and keys of others and of
 * IPAM, on a store in memory.
 */
import test from 'ava';
import { hasPruneTrailer } from '../../src/diff/guards.js';
import type { Resource } from '../../src/model/resource.js';
import { cidr, resource, workload } from '../helpers/build-resources.js';
import { TestStore } from './test-store.js';

const POOL = resource('IPPool', 'main', {
  cidr: cidr('192.168.0.0/16'),
  natOutgoing: true,
  disabled: false,
  ipipMode: 'Never',
  vxlanMode: 'Never',
  disableBGPExport: false,
});
const LARGER_POOL = resource('IPPool', 'main', { ...POOL.spec, cidr: cidr('192.0.0.0/8') });
const KEPT = resource('Profile', 'kept', {});

function profiles(count: number): Resource[] {
  return Array.from({ length: count }, (_, index) => resource('Profile', `p${index}`, {}));
}

const guarded = test.macro<[() => readonly Resource[], () => readonly Resource[], readonly string[]]>({
  async exec(t, before, after, codes) {
    const store = new TestStore();
    await store.apply(before());
    const plan = await store.plan(after());
    t.deepEqual(
      plan.guards.map(({ code }) => code),
      codes,
    );
    t.deepEqual((await store.plan(after(), { pruneApproved: true })).guards, [], 'approved');
  },
  title: (title = '') => `guards: ${title}`,
});

test(
  'a source without resources may not empty the store',
  guarded,
  () => [KEPT],
  () => [],
  ['empty-source'],
);
test(
  'a source without resources is fine while it owns nothing',
  guarded,
  () => [],
  () => [],
  [],
);
test(
  'five deletions of a kind are fine',
  guarded,
  () => [KEPT, ...profiles(5)],
  () => [KEPT],
  [],
);
test(
  'six of seven are not',
  guarded,
  () => [KEPT, ...profiles(6)],
  () => [KEPT],
  ['prune-budget'],
);
test(
  'a tenth of a kind is fine',
  guarded,
  () => profiles(80),
  () => profiles(72),
  [],
);
test(
  'more than a tenth is not',
  guarded,
  () => profiles(80),
  () => profiles(71),
  ['prune-budget'],
);
test(
  'kinds are counted apart',
  guarded,
  () => [POOL, KEPT, ...profiles(4), ...Array.from({ length: 4 }, (_, i) => workload(`w${i}`))],
  () => [POOL, KEPT],
  [],
);
test(
  'a pool may go together with its endpoints',
  guarded,
  () => [KEPT, POOL, workload('w', { addresses: ['192.168.1.1'] })],
  () => [KEPT],
  [],
);
test(
  'a pool may not go from under the endpoints of the same commit',
  guarded,
  () => [KEPT, POOL, workload('w', { addresses: ['192.168.1.1'] })],
  () => [KEPT, workload('w', { addresses: ['192.168.1.1'] })],
  ['pool-in-use'],
);
test(
  'a pool may make room for a larger one around its endpoints',
  guarded,
  () => [KEPT, POOL, workload('w', { addresses: ['192.168.1.1'] })],
  () => [KEPT, LARGER_POOL, workload('w', { addresses: ['192.168.1.1'] })],
  [],
);

test('guards: a pool may not go while a foreign endpoint has an address of it', async (t) => {
  const store = new TestStore();
  await store.apply([POOL, KEPT]);
  const holder = '/calico/v1/host/host-9/workload/cni/pod-1/endpoint/eth0';
  await store.put(holder, '{"state":"active","name":"cali9","ipv4_nets":["192.168.7.7/32"]}');
  const [guard] = (await store.plan([KEPT])).guards;
  t.is(guard?.code, 'pool-in-use');
  t.true(guard?.message.includes('192.168.0.0/16'));
  t.true(guard?.message.includes(holder));
});

test('guards: a pool may not go while an address of it is assigned', async (t) => {
  const store = new TestStore();
  await store.apply([POOL, KEPT]);
  await store.put('/calico/v1/ipam/v4/assignment/192.168.0.0-16/192.168.7.7', '');
  t.deepEqual(
    (await store.plan([KEPT])).guards.map(({ code }) => code),
    ['pool-in-use'],
  );
});

const BLOCK = '/calico/ipam/v2/assignment/ipv4/block/192.168.7.0-26';
const block = (allocations: readonly (number | null)[], more: object = {}) =>
  JSON.stringify({ cidr: '192.168.7.0/26', affinity: 'host:host-1', allocations, attributes: [], ...more });

const blocks: Record<string, [string, string, RegExp | undefined]> = {
  'two addresses of its block are taken': [
    BLOCK,
    block([0, null, 0]),
    /block\/192\.168\.7\.0-26 \(2 addresses\)/,
  ],
  'its block cannot be read': [BLOCK, 'torn {', /block\/192\.168\.7\.0-26 \(cannot be read\)/],
  'its block is empty': [BLOCK, block([null, null]), undefined],
  'its block is deleted': [BLOCK, block([0], { deleted: 'true' }), undefined],
  'a block elsewhere is taken': [BLOCK.replace('192.168.7', '10.0.0'), block([0]), undefined],
};

for (const [what, [key, value, expected]] of Object.entries(blocks)) {
  test(`guards: a pool goes ${expected ? 'not ' : ''}when ${what}`, async (t) => {
    const store = new TestStore();
    await store.apply([POOL, KEPT]);
    await store.put(key, value);
    const [guard] = (await store.plan([KEPT])).guards;
    t.is(guard?.code, expected && 'pool-in-use');
    t.regex(guard?.message ?? '', expected ?? /^$/);
    t.deepEqual((await store.plan([KEPT, LARGER_POOL])).guards, [], 'a larger pool takes its place');
  });
}

const trailer = test.macro<[string, boolean]>({
  exec: (t, message, expected) => t.is(hasPruneTrailer(message), expected),
  title: (_, message, expected) =>
    `hasPruneTrailer() is ${expected} for ${JSON.stringify(message).slice(1, -1)}`,
});
test(trailer, 'Remove the old tier\n\nPrune-Approved: yes\n', true);
test(trailer, 'Remove\n\nprune-approved: YES', true);
test(trailer, 'Remove\r\n\r\nPrune-Approved: yes\r\n', true);
test(trailer, 'Remove\n\nPrune-Approved: no', false);
test(trailer, 'Say "Prune-Approved: yes" to go on', false);
test(trailer, '', false);
