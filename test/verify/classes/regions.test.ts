/**
 * Outside is cut where rules cut it, and is nothing but what nobody has: random networks against asking each,
 * and examples.
 */
import test from 'ava';
import fc from 'fast-check';
import { type Cidr, cidrContains } from '../../../src/model/address.js';
import { outsideRegions } from '../../../src/verify/classes/outside.js';
import { type Region, regionsOf } from '../../../src/verify/classes/regions.js';
import { address, cidr } from '../../helpers/build-resources.js';

const NETS = ['10.0.0.0/8', '10.0.0.0/24', '10.0.0.4/30', '10.1.0.0/16', '0.0.0.0/0', '192.0.2.1/32'].map(
  cidr,
);
const ADDRESSES = ['10.0.0.5', '10.0.0.9', '10.1.2.3', '10.9.9.9', '192.0.2.1', '8.8.8.8'].map(address);

test('the regions around an address are the networks that contain it', (t) => {
  fc.assert(
    fc.property(fc.subarray(NETS), fc.constantFrom(...ADDRESSES), (nets, one) => {
      const around: Cidr[] = [];
      for (let region: Region | undefined = regionsOf(4, nets).regionOf(one); region; region = region.parent)
        if (region.cidr !== undefined) around.push(region.cidr);
      t.deepEqual(around.sort(), nets.filter((net) => cidrContains(net, one)).sort());
    }),
  );
});

test('outside is whatever nobody has, and a sample of it lies in its region alone', (t) => {
  const regions = regionsOf(4, ['203.0.113.0/24', '203.0.113.64/26'].map(cidr));
  const outside = outsideRegions(regions, new Set());
  t.deepEqual(
    outside.map(({ region, sample }) => [region.cidr, sample] as unknown),
    [
      [undefined, '1.0.0.1'],
      ['203.0.113.0/24', '203.0.113.1'],
      ['203.0.113.64/26', '203.0.113.65'],
    ],
  );
});

const nobody = test.macro({
  exec(t, nets: readonly string[], taken: readonly string[]) {
    const regions = regionsOf(4, nets.map(cidr));
    const outside = outsideRegions(regions, new Set(taken.map(address)));
    t.deepEqual(
      outside.map(({ region }) => region.cidr),
      [undefined],
    );
  },
  title: (title = '') => `nobody is outside in a region ${title}`,
});

test('whose addresses are all taken', nobody, ['192.0.2.4/31'], ['192.0.2.4', '192.0.2.5']);
test('that cannot be routed', nobody, ['127.0.0.0/8', '224.0.0.0/4', '169.254.0.0/16', '240.0.0.0/4'], []);

test('a region that narrower ones fill has no outside of its own', (t) => {
  const regions = regionsOf(4, ['192.0.2.0/30', '192.0.2.0/31', '192.0.2.2/31'].map(cidr));
  const cidrs = outsideRegions(regions, new Set()).map(({ region }) => region.cidr);
  t.deepEqual(cidrs as unknown, [undefined, '192.0.2.0/31', '192.0.2.2/31']);
});
