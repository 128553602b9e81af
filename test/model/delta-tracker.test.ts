/**
 * Law 2: the one mechanism of desired and actual, against a model of it.
 */
import test from 'ava';
import fc from 'fast-check';
import { DeltaTracker } from '../../src/model/delta-tracker.js';

type Tracker = DeltaTracker<string, string>;
interface Model {
  readonly desired: Map<string, string>;
  readonly actual: Map<string, string>;
}

/** Equal but for case, so that the tracker must ask `equal` and not compare by identity. */
const equal = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function check(model: Model, tracker: Tracker): void {
  const updates = [...model.desired].filter(([key, value]) => {
    const actual = model.actual.get(key);
    return actual === undefined || !equal(value, actual);
  });
  const deletions = [...model.actual].filter(([key]) => !model.desired.has(key));
  const sorted = (entries: Iterable<[string, string]>): [string, string][] => [...entries].sort();
  const found = {
    updates: sorted(tracker.pendingUpdates()),
    deletions: sorted(tracker.pendingDeletions()),
    desired: sorted(tracker.desired.entries()),
    actual: sorted(tracker.actual),
    size: tracker.desired.size,
    inSync: tracker.inSync,
    pending: ['a', 'b', 'c'].filter((key) => tracker.isPending(key)),
  };
  const expected = {
    updates: sorted(updates),
    deletions: sorted(deletions),
    desired: sorted(model.desired),
    actual: sorted(model.actual),
    size: model.desired.size,
    inSync: updates.length + deletions.length === 0,
    pending: ['a', 'b', 'c'].filter((key) => [...updates, ...deletions].some(([pending]) => pending === key)),
  };
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

type Command = fc.Command<Model, Tracker>;
const command = (label: string, both: (model: Model, tracker: Tracker) => void): Command => ({
  check: () => true,
  run(model, tracker) {
    both(model, tracker);
    check(model, tracker);
  },
  toString: () => label,
});

const key = fc.constantFrom('a', 'b', 'c');
const value = fc.constantFrom('x', 'X', 'y');
const commands = [
  fc.tuple(key, value).map(([k, v]) =>
    command(`set(${k}, ${v})`, (model, tracker) => {
      model.desired.set(k, v);
      tracker.desired.set(k, v);
    }),
  ),
  key.map((k) =>
    command(`delete(${k})`, (model, tracker) => {
      model.desired.delete(k);
      tracker.desired.delete(k);
    }),
  ),
  fc.tuple(key, fc.option(value, { nil: undefined })).map(([k, v]) =>
    command(`setActual(${k}, ${v})`, (model, tracker) => {
      if (v === undefined) model.actual.delete(k);
      else model.actual.set(k, v);
      tracker.setActual(k, v);
    }),
  ),
  fc.array(fc.tuple(key, value), { maxLength: 3 }).map((entries) =>
    command(`replaceActual(${entries.join(' ')})`, (model, tracker) => {
      model.actual.clear();
      for (const [k, v] of entries) model.actual.set(k, v);
      tracker.replaceActual(entries);
    }),
  ),
];

test('what is pending is the difference of desired and actual, after any history', (t) => {
  fc.assert(
    fc.property(fc.commands(commands, { maxCommands: 30 }), (run) => {
      fc.modelRun(
        () => ({
          model: { desired: new Map<string, string>(), actual: new Map<string, string>() },
          real: new DeltaTracker<string, string>({ equal }),
        }),
        run,
      );
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('takeDrift() names what was as desired and was found otherwise, once; nothing at the first look', (t) => {
  const tracker = new DeltaTracker<string, string>();
  tracker.desired.set('a', 'x');
  tracker.desired.set('b', 'x');
  tracker.replaceActual([['stale', 'x']]);
  t.is(tracker.takeDrift().size, 0, 'nobody has written anything yet');
  tracker.setActual('a', 'x');
  tracker.setActual('b', 'x');
  tracker.setActual('stale', undefined);
  tracker.desired.set('c', 'x');
  tracker.desired.set('b', 'y');
  tracker.replaceActual([['theirs', 'z']]);
  t.deepEqual(
    [...tracker.takeDrift()].sort(),
    [
      ['a', 'x'],
      ['theirs', 'z'],
    ],
    'not b and c, which were to be written',
  );
  tracker.replaceActual([]);
  t.is(tracker.takeDrift().size, 0, 'said once, and what is put right by others is none');
});

test('writing what is pending, while walking over it, leaves the tracker in sync', (t) => {
  const entries = fc.array(fc.tuple(key, value));
  fc.assert(
    fc.property(entries, entries, (desired, actual) => {
      const tracker = new DeltaTracker<string, string>();
      for (const [k, v] of desired) tracker.desired.set(k, v);
      tracker.replaceActual(actual);
      for (const [k] of tracker.pendingDeletions()) tracker.setActual(k, undefined);
      for (const [k, v] of tracker.pendingUpdates()) tracker.setActual(k, v);
      t.true(tracker.inSync);
      t.deepEqual([...tracker.actual].sort(), [...new Map(desired)].sort());
    }),
  );
});

test('a key that could not be written stays pending, and its neighbours do not', (t) => {
  const tracker = new DeltaTracker<string, string>();
  tracker.desired.set('a', 'x');
  tracker.desired.set('b', 'x');
  tracker.setActual('a', 'x');
  t.deepEqual([...tracker.pendingUpdates()], [['b', 'x']]);
  t.false(tracker.isPending('a'));
});

test('without `equal`, values are compared by identity', (t) => {
  const tracker = new DeltaTracker<string, { readonly n: number }>();
  tracker.desired.set('a', { n: 1 });
  tracker.setActual('a', { n: 1 });
  t.true(tracker.isPending('a'));
});
