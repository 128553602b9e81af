/**
 * The index finds what a naive evaluation of every selector for every item finds, and looks at few of them:
 * reads are counted.
 */
import test from 'ava';
import fc from 'fast-check';
import { LabelIndex } from '../../../src/agent/calc/label-index.js';
import type { SelectorNode } from '../../../src/model/selector/ast.js';
import { type Labels, matchesSelector } from '../../../src/model/selector/evaluate.js';
import { selectorAst } from '../../../src/model/selector/selector.js';
import { selector } from '../../helpers/build-resources.js';

/** An index, and the matches that it has reported: `selector item`. */
function watchedIndex() {
  const matches = new Set<string>();
  const index = new LabelIndex<string, string>({
    onMatchStarted(id, item) {
      if (matches.has(`${id} ${item}`)) throw new Error(`${id} ${item} started twice`);
      matches.add(`${id} ${item}`);
    },
    onMatchStopped(id, item) {
      if (!matches.delete(`${id} ${item}`)) throw new Error(`${id} ${item} had not started`);
    },
  });
  return { index, matches };
}

const labels: fc.Arbitrary<Labels> = fc.record(
  { a: fc.constantFrom('1', '2', ''), b: fc.constantFrom('1', 'b=1'), 'a=1': fc.constant('x') },
  { requiredKeys: [], noNullPrototype: true },
);
const node: fc.Arbitrary<SelectorNode> = fc
  .constantFrom(
    'all()',
    "a == '1'",
    "a != '1'",
    'has(a)',
    '!has(a)',
    "a in {'1', '2'}",
    'a in {}',
    "a not in {'1'}",
    "a == '1' && b == '1'",
    "a == '1' || b == '1'",
    "a == '1' || a == ''",
    'has(a) && !has(a)',
    "a == '1' && a == '2'",
    "!(a == '1') && has(b)",
    "a starts with ''",
    "(has(a) && !has(a)) || b == 'b=1'",
  )
  .map((text) => selectorAst(selector(text)));

const change = fc.oneof(
  fc.record({
    on: fc.constant('item' as const),
    id: fc.constantFrom('i', 'j', 'k'),
    labels: fc.option(labels),
  }),
  fc.record({
    on: fc.constant('selector' as const),
    id: fc.constantFrom('s', 't', 'u'),
    node: fc.option(node),
  }),
);

test('LabelIndex reports each match once, and holds exactly those that evaluation finds', (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
      const { index, matches } = watchedIndex();
      const items = new Map<string, Labels>();
      const selectors = new Map<string, SelectorNode>();
      for (const step of changes) {
        if (step.on === 'item') {
          if (step.labels) index.updateItem(step.id, step.labels);
          else index.deleteItem(step.id);
          replace(items, step.id, step.labels);
        } else {
          if (step.node) index.updateSelector(step.id, step.node);
          else index.deleteSelector(step.id);
          replace(selectors, step.id, step.node);
        }
        t.deepEqual([...matches].sort(), naiveMatches(selectors, items));
      }
    }),
    { numRuns: 1_000 },
  );
});

function replace<V>(map: Map<string, V>, id: string, value: V | null): void {
  if (value === null) map.delete(id);
  else map.set(id, value);
}

function naiveMatches(
  selectors: ReadonlyMap<string, SelectorNode>,
  items: ReadonlyMap<string, Labels>,
): string[] {
  return [...selectors]
    .flatMap(([id, tree]) =>
      [...items].filter(([, its]) => matchesSelector(tree, its)).map(([item]) => `${id} ${item}`),
    )
    .sort();
}

test('LabelIndex lets matches start before it lets others stop', (t) => {
  const order: string[] = [];
  const index = new LabelIndex<string, string>({
    onMatchStarted: (id) => order.push(`+${id}`),
    onMatchStopped: (id) => order.push(`-${id}`),
  });
  index.updateSelector('one', selectorAst(selector("a == '1'")));
  index.updateSelector('two', selectorAst(selector("a == '2'")));
  index.updateItem('i', { a: '1' });
  index.updateItem('i', { a: '2' });
  t.deepEqual(order, ['+one', '+two', '-one']);
});

/** Counts how often anything is read of it. */
function counted<T extends object>(target: T, count: { reads: number }): T {
  const read = () => {
    count.reads += 1;
  };
  return new Proxy(target, {
    get(object, key, receiver) {
      read();
      return Reflect.get(object, key, receiver);
    },
    getOwnPropertyDescriptor(object, key) {
      read();
      return Reflect.getOwnPropertyDescriptor(object, key);
    },
  });
}

const looksAtFew = test.macro({
  exec(t, text: string) {
    const count = { reads: 0 };
    const { index, matches } = watchedIndex();
    for (let number = 0; number < 1_000; number += 1)
      index.updateItem(
        `i${number}`,
        counted({ role: `r${number}`, zone: 'a', ...(number === 7 && { only: '' }) }, count),
      );
    count.reads = 0;
    index.updateSelector('s', selectorAst(selector(text)));
    t.deepEqual([...matches], ['s i7']);
    t.true(count.reads < 10, `${count.reads} labels were read`);
  },
  title: (_ = '', text) => `LabelIndex does not look at the labels of other items for ${text}`,
});
test(looksAtFew, "role == 'r7'");
test(looksAtFew, "role in {'r7', 'none'}");
test(looksAtFew, "has(zone) && role == 'r7'");
test(looksAtFew, "role == 'r7' && zone != 'b'");
test(looksAtFew, 'has(only)');

test('LabelIndex does not evaluate selectors that ask for another value of a label', (t) => {
  const count = { reads: 0 };
  const { index, matches } = watchedIndex();
  for (let number = 0; number < 1_000; number += 1)
    index.updateSelector(`s${number}`, counted(selectorAst(selector(`role == 'r${number}'`)), count));
  count.reads = 0;
  index.updateItem('i', { role: 'r7', zone: 'a' });
  t.deepEqual([...matches], ['s7 i']);
  t.true(count.reads < 10, `${count.reads} parts of selectors were read`);
});
