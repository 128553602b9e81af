/**
 * A slip is answered with the word that was meant, and a strange word with none: examples, and random words.
 */
import test from 'ava';
import fc from 'fast-check';
import { editDistance, suggest } from '../../src/model/suggest.js';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });

test('editDistance() counts an insertion, a deletion, a replacement or a swap of neighbours as one', (t) => {
  t.is(editDistance('spec', 'spec'), 0);
  t.is(editDistance('spec', 'sepc'), 1);
  t.is(editDistance('spec', 'specs'), 1);
  t.is(editDistance('spec', 'spc'), 1);
  t.is(editDistance('spec', 'spek'), 1);
  t.is(editDistance('', 'spec'), 4);
});

test('editDistance() is symmetric, and zero only between equal words', (t) => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      t.is(editDistance(a, b), editDistance(b, a));
      t.is(editDistance(a, b) === 0, a === b);
      t.true(editDistance(a, b) <= Math.max(a.length, b.length));
    }),
  );
});

test('suggest() finds the nearest candidate, in any case, and nothing when none is near', (t) => {
  const kinds = ['IPPool', 'Profile', 'Node', 'BGPPeer'];
  t.is(suggest('ippool', kinds), 'IPPool');
  t.is(suggest('Profiel', kinds), 'Profile');
  t.is(suggest('nodes', kinds), 'Node');
  t.is(suggest('Deployment', kinds), undefined);
  t.is(suggest('', kinds), undefined);
  t.is(suggest('x'.repeat(10_000), kinds), undefined);
});
