/**
 * Whether a change of policy may deny what was allowed (PURE).
 *
 * `false` is a proof, `true` is not: then the flows are looked at. What is added most often proves harmless: a rule
 * that allows, wherever it is put in; a rule that denies and is taken out; a profile behind the others, to which comes
 * only what would have been denied.
 */
import { isDeepStrictEqual } from 'node:util';
import { DIRECTIONS } from '../../../model/rule.js';
import type { CompiledRule, EndpointPolicy, LocalEndpoint, RuleSet } from '../../calc/updates.js';

export function endpointMayLose(before: LocalEndpoint, after: LocalEndpoint): boolean {
  return DIRECTIONS.some((direction) => policyMayLose(before[direction], after[direction]));
}

export function rulesMayTakeAway(before: RuleSet, after: RuleSet): boolean {
  return DIRECTIONS.some((direction) =>
    listMayTakeAway(before[direction].filter(decides), after[direction].filter(decides)),
  );
}

function policyMayLose(before: EndpointPolicy, after: EndpointPolicy): boolean {
  if (!isDeepStrictEqual(before.tiers, after.tiers)) return true;
  const isExtended = before.profiles.every((name, index) => after.profiles[index] === name);
  if (!isExtended) return true;
  const isSame = before.profiles.length === after.profiles.length;
  return before.default === 'Allow' && !(isSame && after.default === 'Allow');
}

/** The new list must be the old one with rules that allow put in, and rules that deny taken out. */
function listMayTakeAway(before: readonly CompiledRule[], after: readonly CompiledRule[]): boolean {
  let [old, next] = [0, 0];
  for (;;) {
    const [was, is] = [before[old], after[next]];
    if (was && is && isDeepStrictEqual(was, is)) {
      old += 1;
      next += 1;
    } else if (was && isTakenOut(was, after, next)) old += 1;
    else if (is?.action === 'Allow') next += 1;
    else return was !== undefined || is !== undefined;
  }
}

function isTakenOut(rule: CompiledRule, after: readonly CompiledRule[], from: number): boolean {
  return rule.action === 'Deny' && !after.some((is, index) => index >= from && isDeepStrictEqual(is, rule));
}

function decides({ action }: CompiledRule): boolean {
  return action !== 'Log';
}
