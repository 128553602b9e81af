/** One view of wishes for two managers. */
import test from 'ava';
import { shareView } from '../../../../src/agent/dataplane/managers/share-view.js';

test('shareView() grants the first its wish, and the second as soon as the first has none', (t) => {
  const view = new Map<string, string>();
  const { first, second } = shareView(view);
  second.set('a', 'second');
  second.set('b', 'second');
  t.deepEqual(
    [...view],
    [
      ['a', 'second'],
      ['b', 'second'],
    ],
  );
  first.set('a', 'first');
  t.is(view.get('a'), 'first');
  second.set('a', 'second, changed');
  t.is(view.get('a'), 'first');
  first.delete('a');
  t.is(view.get('a'), 'second, changed');
  second.delete('a');
  t.false(view.has('a'));
});

test('shareView() shows each its own wishes only', (t) => {
  const { first, second } = shareView(new Map<string, number>());
  first.set('a', 1);
  second.set('b', 2);
  t.deepEqual([[...first.entries()], [...second.keys()]], [[['a', 1]], ['b']]);
  t.deepEqual([first.has('b'), first.get('a'), second.size], [false, 1, 1]);
  second.delete('a');
  t.true(first.has('a'));
});
