/**
 * Law 7: when a set may change in place, when it becomes a new one, and which half waits for the COMMIT. Case
 * by case; set-switch-law.test.ts asks packets.
 */
import test from 'ava';
import {
  adoptGeneration,
  type ChangingChain,
  type ChangingSet,
  nextGeneration,
  planSets,
} from '../../../../../src/agent/dataplane/backends/iptables/set-generations.js';
import type { SetUse } from '../../../../../src/agent/dataplane/intent.js';
import { setId } from '../../batch.js';

const [A, B] = [setId('a'), setId('b')];
const ALLOWS: SetUse = { joining: false, leaving: true };
const DENIES: SetUse = { joining: true, leaving: false };
const BOTH: SetUse = { joining: true, leaving: true };

function set(id: typeof A, added: number, removed: number, members = 10): ChangingSet {
  return { id, name: `cali40${id}`, changes: { added, removed, members } };
}

function chain(kind: ChangingChain['kind'], before?: string, after?: string): ChangingChain {
  const sets = (name?: string) => new Set(name === undefined ? [] : [name]);
  return { kind, before: sets(before), after: sets(after) };
}

/** Which sets become new ones, and of the others which half is written behind the COMMIT. */
function plan(sets: readonly ChangingSet[], chains: readonly ChangingChain[], uses: readonly SetUse[]) {
  const { regenerate, opening } = planSets(sets, chains, (id) => uses[id === A ? 0 : 1] ?? BOTH);
  return { regenerated: [...regenerate], opening: Object.fromEntries(opening) };
}

test('planSets() takes a set that a changing rule looks or looked into', (t) => {
  for (const changing of [
    chain('rules', 'cali40a'),
    chain('rules', undefined, 'cali40a'),
    chain('gone', 'cali40a'),
  ])
    t.deepEqual(plan([set(A, 1, 0)], [changing], [ALLOWS]).regenerated, [A]);
  t.deepEqual(plan([], [chain('rules', 'cali40a')], []).regenerated, []);
});

test('planSets() takes a set whose type changes, or by which rules both allow and deny', (t) => {
  t.deepEqual(plan([{ ...set(A, 0, 0), changes: 'type' }], [], [ALLOWS]).regenerated, [A]);
  t.deepEqual(plan([set(A, 1, 0, 1e6)], [], [BOTH]).regenerated, [A]);
});

test('planSets() leaves in place what goes one way while rules stay', (t) => {
  t.deepEqual(plan([set(A, 2, 0), set(B, 0, 3)], [], [ALLOWS, DENIES]), {
    regenerated: [],
    opening: { a: 'added', b: 'removed' },
  });
  const newcomer = [chain('new', undefined, 'cali40a'), chain('dispatch')];
  t.deepEqual(plan([set(A, 1, 0)], newcomer, [ALLOWS]).regenerated, []);
});

test('planSets() takes small sets that go both ways, or change with any rule', (t) => {
  t.deepEqual(plan([set(A, 1, 1)], [], [ALLOWS]).regenerated, [A]);
  t.deepEqual(plan([set(A, 1, 0), set(B, 1, 0)], [], [ALLOWS, DENIES]).regenerated, [A, B]);
  t.deepEqual(plan([set(A, 1, 0)], [chain('rules', 'cali40b')], [ALLOWS]).regenerated, [A]);
  t.deepEqual(plan([set(A, 1, 0), set(B, 1, 0)], [], [ALLOWS, BOTH]).regenerated, [A, B]);
});

test('planSets() opens large sets last rather than build them anew', (t) => {
  t.deepEqual(plan([set(A, 1, 1, 1e6), set(B, 1, 1, 1)], [], [ALLOWS, DENIES]), {
    regenerated: [],
    opening: { a: 'added', b: 'removed' },
  });
});

test('adoptGeneration() takes the one that rules look into, else the lowest, else 0', (t) => {
  const adopt = (existing: readonly string[], used: readonly string[]) =>
    adoptGeneration(4, setId('a'), {
      exists: (name) => existing.includes(name),
      isUsed: (name) => used.includes(name),
    });
  t.is(adopt([], []), 0);
  t.is(adopt(['cali43a', 'cali42a'], []), 2);
  t.is(adopt(['cali43a', 'cali42a'], ['cali43a']), 3);
});

test('nextGeneration() finds a free name while there is one', (t) => {
  t.is(
    nextGeneration(4, setId('a'), (name) => name !== 'cali47a'),
    7,
  );
  t.is(
    nextGeneration(4, setId('a'), () => true),
    undefined,
  );
});
