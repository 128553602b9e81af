/** Of all that a plan or a run has to say, one exit code says what matters most: tables, in either order. */
import test from 'ava';
import { type ExitCode, firstExitCode, planExitCode } from '../../src/diff/exit-code.js';
import type { Change, Guard } from '../../src/diff/plan-types.js';
import { change, plan } from './build-plan.js';

const GUARD: Guard = { code: 'empty-source', message: 'empty', approve: 'say so' };

const exits = test.macro({
  exec(t, changes: readonly Change[], guards: readonly Guard[], plain: ExitCode, detailed: ExitCode) {
    t.is(planExitCode(plan(changes, guards), { detailed: false }), plain);
    t.is(planExitCode(plan(changes, guards), { detailed: true }), detailed);
  },
  title: (title = '') => `planExitCode() gives ${title}`,
});

test('0 without changes', exits, [], [], 0, 0);
test('2 for changes, when details are asked for', exits, [change('create', 'Profile', 'p')], [], 0, 2);
test('2 for drift, when details are asked for', exits, [change('drift', 'Profile', 'p')], [], 0, 2);
test('0 when everything that differs is left alone', exits, [change('unmanaged', 'Profile', 'p')], [], 0, 0);
test('5 for a blocked object, always', exits, [change('blocked', 'Profile', 'p')], [], 5, 5);
test('5 for a guard, always', exits, [change('delete', 'Profile', 'p')], [GUARD], 5, 5);

const ranks = test.macro({
  exec(t, codes: readonly ExitCode[], expected: ExitCode) {
    t.is(firstExitCode(codes), expected);
    t.is(firstExitCode([...codes].reverse()), expected);
  },
  title: (_ = '', codes: readonly ExitCode[] = [], expected: ExitCode = 0) =>
    `firstExitCode() of ${codes.join(', ') || 'nothing'} is ${expected}`,
});

test(ranks, [], 0);
test(ranks, [0, 2], 2);
test(ranks, [2, 8], 8);
test(ranks, [8, 4, 2], 4);
test(ranks, [5, 4], 5);
test(ranks, [6, 5], 6);
test(ranks, [7, 6, 5], 7);
test(ranks, [3, 7], 3);
test(ranks, [9, 3, 5], 9);
test(ranks, [1, 9], 1);
