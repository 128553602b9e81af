/**
 * Law 7 on its way to the agent: a series is shown as one, and what others write meanwhile flows on. A table
 * of revisions and of what each lets out.
 */
import test from 'ava';
import { CommitGate } from '../../../src/agent/syncer/commit-gate.js';
import type { KeyEvent } from '../../../src/model/store.js';
import { del, HEAD, headValue, LETTERS, put, TXN, txnValue } from './helpers.js';

const OTHER_TXN = TXN.replace('git', 'other');
const OTHER_HEAD = HEAD.replace('git', 'other');

/** Pushes revisions one after the other, and lists for each what came out: `a/x=1 b/y-`. */
const shows = test.macro((t, revisions: readonly (readonly KeyEvent[])[], expected: readonly string[]) => {
  const gate = new CommitGate(LETTERS.identify);
  t.deepEqual(
    revisions.map((events) => gate.push(events).map(line).join(' ')),
    expected,
  );
});

function line(event: KeyEvent): string {
  const name = event.key.replace('/r/', '').replace('heddle/v1/', '');
  if (event.type === 'delete') return `${name}-`;
  return name.includes('/head') || name.includes('/txn') ? name : `${name}=${event.entry.value}`;
}

test(
  'a commit in one transaction goes through',
  shows,
  [[put('/r/a/x', '1'), put(HEAD, headValue(1))]],
  ['a/x=1 git/head'],
);

test(
  'a series is held until head moves and txn goes, then shown at once',
  shows,
  [
    [put(TXN, txnValue(1)), put('/r/a/x', '1')],
    [put(TXN, txnValue(1)), put('/r/b/x', '1'), del('/r/c/x')],
    [del(TXN), put(HEAD, headValue(1)), put('/r/d/x', '1')],
  ],
  ['', '', 'a/x=1 b/x=1 c/x- git/txn- git/head d/x=1'],
);

test(
  'what others write during a series flows on',
  shows,
  [
    [put(TXN, txnValue(1)), put('/r/a/x', '1')],
    [put('/r/w/x', 'runtime')],
    [del(TXN), put(HEAD, headValue(1))],
  ],
  ['', 'w/x=runtime', 'a/x=1 git/txn- git/head'],
);

test(
  'a later event of the same key supersedes the held one',
  shows,
  [
    [put(TXN, txnValue(1)), put('/r/a/x', 'old'), put('/r/b/x', '1')],
    [put('/r/a/x', 'new')],
    [put(TXN, txnValue(1)), put('/r/b/x', '2')],
    [del(TXN), put(HEAD, headValue(1)), put('/r/b/x', '3')],
  ],
  ['', 'a/x=new', '', 'git/txn- git/head b/x=3'],
);

test(
  'a leader that takes over goes on with the series, and one head lets everything out',
  shows,
  [
    [put(TXN, txnValue(1)), put('/r/a/x', '1')],
    [put(TXN, txnValue(1)), put('/r/a/x', '2'), put('/r/b/x', '2')],
    [put(HEAD, headValue(2)), del(TXN)],
  ],
  ['', '', 'a/x=2 b/x=2 git/head git/txn-'],
);

test(
  'a txn that goes without a head lets out what was held',
  shows,
  [[put(TXN, txnValue(1)), put('/r/a/x', '1')], [del(TXN)]],
  ['', 'a/x=1 git/txn-'],
);

test(
  'a head that moves lets out also what its own revision holds',
  shows,
  [
    [put(TXN, txnValue(1)), put('/r/a/x', '1')],
    [put(TXN, txnValue(1)), put(HEAD, headValue(1)), put('/r/b/x', '1')],
  ],
  ['', 'a/x=1 git/txn git/head b/x=1'],
);

test(
  'sources are held apart',
  shows,
  [
    [put(TXN, txnValue(1)), put('/r/a/x', 'git')],
    [put(OTHER_TXN, txnValue(2)), put('/r/b/x', 'other')],
    [del(TXN), put(HEAD, headValue(1))],
    [put('/r/c/x', 'runtime')],
    [del(OTHER_TXN), put(OTHER_HEAD, headValue(1))],
  ],
  ['', '', 'a/x=git git/txn- git/head', 'c/x=runtime', 'b/x=other other/txn- other/head'],
);

test('reset() forgets what is held', (t) => {
  const gate = new CommitGate(LETTERS.identify);
  gate.push([put(TXN, txnValue(1)), put('/r/a/x', '1')]);
  gate.reset();
  t.is(gate.push([del(TXN)]).length, 1);
});
