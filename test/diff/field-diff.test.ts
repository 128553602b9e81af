/**
 * A plan tells the fields that differ, all of them, and no secret: a table, and random JSON against Node's
 * own comparison.
 */
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { diffFields, listFields } from '../../src/diff/field-diff.js';
import type { FieldDiff } from '../../src/diff/plan-types.js';

const differs = test.macro({
  exec(t, before: unknown, after: unknown, expected: readonly FieldDiff[]) {
    t.deepEqual(diffFields(before, after, 'spec'), expected);
  },
  title: (title = '') => `diffFields() ${title}`,
});

test(
  'finds nothing between values that differ in the order of their fields',
  differs,
  { a: 1, b: [{ c: 2, d: 3 }] },
  { b: [{ d: 3, c: 2 }], a: 1 },
  [],
);
test('names the path of a changed scalar', differs, { a: { b: 1 } }, { a: { b: 2 } }, [
  { path: 'spec.a.b', before: 1, after: 2 },
]);
test('leaves out the side on which a field is absent', differs, { a: 1 }, { b: 2 }, [
  { path: 'spec.a', before: 1 },
  { path: 'spec.b', after: 2 },
]);
test(
  'compares lists of equal length by position',
  differs,
  { l: [{ x: 1 }, { x: 2 }] },
  { l: [{ x: 1 }, { x: 3 }] },
  [{ path: 'spec.l[1].x', before: 2, after: 3 }],
);
test('shows an item in front of a list as one item', differs, { l: ['b', 'c'] }, { l: ['a', 'b', 'c'] }, [
  { path: 'spec.l[0]', after: 'a' },
]);
test('counts equal items of a list', differs, { l: ['a', 'a', 'b'] }, { l: ['a'] }, [
  { path: 'spec.l[1]', before: 'a' },
  { path: 'spec.l[2]', before: 'b' },
]);
test('quotes names that are no words', differs, { 'example.org/zone': 'a' }, { 'example.org/zone': 'b' }, [
  { path: 'spec["example.org/zone"]', before: 'a', after: 'b' },
]);
test('replaces a literal secret on both sides', differs, { password: 'hunter2' }, { password: 'hunter3' }, [
  { path: 'spec.password', before: '<redacted>', after: '<redacted>' },
]);
test(
  'replaces a secret inside a value that appears as a whole',
  differs,
  {},
  { peer: { password: 'hunter2', ip: '10.0.0.1' } },
  [{ path: 'spec.peer', after: { password: '<redacted>', ip: '10.0.0.1' } }],
);
test('shows the name of a secret file', differs, { password: { file: 'a' } }, { password: { file: 'b' } }, [
  { path: 'spec.password.file', before: 'a', after: 'b' },
]);
test('does not look into inherited names', differs, {}, JSON.parse('{"__proto__": 1}'), [
  { path: 'spec.__proto__', after: 1 },
]);

test('diffFields() is empty exactly when two values are equal', (t) => {
  // -0 and 0 are one number in JSON.
  const arbitraryValue = fc
    .jsonValue({ noUnicodeString: false })
    .map((value) => JSON.parse(JSON.stringify(value)));
  const arbitraryPair = fc.oneof(
    fc.tuple(arbitraryValue, arbitraryValue),
    arbitraryValue.map((value) => [value, structuredClone(value)] as const),
  );
  fc.assert(
    fc.property(arbitraryPair, ([a, b]) => (diffFields(a, b).length === 0) === isDeepStrictEqual(a, b)),
  );
  t.pass();
});

test('listFields() lists what is set, one level deep', (t) => {
  t.deepEqual(listFields({ a: 1, b: undefined, c: { d: 2 } }, 'spec', 'after'), [
    { path: 'spec.a', after: 1 },
    { path: 'spec.c', after: { d: 2 } },
  ]);
});
