/**
 * A kind is found by every name that people use for it, and an id is taken apart as it was put together:
 * every kind, and a few ids.
 */
import test from 'ava';
import { findKind, KIND_NAMES, KINDS } from '../../src/model/kinds.js';
import { resourceId, splitResourceId } from '../../src/model/resource.js';
import { UNSUPPORTED_FIELDS } from '../../src/model/support.js';

test('findKind() knows a kind by its name and its plural, in any case', (t) => {
  for (const kind of KIND_NAMES)
    for (const text of [kind, kind.toLowerCase(), KINDS[kind].plural, KINDS[kind].plural.toUpperCase()])
      t.is(findKind(text), kind, text);
  t.is(findKind('pod'), undefined);
  t.is(findKind(''), undefined);
});

test('plurals are unique, lower case, and begin like the kind', (t) => {
  const plurals = KIND_NAMES.map((kind) => KINDS[kind].plural);
  t.is(new Set<string>(plurals).size, plurals.length);
  for (const kind of KIND_NAMES) {
    const stem = kind.toLowerCase().replace(/y$/, '');
    t.true(KINDS[kind].plural.startsWith(stem), kind);
  }
});

test('splitResourceId() undoes resourceId(), slashes in the name included', (t) => {
  for (const name of ['web', 'a/b', 'node.a-b_c'])
    t.deepEqual(splitResourceId(resourceId('Profile', name)), { kind: 'Profile', name });
});

test('unsupported fields are named for kinds that exist', (t) => {
  for (const kind of Object.keys(UNSUPPORTED_FIELDS)) t.is(findKind(kind), kind as never);
});
