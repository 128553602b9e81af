/**
 * Exit codes, and the one that a plan deserves.
 *
 * They are read off the plan and never off the text that was printed, so that text and code cannot disagree.
 */
import type { Change, Plan } from './plan-types.js';

export const EXIT_CODES = {
  ok: 0,
  unexpected: 1,
  changesPresent: 2,
  invalidInput: 3,
  connectivity: 4,
  guard: 5,
  conflict: 6,
  locked: 7,
  notConverged: 8,
  source: 9,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** When several apply, the first of these is told; what nobody expected outranks all. */
const PRECEDENCE: readonly ExitCode[] = [1, 9, 3, 7, 6, 5, 4, 8, 2, 0];

/** The code to exit with when all of these apply. */
export function firstExitCode(codes: Iterable<ExitCode>): ExitCode {
  const present = new Set(codes);
  return PRECEDENCE.find((code) => present.has(code)) ?? EXIT_CODES.ok;
}

/** `detailed`: tell by 2 that there are changes (`--detailed-exitcode`). */
export function planExitCode(plan: Plan, options: { readonly detailed: boolean }): ExitCode {
  if (isRefused(plan)) return EXIT_CODES.guard;
  return options.detailed && plan.changes.some(isWritten) ? EXIT_CODES.changesPresent : EXIT_CODES.ok;
}

/**
 * True when the plan must not be applied. One blocked object stops the whole commit: a store that holds half of
 * it would be a network that nobody wrote down.
 */
export function isRefused(plan: Plan): boolean {
  return plan.guards.length > 0 || plan.changes.some((change) => change.action === 'blocked');
}

/** True when the change writes to the store; what is blocked or left alone does not. */
export function isWritten(change: Change): boolean {
  return change.action !== 'blocked' && change.action !== 'unmanaged';
}
