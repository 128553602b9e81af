/**
 * Rules that never decide, because earlier rules of the same list match everything that they match.
 *
 * A rule is shadowed by one earlier rule whose conditions are all as wide or wider, or by several that are so in all
 * dimensions but one and together fill that one. What several rules hide only by overlapping in two dimensions is not
 * found: a finding is always true, and not everything true is found.
 */
import type { Finding } from '../../model/diagnostic.js';
import { intersectIntervals, intervalSet } from '../../model/interval-set.js';
import type { EntityMatch, Rule } from '../../model/rule.js';
import { type SelectorText, selectorAst } from '../../model/selector/selector.js';
import { type LintedResources, type RuleList, ruleLists } from './lint-context.js';
import {
  DIMENSIONS,
  type Dimension,
  entriesOf,
  isSubset,
  type RuleSpace,
  type RuleSpaces,
  ruleSpaces,
} from './rule-space.js';
import { implies } from './selector-logic.js';
import { whyUnmatchable } from './unmatchable-rule.js';

export function* checkShadows(resources: LintedResources): Generator<Finding, void> {
  for (const list of ruleLists(resources))
    for (const [index, shadows] of shadowsIn(list.rules)) yield findingOf(list, index, shadows);
}

/** Positions of shadowed rules, with those of the rules that shadow them. */
export function shadowsIn(rules: readonly Rule[]): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  const earlier: Placed[] = [];
  const same = new Map<string, number>();
  for (const [index, rule] of rules.entries()) {
    if (rules.length === 1 || whyUnmatchable(rule)) continue;
    const conditions = JSON.stringify({ ...rule, action: undefined });
    const twin = same.get(conditions);
    const spaces = ruleSpaces(rule);
    const shadows = twin === undefined ? shadowsOf(spaces, earlier) : [twin];
    if (shadows) found.set(index, shadows);
    // What Log matches goes on to the next rule.
    else if (rule.action !== 'Log') {
      same.set(conditions, index);
      earlier.push({ index, spaces });
      if (earlier.length > MAX_EARLIER) earlier.shift();
    }
  }
  return found;
}

/** In a list that a program wrote, a rule is compared with so many before it, and with all that are the same. */
const MAX_EARLIER = 100;

interface Placed {
  readonly index: number;
  readonly spaces: RuleSpaces;
}

/** The rule exists in every family only where it is hidden in every family. */
function shadowsOf(spaces: RuleSpaces, earlier: readonly Placed[]): readonly number[] | undefined {
  const shadows = new Set<number>();
  for (const [family, space] of entriesOf(spaces)) {
    if (DIMENSIONS.some((dimension) => space[dimension].length === 0)) continue;
    const hiding = hidingIn(
      space,
      earlier.flatMap(({ index, spaces: { [family]: other } }) => (other ? [{ index, space: other }] : [])),
    );
    if (!hiding) return undefined;
    for (const index of hiding) shadows.add(index);
  }
  return [...shadows].sort((a, b) => a - b);
}

interface PlacedSpace {
  readonly index: number;
  readonly space: RuleSpace;
}

function hidingIn(space: RuleSpace, earlier: readonly PlacedSpace[]): readonly number[] | undefined {
  const partly = new Map<Dimension, PlacedSpace[]>();
  for (const other of earlier) {
    const narrower = narrowerDimensions(space, other.space);
    if (narrower.length > 1 || !isAtBothEnds(space, other.space)) continue;
    const [dimension] = narrower;
    if (dimension === undefined) return [other.index];
    const known = partly.get(dimension);
    if (known) known.push(other);
    else partly.set(dimension, [other]);
  }
  for (const [dimension, parts] of partly) {
    const useful = parts.filter(
      (part) => intersectIntervals(part.space[dimension], space[dimension]).length > 0,
    );
    const together = intervalSet(useful.flatMap((part) => part.space[dimension]));
    if (isSubset(space[dimension], together)) return useful.map(({ index }) => index);
  }
  return undefined;
}

/** The dimensions in which the outer space leaves something out; two are enough to know. */
function narrowerDimensions(inner: RuleSpace, outer: RuleSpace): readonly Dimension[] {
  const narrower: Dimension[] = [];
  for (const dimension of DIMENSIONS) {
    if (narrower.length > 1) break;
    const [own, other] = [inner[dimension], outer[dimension]];
    if (own !== other && !isSubset(own, other)) narrower.push(dimension);
  }
  return narrower;
}

function isAtBothEnds(inner: RuleSpace, outer: RuleSpace): boolean {
  return isWithin(inner.source, outer.source) && isWithin(inner.destination, outer.destination);
}

/** True when whoever the inner conditions admit, the outer ones do. An address may belong to several resources. */
function isWithin(inner: EntityMatch, outer: EntityMatch): boolean {
  return (
    (outer.tag === undefined || outer.tag === inner.tag) &&
    (outer.notTag === undefined || outer.notTag === inner.notTag) &&
    (outer.selector === undefined || picksWithin(inner.selector, outer.selector)) &&
    (outer.notSelector === undefined || picksWithin(outer.notSelector, inner.notSelector))
  );
}

function picksWithin(inner: SelectorText | undefined, outer: SelectorText | undefined): boolean {
  if (inner === undefined || outer === undefined) return false;
  return inner === outer || implies(selectorAst(inner), selectorAst(outer));
}

function findingOf(
  { resource, direction, rules }: RuleList,
  index: number,
  shadows: readonly number[],
): Finding {
  const named = shadows.map((one) => `${one + 1} (${rules[one]?.action})`);
  const last = named.pop();
  const who =
    named.length === 0
      ? `rule ${last} before it matches`
      : `rules ${named.join(', ')} and ${last} before it together match`;
  return {
    code: 'shadowed-rule',
    resource,
    path: ['spec', direction, index],
    message: `${direction} rule ${index + 1} never decides: ${who} everything that it matches`,
    hint: `Take it out, or move it above rule ${(shadows[0] ?? 0) + 1}`,
  };
}
