/** Each guarantee of a watch can be broken, and is then named. */
import test from 'ava';
import type { KeyEvent, Revision, Snapshot, StoreEntry } from '../../src/model/store.js';
import { brokenGuarantees, GUARANTEES, type Heard, type WatchRecord } from '../helpers/watch-guarantees.js';
import { key, revision } from './helpers.js';

const entry = (value: string, at: number, created = at): StoreEntry => ({
  value,
  modRevision: revision(at),
  createRevision: revision(created),
});
const put = (name: string, value: string, at: number, created = at): KeyEvent => ({
  type: 'put',
  key: key(name),
  entry: entry(value, at, created),
});
const del = (name: string): KeyEvent => ({ type: 'delete', key: key(name) });

const START: Snapshot = { revision: revision(10), entries: new Map([[key('/w/a'), entry('0', 4)]]) };

/** What happened: an update, a creation beside an update, a deletion, and the key comes back. */
const HISTORY: readonly (readonly [Revision, readonly KeyEvent[]])[] = [
  [revision(11), [put('/w/a', '1', 11, 4)]],
  [revision(13), [put('/w/a', '2', 13, 4), put('/w/b', '2', 13)]],
  [revision(16), [del('/w/a')]],
  [revision(17), [put('/w/a', '3', 17)]],
];

const events = ([at, happened]: readonly [Revision, readonly KeyEvent[]]): Heard => ({
  type: 'events',
  revision: at,
  events: happened,
});
const progress = (at: number): Heard => ({ type: 'progress', revision: revision(at) });
const [E11, E13, E16, E17] = HISTORY.map(events) as [Heard, Heard, Heard, Heard];
const AWAY: Heard = { type: 'interrupted', reason: 'gone' };
const BACK: Heard = { type: 'resumed' };

const GOOD: readonly Heard[] = [E11, progress(12), E13, AWAY, BACK, E16, E17, progress(20)];

function record(heard: readonly Heard[], more: Partial<WatchRecord> = {}): WatchRecord {
  return {
    prefix: '/w/',
    start: START,
    heard,
    history: new Map(HISTORY),
    until: revision(17),
    acknowledged: [{ revision: revision(13), writes: [{ op: 'put', key: key('/w/b'), value: '2' }] }],
    before: revision(9),
    ...more,
  };
}

test('a watch that does what it promises breaks no guarantee', (t) => {
  t.deepEqual(brokenGuarantees(record(GOOD)), []);
  t.is(GUARANTEES.length, 9);
});

/** What is told wrongly, and what is said of it. */
const FAULTS: readonly (readonly [guarantee: string, fault: string, WatchRecord, RegExp])[] = [
  [
    'Filter',
    'a key that was not asked for',
    record([...GOOD, events([revision(18), [put('/x', '1', 18)]])]),
    /^Filter: \/x is not below \/w\/$/m,
  ],
  ['Ordered', 'a later revision first', record([E11, E13, E17, E16]), /^Ordered: 16 came after 17$/m],
  [
    'Ordered',
    'a value of another revision',
    record([E11, events([revision(13), [put('/w/a', '2', 12, 4), put('/w/b', '2', 13)]]), E16, E17]),
    /^Ordered: \/w\/a of 12 came at 13$/m,
  ],
  ['Unique', 'a revision twice', record([E11, E13, E13, E16, E17]), /^Unique: \/w\/b at 13 came twice$/m],
  [
    'Atomic',
    'a revision in two pieces',
    record([
      E11,
      events([revision(13), [put('/w/a', '2', 13, 4)]]),
      events([revision(13), [put('/w/b', '2', 13)]]),
      E16,
      E17,
    ]),
    /^Atomic: 13 came in more than one message$/m,
  ],
  [
    'Atomic',
    'half of a revision',
    record([E11, events([revision(13), [put('/w/a', '2', 13, 4)]]), E16, E17]),
    /^Atomic: 13 came without \/w\/b$/m,
  ],
  ['Reliable', 'a revision left out', record([E11, E13, E17]), /^Reliable: 16 never came$/m],
  ['Reliable', 'the end left out', record([E11, E13, E16]), /^Reliable: 17 never came$/m],
  [
    'Reliable',
    'an acknowledged value that is another',
    record([E11, events([revision(13), [put('/w/a', '2', 13, 4), put('/w/b', 'x', 13)]]), E16, E17]),
    /^Reliable: \/w\/b was acknowledged at 13 and never came$/m,
  ],
  [
    'Reliable',
    'what never happened',
    record([...GOOD, events([revision(19), [put('/w/c', '1', 19)]])]),
    /^Reliable: 19 never was$/m,
  ],
  [
    'Resumable',
    'an outage that hides a revision',
    record([E11, E13, AWAY, BACK, E17]),
    /^Resumable: after 13 it resumed at 17, not at 16$/m,
  ],
  [
    'Resumable',
    'a gap that leads back',
    record(GOOD, { before: revision(12) }),
    /^Resumable: 12 was known, and the snapshot after the gap is of 10$/m,
  ],
  [
    'Bookmarkable',
    'progress before what it covers',
    record([E11, progress(14), E13, E16, E17]),
    /^Bookmarkable: progress said 14 before 13 came$/m,
  ],
  [
    'Bookmarkable',
    'progress that goes back',
    record([...GOOD, progress(18)]),
    /^Bookmarkable: progress went back from 20 to 18$/m,
  ],
  [
    'IsCreate',
    'a key that came back as if it had never gone',
    record([E11, E13, E16, events([revision(17), [put('/w/a', '3', 17, 4)]])]),
    /^IsCreate: \/w\/a at 17 was created at 17, and was told to be of 4$/m,
  ],
  [
    'PrevKV',
    'a value that nobody wrote',
    record([E11, events([revision(13), [put('/w/a', 'x', 13, 4), put('/w/b', '2', 13)]]), E16, E17]),
    /^PrevKV: \/w\/a was 2 before 16, and the reader had x$/m,
  ],
];

for (const [guarantee, fault, faulty, message] of FAULTS)
  test(`${guarantee} is broken by ${fault}`, (t) => t.regex(brokenGuarantees(faulty).join('\n'), message));

test('every guarantee has a fault that breaks it', (t) => {
  t.deepEqual(new Set(FAULTS.map(([name]) => name)), new Set(GUARANTEES.map(({ name }) => name)));
});
