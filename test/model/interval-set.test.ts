/** Intervals behave as the sets of numbers in them: random ones, with every number written out. */
import test from 'ava';
import fc from 'fast-check';
import {
  cidrInterval,
  type Interval,
  type IntervalSet,
  intersectIntervals,
  intervalSet,
  subtractIntervals,
} from '../../src/model/interval-set.js';
import { cidr } from '../helpers/build-resources.js';

const LIMIT = 40;
const interval = fc
  .tuple(fc.nat(LIMIT), fc.nat(8))
  .map(([first, length]): Interval => ({ first: BigInt(first), last: BigInt(first + length) }));
const anySet = fc.array(interval, { maxLength: 6 }).map(intervalSet);

function numbersIn(set: IntervalSet): readonly bigint[] {
  return set.flatMap(({ first, last }) =>
    Array.from({ length: Number(last - first) + 1 }, (_, offset) => first + BigInt(offset)),
  );
}

test('intervalSet() holds what its intervals hold, in order, and none of them touch', (t) => {
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 6 }), (intervals) => {
      const set = intervalSet(intervals);
      const expected = [...new Set(numbersIn(intervals))].sort((a, b) => Number(a - b));
      t.deepEqual(numbersIn(set), expected);
      for (const [index, { first }] of set.entries()) {
        const before = set[index - 1];
        t.true(before === undefined || before.last + 1n < first);
      }
    }),
  );
});

test('subtractIntervals() and intersectIntervals() are those of sets', (t) => {
  fc.assert(
    fc.property(anySet, anySet, (left, right) => {
      const taken = new Set(numbersIn(right));
      t.deepEqual(
        numbersIn(subtractIntervals(left, right)),
        numbersIn(left).filter((one) => !taken.has(one)),
      );
      t.deepEqual(
        numbersIn(intersectIntervals(left, right)),
        numbersIn(left).filter((one) => taken.has(one)),
      );
    }),
  );
});

test('cidrInterval() is the first and the last address of a network, of both families', (t) => {
  t.deepEqual(cidrInterval(cidr('10.0.1.0/24')), { first: 0x0a000100n, last: 0x0a0001ffn });
  t.deepEqual(cidrInterval(cidr('0.0.0.0/0')), { first: 0n, last: 0xffffffffn });
  t.deepEqual(cidrInterval(cidr('::1/128')), { first: 1n, last: 1n });
});
