/**
 * Names come back out of keys, and never share one; values are compared by what they mean. Random names, and
 * a table of values.
 */
import test from 'ava';
import fc from 'fast-check';
import { canonicalValue, valueHash } from '../../src/layout/canonical-value.js';
import { escapeName, unescapeName } from '../../src/layout/escape.js';

test('unescapeName(escapeName(name)) is the name, and the segment has no slash', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[%25fF/a]*$/)), (name) => {
      t.is(unescapeName(escapeName(name)), name);
      t.false(escapeName(name).includes('/'));
    }),
  );
});

test('two names never share a segment', (t) => {
  fc.assert(
    fc.property(fc.stringMatching(/^[%25f/]{0,6}$/), fc.stringMatching(/^[%25f/]{0,6}$/), (a, b) => {
      t.is(escapeName(a) === escapeName(b), a === b);
    }),
  );
});

test('escapeName() writes what Calico writes', (t) => {
  t.is(escapeName('a/b%c'), 'a%2fb%25c');
  t.is(unescapeName('a%2Fb'), 'a/b');
  t.is(unescapeName('100%41'), '100%41');
});

const canonical = test.macro({
  title: (_, value: string) => `canonicalValue() of ${value.slice(0, 40)}`,
  exec(t, value: string, expected: string) {
    t.is(canonicalValue(value), expected);
  },
});
test(canonical, '{"b": 1, "a": [ {"d":null,"c":""} ]}', '{"a":[{"c":"","d":null}],"b":1}');
test(canonical, ' [2, 1]', '[2,1]');
test(canonical, '64512', '64512');
test(canonical, ' true', ' true');
test(canonical, '', '');
test(canonical, '{torn', '{torn');
test('canonicalValue() leaves alone what is torn, or nested too deep to be read', (t) => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  t.is(canonicalValue(deep), deep);
  t.is(canonicalValue(deep.slice(1)), deep.slice(1));
});

test('valueHash() tells values by meaning, in 16 hexadecimal digits', (t) => {
  t.regex(valueHash('{}'), /^[0-9a-f]{16}$/);
  t.is(valueHash('{"a":1,"b":2}'), valueHash('{ "b": 2, "a": 1 }'));
  t.not(valueHash('{"a":1}'), valueHash('{"a":"1"}'));
  t.not(valueHash('1'), valueHash('1 '));
});
