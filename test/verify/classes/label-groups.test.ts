/**
 * Endpoints are put together only when no selector at hand tells them apart: random labels, against
 * evaluating each.
 */
import test from 'ava';
import fc from 'fast-check';
import { matchesSelector } from '../../../src/model/selector/evaluate.js';
import { selectorAst } from '../../../src/model/selector/selector.js';
import { labelGroups } from '../../../src/verify/classes/label-groups.js';
import { selector } from '../../helpers/build-resources.js';

const TEXTS = [
  'all()',
  "role == 'db'",
  "role != 'db'",
  'has(zone)',
  '!has(zone)',
  "role in {'db', 'api'} && zone == 'a'",
  "role not in {'db', 'api'} || zone starts with 'a'",
  "role == 'db' && role == 'api'",
  "has(constructor) || role contains 'p'",
];
const labels = fc.dictionary(
  fc.constantFrom('role', 'zone', 'name', 'constructor', '__proto__'),
  fc.constantFrom('db', 'api', 'a', 'ab', ''),
);
const items = fc.array(
  fc.record({ labels, tags: fc.subarray(['web', 'api']).map((tags): ReadonlySet<string> => new Set(tags)) }),
  { minLength: 1, maxLength: 12 },
);

test('a group is picked exactly when the selector picks its members', (t) => {
  fc.assert(
    fc.property(items, fc.subarray(TEXTS, { minLength: 1 }), (drawn, texts) => {
      const selectors = texts.map((text) => selectorAst(selector(text)));
      const groups = labelGroups(drawn, selectors, new Set(['web']));
      for (const node of selectors)
        for (const item of drawn)
          t.is(groups.pickedBy(node).includes(groups.groupOf(item)), matchesSelector(node, item.labels));
      for (const item of drawn) {
        t.is(groups.taggedWith('web').includes(groups.groupOf(item)), item.tags.has('web'));
        t.deepEqual(groups.taggedWith('api'), []);
      }
    }),
  );
});

test('labels that no selector mentions split nobody', (t) => {
  const named = ['a', 'b', 'c'].map((name) => ({ labels: { name, role: 'db' } }));
  const groups = labelGroups(named, [selectorAst(selector("role == 'db'"))], new Set());
  t.is(groups.size, 1);
});

test('an item that was not grouped is an error', (t) => {
  const groups = labelGroups([], [], new Set());
  t.throws(() => groups.groupOf({ labels: {} }), { instanceOf: TypeError });
});
