/**
 * What is concluded from the text of selectors is never wrong, though not everything is concluded: a table,
 * and random selectors against all labels of a small world.
 */
import test from 'ava';
import fc from 'fast-check';
import { matchesSelector } from '../../../src/model/selector/evaluate.js';
import { selectorAst } from '../../../src/model/selector/selector.js';
import { implies, picksNothing } from '../../../src/verify/lint/selector-logic.js';
import { selector } from '../../helpers/build-resources.js';

const ast = (text: string) => selectorAst(selector(text));

const nothing = test.macro({
  exec: (t, text: string) => t.true(picksNothing(ast(text))),
  title: (_, text) => `picksNothing() knows that ${text} contradicts itself`,
});
test(nothing, "app == 'a' && app == 'b'");
test(nothing, "app == 'a' && app != 'a'");
test(nothing, "app == 'a' && app not in {'a', 'b'}");
test(nothing, "app in {'a', 'b'} && app in {'c'}");
test(nothing, 'has(app) && !has(app)');
test(nothing, "!has(app) && app starts with 'a'");
test(nothing, "app == 'a' && app contains 'b'");
test(nothing, "app == 'a' && (app == 'b' || app == 'c')");
test(nothing, '!all()');
test(nothing, "app == 'a' && !(app == 'a' || zone == 'b')");

const something = test.macro({
  exec: (t, text: string) => t.false(picksNothing(ast(text))),
  title: (_, text) => `picksNothing() says nothing of ${text}`,
});
test(something, "app == 'a' || app == 'b'");
test(something, "app == 'a' && zone == 'b'");
test(something, "app != 'a' && app != 'b'");
test(something, "!has(app) && app != 'a'");
test(something, "app starts with 'a' && app ends with 'b'");
test(something, 'all()');

const within = test.macro({
  exec(t, inner: string, outer: string, expected: boolean) {
    t.is(implies(ast(inner), ast(outer)), expected);
  },
  title: (_, inner, outer, expected) =>
    `implies(): what ${inner} picks, ${outer} ${expected ? 'picks too' : 'may not pick'}`,
});
test(within, "app == 'a'", "app in {'a', 'b'}", true);
test(within, "app == 'a' && zone == 'b'", "app == 'a'", true);
test(within, "app == 'a'", "app == 'a' || zone == 'b'", true);
test(within, "app == 'abc'", "app starts with 'ab'", true);
test(within, "app == 'a'", 'has(app)', true);
test(within, "app == 'a'", "app != 'b'", true);
test(within, "app in {'a', 'b'}", "app == 'a'", false);
test(within, "app == 'a'", "app == 'a' && zone == 'b'", false);
test(within, "app != 'b'", 'has(app)', false);

test('picksNothing() and implies() are never wrong, whatever the labels', (t) => {
  const label = fc.constantFrom('a', 'b');
  const value = fc.constantFrom("'x'", "'xy'", "'y'");
  const { expression } = fc.letrec<{ expression: string; leaf: string }>((tie) => ({
    leaf: fc.oneof(
      fc.constant('all()'),
      label.map((key) => `has(${key})`),
      fc
        .tuple(label, fc.constantFrom('==', '!=', 'contains', 'starts with', 'ends with'), value)
        .map((parts) => parts.join(' ')),
      fc
        .tuple(label, fc.constantFrom('in', 'not in'), fc.uniqueArray(value, { minLength: 1 }))
        .map(([key, operator, values]) => `${key} ${operator} {${values.join(', ')}}`),
    ),
    expression: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      tie('expression').map((inner) => `!(${inner})`),
      fc
        .tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression'))
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    ),
  }));
  const values = [undefined, 'x', 'xy', 'y', 'z'];
  const everything = values.flatMap((a) =>
    values.map((b) => ({ ...(a !== undefined && { a }), ...(b !== undefined && { b }) })),
  );
  let known = 0;
  fc.assert(
    fc.property(expression, expression, (left, right) => {
      const [one, other] = [ast(left), ast(right)];
      if (picksNothing(one)) {
        known += 1;
        t.false(
          everything.some((labels) => matchesSelector(one, labels)),
          left,
        );
      }
      if (implies(one, other))
        t.false(
          everything.some((labels) => matchesSelector(one, labels) && !matchesSelector(other, labels)),
          `${left} => ${right}`,
        );
    }),
    { numRuns: 3000 },
  );
  t.true(known > 50, `${known}`);
});
