/**
 * Which encapsulation a pool asks for in its family, also where a store holds what no manifest may say: a
 * table.
 */
import test from 'ava';
import {
  type EncapsulationsInUse,
  encapsulationOf,
  encapsulationsOf,
  type PoolEncapsulation,
  type PoolModes,
} from '../../src/model/encapsulation.js';
import { cidr } from '../helpers/build-resources.js';

const [V4, V6] = ['10.65.0.0/16', 'fd65::/48'];
const pool = (text: string, modes: Partial<PoolModes> = {}): PoolModes => ({
  cidr: cidr(text),
  vxlanMode: 'Never',
  ipipMode: 'Never',
  ...modes,
});

const isOne = test.macro({
  exec(t, one: PoolModes, expected: PoolEncapsulation | undefined) {
    t.deepEqual(encapsulationOf(one), expected);
  },
  title: (title = '') => `encapsulationOf() a pool with ${title}`,
});

test('neither', isOne, pool(V4), undefined);
test('VXLAN', isOne, pool(V4, { vxlanMode: 'Always' }), { encapsulation: 'vxlan', isCrossSubnet: false });
test('VXLAN of IPv6 between subnets', isOne, pool(V6, { vxlanMode: 'CrossSubnet' }), {
  encapsulation: 'vxlan',
  isCrossSubnet: true,
});
test('IP in IP', isOne, pool(V4, { ipipMode: 'Always' }), { encapsulation: 'ipip', isCrossSubnet: false });
test('IP in IP between subnets', isOne, pool(V4, { ipipMode: 'CrossSubnet' }), {
  encapsulation: 'ipip',
  isCrossSubnet: true,
});
test('IP in IP of IPv6: there is none', isOne, pool(V6, { ipipMode: 'Always' }), undefined);
test('both, in a store: VXLAN', isOne, pool(V4, { vxlanMode: 'CrossSubnet', ipipMode: 'Always' }), {
  encapsulation: 'vxlan',
  isCrossSubnet: true,
});

const inUse = test.macro({
  exec(t, pools: readonly PoolModes[], expected: EncapsulationsInUse) {
    t.deepEqual(encapsulationsOf(pools), expected);
  },
  title: (title = '') => `encapsulationsOf() ${title}`,
});

test('no pools', inUse, [], { 4: [], 6: [] });
test('pools that ask for none', inUse, [pool(V4), pool(V6)], { 4: [], 6: [] });
test('VXLAN in the family of its pool', inUse, [pool(V4, { vxlanMode: 'Always' }), pool(V6)], {
  4: ['vxlan'],
  6: [],
});
test('CrossSubnet encapsulates too', inUse, [pool(V6, { vxlanMode: 'CrossSubnet' })], {
  4: [],
  6: ['vxlan'],
});
test(
  'both, of two pools',
  inUse,
  [pool(V4, { ipipMode: 'CrossSubnet' }), pool('172.16.0.0/12', { vxlanMode: 'Always' })],
  { 4: ['vxlan', 'ipip'], 6: [] },
);
test('no IPIP in IPv6', inUse, [pool(V6, { ipipMode: 'Always' })], { 4: [], 6: [] });
