/**
 * A number stands for one tuple, and another for another, however many there are: random ones against a Map
 * of texts.
 */
import test from 'ava';
import fc from 'fast-check';
import { PairTable } from '../../../src/verify/classes/pair-table.js';
import { TupleInterner } from '../../../src/verify/classes/tuple-interner.js';

const tuple = fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 5 });

test('TupleInterner numbers different tuples in the order in which they came', (t) => {
  fc.assert(
    fc.property(fc.array(tuple, { maxLength: 300 }), (tuples) => {
      const interner = new TupleInterner();
      const expected = new Map<string, number>();
      for (const one of tuples) {
        const key = one.join(' ');
        const number = expected.get(key) ?? expected.size;
        expected.set(key, number);
        t.is(interner.intern(one), number);
      }
    }),
  );
});

test('PairTable keeps its numbers while it grows', (t) => {
  const table = new PairTable();
  const pairs = Array.from(
    { length: 20_000 },
    (_, index) => [index % 151, Math.imul(index, 7_919) | 0] as const,
  );
  const first = pairs.map(([left, right]) => table.numberOf(left, right));
  const second = pairs.map(([left, right]) => table.numberOf(left, right));
  t.deepEqual(second, first);
  t.is(new Set(first).size, new Set(pairs.map((pair) => pair.join(' '))).size);
});
