/**
 * Law 7 rests on it: by which rules those who join a set, or leave it, may lose something. One rule of each
 * action.
 */
import test from 'ava';
import { setUses } from '../../../../src/agent/dataplane/rules/set-uses.js';
import { rule, setId } from '../batch.js';

test('setUses() tells for each set whether those who join or leave may lose', (t) => {
  const [a, b, c, d, e] = ['s:a', 's:b', 's:c', 's:d', 's:e'].map(setId);
  if (!a || !b || !c || !d || !e) throw new Error('there are five');
  const uses = setUses([
    rule('Allow', { source: { sets: [a] }, destination: { notSets: [b] } }),
    rule('Deny', { source: { notSets: [a] }, destination: { sets: [c] } }),
    rule('Pass', { source: { sets: [d] } }),
    rule('Log', { source: { sets: [e] } }),
  ]);
  t.deepEqual(
    uses,
    new Map([
      [a, { joining: false, leaving: true }],
      [b, { joining: true, leaving: false }],
      [c, { joining: true, leaving: false }],
      [d, { joining: true, leaving: true }],
      [e, { joining: false, leaving: false }],
    ]),
  );
});
