/** Bitsets behave as sets of numbers: random ones, against plain arrays. */
import test from 'ava';
import fc from 'fast-check';
import {
  addBit,
  type Bitset,
  BitsetInterner,
  countBits,
  deleteBit,
  emptyBitset,
  fullBitset,
  hasBit,
  intersectWith,
  isEmptyBitset,
  membersOf,
  subtractFrom,
  uniteWith,
} from '../../src/model/bitset.js';

const SIZE = 70;
const numbers = fc.uniqueArray(fc.nat(SIZE - 1));

function bitsetOf(members: readonly number[]): Bitset {
  const bits = emptyBitset(SIZE);
  for (const member of members) addBit(bits, member);
  return bits;
}

test('membersOf() gives back what was added, in order, and countBits() how many', (t) => {
  fc.assert(
    fc.property(numbers, (members) => {
      const bits = bitsetOf(members);
      t.deepEqual(
        membersOf(bits),
        [...members].sort((a, b) => a - b),
      );
      t.is(countBits(bits), members.length);
      t.is(isEmptyBitset(bits), members.length === 0);
      t.true(
        Array.from({ length: SIZE }, (_, one) => hasBit(bits, one) === members.includes(one)).every(Boolean),
      );
    }),
  );
});

test('deleteBit() takes out one member, there or not', (t) => {
  fc.assert(
    fc.property(numbers, fc.nat(SIZE - 1), (members, gone) => {
      const bits = bitsetOf(members);
      deleteBit(bits, gone);
      t.deepEqual(bits, bitsetOf(members.filter((one) => one !== gone)));
    }),
  );
});

test('the operations are those of sets', (t) => {
  fc.assert(
    fc.property(numbers, numbers, (left, right) => {
      const after = (operate: (bits: Bitset, other: Bitset) => void) => {
        const bits = bitsetOf(left);
        operate(bits, bitsetOf(right));
        return membersOf(bits);
      };
      const sorted = [...left].sort((a, b) => a - b);
      t.deepEqual(
        after(intersectWith),
        sorted.filter((one) => right.includes(one)),
      );
      t.deepEqual(
        after(subtractFrom),
        sorted.filter((one) => !right.includes(one)),
      );
      t.deepEqual(
        after(uniteWith),
        [...new Set([...left, ...right])].sort((a, b) => a - b),
      );
    }),
  );
});

for (const size of [0, 1, 31, 32, 33, 64])
  test(`fullBitset() of ${size} holds all of its universe and nothing else`, (t) => {
    t.deepEqual(
      membersOf(fullBitset(size)),
      Array.from({ length: size }, (_, one) => one),
    );
  });

test('BitsetInterner gives equal sets one number, and others another', (t) => {
  const interner = new BitsetInterner();
  fc.assert(
    fc.property(numbers, numbers, (left, right) => {
      const same = membersOf(bitsetOf(left)).join() === membersOf(bitsetOf(right)).join();
      const [first, second] = [interner.intern(bitsetOf(left)), interner.intern(bitsetOf(right))];
      t.is(first === second, same);
      t.deepEqual(membersOf(interner.get(first)), membersOf(bitsetOf(left)));
    }),
  );
  t.throws(() => interner.get(interner.all.length), { instanceOf: RangeError });
});
