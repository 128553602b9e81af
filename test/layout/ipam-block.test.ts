/** Blocks of IPAM v2, in every spelling that a writer of it has had. */
import test from 'ava';
import { type BlockClaim, blockFrom, readBlockClaim } from '../../src/layout/codecs/ipam-block.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { LayoutError } from '../../src/layout/layout.js';
import type { Cidr } from '../../src/model/address.js';
import type { StoreKey } from '../../src/model/store.js';

const layout = createLayout();

function read(path: string, value: string): BlockClaim | undefined {
  const key = `/calico${path}` as StoreKey;
  const owner = layout.identify(key);
  if (owner?.type !== 'block') throw new Error(`${path} is no key of a block`);
  return readBlockClaim(owner, key, value);
}

const FAMILIES = {
  ipv4: { cidr: '192.168.84.192/26', segment: '192.168.84.192-26' },
  ipv6: { cidr: 'fd80:24e2:f998:72d6::40/122', segment: 'fd80:24e2:f998:72d6::40-122' },
};

const SPELLINGS: Readonly<Record<string, string | undefined>> = {
  '': 'confirmed',
  ' ': 'confirmed',
  '{}': 'confirmed',
  '{"state":""}': 'confirmed',
  '{"state":null}': 'confirmed',
  '{"deleted":false}': 'confirmed',
  '{"state":"confirmed","deleted":false}': 'confirmed',
  '{"state":"confirmed","deleted":"false","type":"host"}': 'confirmed',
  '{"state":"pending","deleted":false}': 'pending',
  '{"state":"pendingDeletion","deleted":false}': 'pendingDeletion',
  '{"state":"confirmed","deleted":true}': undefined,
  '{"state":"pending","deleted":"true"}': undefined,
  '{"deleted":true}': undefined,
};

for (const [family, { cidr, segment }] of Object.entries(FAMILIES)) {
  const claimPath = `/ipam/v2/host/host-1/${family}/block/${segment}`;
  const blockPath = `/ipam/v2/assignment/${family}/block/${segment}`;

  test(`identify() finds the block of both kinds of ${family} keys`, (t) => {
    const id = `IpamBlock/${cidr}`;
    t.like(layout.identify(`/calico${claimPath}` as StoreKey), { type: 'block', id, cidr, host: 'host-1' });
    t.like(layout.identify(`/calico${blockPath}` as StoreKey), { type: 'block', id, cidr, host: undefined });
  });

  for (const [value, state] of Object.entries(SPELLINGS))
    test(`readBlockClaim() reads the ${family} claim ${JSON.stringify(value)} as ${state ?? 'no claim'}`, (t) => {
      t.deepEqual(
        read(claimPath, value),
        state === undefined ? undefined : { from: 'host', node: 'host-1', state: state as 'confirmed' },
      );
    });

  const holders: Readonly<Record<string, string | undefined>> = {
    [`{"cidr":"${cidr}","affinity":"host:host-2","allocations":[],"strictAffinity":true}`]: 'host-2',
    [`{"cidr":"${cidr}","affinity":"","allocations":[],"strict_affinity":true}`]: undefined,
    [`{"cidr":"${cidr}","affinity":null}`]: undefined,
    [`{"cidr":"${cidr}","hostAffinity":"host-3"}`]: 'host-3',
    [`{"cidr":"${cidr}","affinity":"virtual:load-balancer"}`]: undefined,
  };
  for (const [value, node] of Object.entries(holders))
    test(`readBlockClaim() reads the ${family} block ${value} as ${node ?? 'nobody'}'s`, (t) => {
      t.deepEqual(read(blockPath, value), { from: 'block', node });
    });

  test(`readBlockClaim() takes an ${family} block that is marked as deleted for none`, (t) => {
    t.is(read(blockPath, `{"cidr":"${cidr}","affinity":"host:host-2","deleted":true}`), undefined);
  });

  for (const value of ['{', '[]', '{"state":"confrimed"}', '{"deleted":"perhaps"}'])
    test(`readBlockClaim() refuses the ${family} claim ${value} by its key`, (t) => {
      const error = t.throws(() => read(claimPath, value), { instanceOf: LayoutError });
      t.is(error?.path, `/calico${claimPath}`);
    });
}

for (const path of [
  '/ipam/v2/host/h/ipv4/block/fd80::40-122',
  '/ipam/v2/assignment/ipv6/block/10.0.0.0-26',
  '/ipam/v2/host/h/ipv4/block/10.0.0.1-26',
])
  test(`readBlockClaim() refuses ${path}, which names no network of its family`, (t) => {
    t.throws(() => read(path, '{}'), { instanceOf: LayoutError, message: /not a network of that family/ });
  });

test('identify() knows the other keys of IPAM v2 as somebody else’s', (t) => {
  for (const path of ['config', 'handle/h', 'host/h/ipv4/block', 'assignment/ipv5/block/10.0.0.0-26'])
    t.deepEqual(layout.identify(`/calico/ipam/v2/${path}` as StoreKey), { type: 'foreign' });
});

test('blockFrom() has the block itself decide between hosts, and the claims where it names none', (t) => {
  const cidr = '10.65.1.0/26' as Cidr;
  const claim = (node: string, state: 'confirmed' | 'pending'): BlockClaim => ({ from: 'host', node, state });
  const affinities = (...claims: BlockClaim[]) =>
    blockFrom(cidr, claims).affinities.map(({ node, state }) => `${node} ${state}`);
  t.deepEqual(affinities(claim('b', 'pending'), claim('a', 'confirmed')), ['a confirmed', 'b pending']);
  t.deepEqual(affinities(claim('b', 'pending'), { from: 'block', node: undefined }), ['b pending']);
  t.deepEqual(affinities({ from: 'block', node: 'a' }, claim('b', 'confirmed')), ['a confirmed']);
  t.deepEqual(affinities({ from: 'block', node: 'a' }, claim('a', 'pending')), ['a pending']);
  t.deepEqual(affinities(claim('a', 'pending'), { from: 'block', node: 'a' }), ['a pending']);
});
