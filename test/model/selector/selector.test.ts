/**
 * A selector means what it says, has one canonical text, and a mistake in it has a column and a remedy
 * (law 8): tables, and random ones against a naive meaning that knows no tree.
 */
import test from 'ava';
import fc from 'fast-check';
import {
  canonicalSelector,
  labelKeys,
  type SelectorNode,
  selectorId,
} from '../../../src/model/selector/ast.js';
import { type Labels, labelRestrictions, matchesSelector } from '../../../src/model/selector/evaluate.js';
import { parseSelector, selectorAst, toSelectorText } from '../../../src/model/selector/selector.js';

function ast(text: string): SelectorNode {
  const result = parseSelector(text);
  if (!result.ok) throw new Error(`${text}: column ${result.error.column}: ${result.error.message}`);
  return result.ast;
}

const canonical = test.macro({
  exec(t, text: string, expected: string, id?: string) {
    const found = canonicalSelector(ast(text));
    t.is(found, expected);
    t.is(canonicalSelector(ast(found)), expected);
    if (id !== undefined) t.is(selectorId(found), id);
  },
  title: (_ = '', text, expected) => `canonicalSelector() writes ${JSON.stringify(text)} as ${expected}`,
});
const ALL_ID = 's:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug';
test(canonical, '', 'all()', ALL_ID);
test(canonical, ' \n', 'all()', ALL_ID);
test(canonical, ' (all( ))', 'all()', ALL_ID);
test(canonical, '!(has( b)|| !has(a ))', '!(has(b) || !has(a))', 's:Iss0uCleLYv1GSv_pNm7hAO58kE9jAx1NKyG3Q');
test(
  canonical,
  '! (a == "b"&&! c != "d")',
  '!(a == "b" && !c != "d")',
  's:lh3haoY1ikTRkd4UZu0nWSaIBknYLPJLX16d-w',
);
test(canonical, "a=='b'", 'a == "b"');
test(canonical, `a != '"'`, `a != '"'`);
test(canonical, `a != "'"`, `a != "'"`);
test(canonical, "a in {'z', 'x','z', 'b'}", 'a in {"b", "x", "z"}');
test(canonical, "a in {'\u{1F600}', '\uFFFD'}", 'a in {"\uFFFD", "\u{1F600}"}');
test(canonical, 'a in {}', 'a in {}');
test(canonical, "a notin{'b',}", 'a not in {"b"}');
test(canonical, "a startswith 'b'", 'a starts with "b"');
test(canonical, "a ends  with 'b'", 'a ends with "b"');
test(canonical, "a contains\n'b'", 'a contains "b"');
test(canonical, "in in {'in'}", 'in in {"in"}');
test(canonical, "has == 'x' && all == 'y'", '(has == "x" && all == "y")');
test(canonical, 'global()', 'global()');
test(canonical, '!!!has(a)', '!has(a)');
test(canonical, '!(!has(a))', 'has(a)');
test(canonical, 'has(a) || has(b) && has(c)', '(has(a) || (has(b) && has(c)))');
test(canonical, '(has(a) && has(b)) && has(c)', '((has(a) && has(b)) && has(c))');
test(canonical, 'has(projectcalico.org/name)', 'has(projectcalico.org/name)');

const refuses = test.macro({
  exec(t, text: string, column: number, hint: RegExp) {
    const result = parseSelector(text);
    if (result.ok) return t.fail(`parsed as ${canonicalSelector(result.ast)}`);
    t.is(result.error.column, column, result.error.message);
    t.regex(result.error.hint, hint);
  },
  title: (_ = '', text, column) => `parseSelector() refuses ${JSON.stringify(text)} at column ${column}`,
});
test(refuses, 'role', 5, /has\(role\)/);
test(refuses, "role = 'db'", 6, /==/);
test(refuses, 'role == db', 9, /'db'/);
test(refuses, 'role ==', 8, /quotes/);
test(refuses, 'role db', 6, /==, !=/);
test(refuses, "'role' == 'db'", 1, /without quotes/);
test(refuses, "role == 'db", 9, /Close it with '/);
test(refuses, "role == 'd\nb'", 9, /one line/);
test(refuses, "role == 'db' and has(x)", 14, /&&/);
test(refuses, "role == 'db' & has(x)", 14, /&&/);
test(refuses, "role == 'db' &&", 16, /condition/);
test(refuses, 'has(a) has(b)', 8, /&& or \|\|/);
test(refuses, 'has(a', 1, /missing \)/);
test(refuses, 'has()', 1, /has\(role\)/);
test(refuses, 'all(a)', 1, /all\(\)/);
test(refuses, '(has(a)', 8, /missing \)/);
test(refuses, 'has(a))', 7, /Take it away/);
test(refuses, '()', 2, /condition/);
test(refuses, '!', 2, /condition/);
test(refuses, "a in 'x'", 6, /braces/);
test(refuses, "a in {'x' 'y'}", 11, /commas/);
test(refuses, "a in {'x'", 10, /close the set/);
test(refuses, 'a in {x}', 7, /'x'/);
test(refuses, '%', 1, /letters, digits/);
test(refuses, `${'a'.repeat(513)} == 'x'`, 1, /Shorten/);
test(refuses, `${'('.repeat(10_000)}has(a)`, 101, /parentheses/);

const picks = test.macro({
  exec(t, text: string, labels: Labels, expected: boolean) {
    t.is(matchesSelector(ast(text), labels), expected);
  },
  title: (_ = '', text, labels, expected) =>
    `${text === '' ? 'blank' : text} ${expected ? 'picks' : 'passes over'} ${JSON.stringify(labels)}`,
});
test(picks, '', {}, true);
test(picks, 'global()', {}, true);
test(picks, "a != 'x'", {}, true);
test(picks, "a not in {'x'}", {}, true);
test(picks, "a contains 'x'", {}, false);
test(picks, "a contains ''", { a: '' }, true);
test(picks, "a starts with 'b'", { a: 'ab' }, false);
test(picks, "a ends with 'b'", { a: 'ab' }, true);
test(picks, "!a == 'x'", {}, true);
test(picks, "!a == 'x' && b == 'y'", { a: 'x', b: 'y' }, false);
test(picks, "a == 'x' || b == 'y' && c == 'z'", { a: 'x' }, true);
test(picks, "(a == 'x' || b == 'y') && c == 'z'", { a: 'x' }, false);
test('has(constructor) does not look at the prototype of the labels', (t) => {
  t.false(matchesSelector(ast('has(constructor)'), {}));
  t.true(matchesSelector(ast("constructor != 'x'"), {}));
});

const label = fc.constantFrom('a', 'b', 'in', 'has', 'x/y');
const value = fc.constantFrom('', 'p', 'q', 'pq', "'", '"');
const literal = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);

type LabelMap = ReadonlyMap<string, string>;

/** Text with redundant parentheses, together with what it means, computed without a tree. */
interface Meant {
  readonly text: string;
  readonly meaning: (labels: LabelMap) => boolean;
}
const comparison: fc.Arbitrary<Meant> = fc.oneof(
  fc.constant({ text: 'all()', meaning: () => true }),
  label.map((l) => ({ text: `has(${l})`, meaning: (m: LabelMap) => m.has(l) })),
  fc
    .tuple(label, value)
    .chain(([l, v]) =>
      fc.constantFrom<Meant>(
        { text: `${l}==${literal(v)}`, meaning: (m) => m.get(l) === v },
        { text: `${l} != ${literal(v)}`, meaning: (m) => m.get(l) !== v },
        { text: `${l} contains ${literal(v)}`, meaning: (m) => m.get(l)?.includes(v) === true },
        { text: `${l} starts with ${literal(v)}`, meaning: (m) => m.get(l)?.startsWith(v) === true },
        { text: `${l} endswith ${literal(v)}`, meaning: (m) => m.get(l)?.endsWith(v) === true },
      ),
    ),
  fc.tuple(label, fc.array(value, { maxLength: 3 }), fc.boolean()).map(([l, vs, negated]) => ({
    text: `${l} ${negated ? 'not in' : 'in'} {${vs.map(literal).join(',')}}`,
    meaning: (m: LabelMap) => vs.some((v) => m.get(l) === v) !== negated,
  })),
);
const { expression } = fc.letrec<{ expression: Meant }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    comparison,
    tie('expression').map((e) => ({ text: `!(${e.text})`, meaning: (m: LabelMap) => !e.meaning(m) })),
    comparison.map((e) => ({ text: `!${e.text}`, meaning: (m: LabelMap) => !e.meaning(m) })),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => ({
      text: `(${a.text}) && (${b.text})`,
      meaning: (m: LabelMap) => a.meaning(m) && b.meaning(m),
    })),
    fc.tuple(comparison, comparison, comparison).map(([a, b, c]) => ({
      text: `${a.text} || ${b.text} && ${c.text}`,
      meaning: (m: LabelMap) => a.meaning(m) || (b.meaning(m) && c.meaning(m)),
    })),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => ({
      text: `(${a.text} )||( ${b.text})`,
      meaning: (m: LabelMap) => a.meaning(m) || b.meaning(m),
    })),
  ),
}));
const labels = fc.dictionary(label, value, { maxKeys: 4 });

test('the canonical text parses to itself and means the same, as a naive evaluator says', (t) => {
  fc.assert(
    fc.property(expression, labels, (meant, given) => {
      const first = ast(meant.text);
      const text = canonicalSelector(first);
      const second = ast(text);
      t.is(canonicalSelector(second), text);
      const expected = meant.meaning(new Map(Object.entries(given)));
      t.is(matchesSelector(first, given), expected, meant.text);
      t.is(matchesSelector(second, given), expected, text);
    }),
    { numRuns: 500 },
  );
});

test('labelRestrictions() holds for everything that the selector picks', (t) => {
  fc.assert(
    fc.property(expression, labels, (meant, given) => {
      const node = ast(meant.text);
      if (!matchesSelector(node, given)) return;
      for (const [key, { must, values }] of labelRestrictions(node)) {
        t.is(must, Object.hasOwn(given, key) ? 'present' : 'absent', `${meant.text}: ${key}`);
        if (values) t.true(values.has(given[key] ?? ''), meant.text);
      }
    }),
    { numRuns: 500 },
  );
});

test('labels outside labelKeys() cannot change the outcome', (t) => {
  fc.assert(
    fc.property(expression, labels, (meant, given) => {
      const node = ast(meant.text);
      const keys = labelKeys(node);
      const kept = Object.fromEntries(Object.entries(given).filter(([key]) => keys.has(key)));
      t.is(matchesSelector(node, kept), matchesSelector(node, given));
    }),
  );
});

const restricts = test.macro({
  exec(t, text: string, expected: Record<string, [string, string[]?]>) {
    const found = [...labelRestrictions(ast(text))].map(([key, { must, values }]) => [
      key,
      values ? [must, [...values]] : [must],
    ]);
    t.deepEqual(Object.fromEntries(found), expected);
  },
  title: (_ = '', text) => `labelRestrictions() of ${text}`,
});
test(restricts, "a == 'x' && b in {'y', 'z'}", { a: ['present', ['x']], b: ['present', ['y', 'z']] });
test(restricts, "a == 'x' || a == 'y'", { a: ['present', ['x', 'y']] });
test(restricts, "a == 'x' || has(a)", { a: ['present'] });
test(restricts, "a == 'x' || b == 'y'", {});
test(restricts, '!has(a) && has(b)', { a: ['absent'], b: ['present'] });
test(restricts, "a == 'x' && a == 'y'", { a: ['present', []] });
test(restricts, "(has(a) && !has(a)) || a == 'x'", { a: ['present', ['x']] });
test(restricts, "!a == 'x' && b != 'y'", {});

test('parseSelector() throws for no text at all', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...`ab' "{}(),=!&|.inhas\n`) }), (text) => {
      const result = parseSelector(text);
      if (result.ok) return;
      t.true(result.error.column >= 1 && result.error.column <= text.length + 1);
      t.not(result.error.hint, '');
    }),
    { numRuns: 2000 },
  );
});

test('toSelectorText() trims, reads blank as all(), and is undefined for what does not parse', (t) => {
  t.is(String(toSelectorText(" a == 'b'\n")), "a == 'b'");
  t.is(String(toSelectorText(' ')), 'all()');
  t.is(toSelectorText('role'), undefined);
});

test('selectorAst() gives equal texts the same tree', (t) => {
  const text = toSelectorText("role == 'db'");
  if (text === undefined) return t.fail();
  t.is(selectorAst(text), selectorAst(text));
});
