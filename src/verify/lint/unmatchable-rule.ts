/**
 * Rules that no packet can match: two conditions of a rule contradict each other.
 *
 * What is no rule at all (ports without a protocol that has them, networks of different IP versions) the loader
 * refuses. This is about rules that can be read, and say nothing.
 */
import type { Finding } from '../../model/diagnostic.js';
import { type EntityMatch, protocolText, type Rule } from '../../model/rule.js';
import { selectorAst } from '../../model/selector/selector.js';
import { type LintedResources, type RuleList, ruleLists } from './lint-context.js';
import { type Dimension, entriesOf, type RuleSpace, ruleSpaces } from './rule-space.js';
import { implies, picksNothing } from './selector-logic.js';

export function* checkMatchable(resources: LintedResources): Generator<Finding, void> {
  for (const list of ruleLists(resources))
    for (const [index, rule] of list.rules.entries()) {
      const reason = whyUnmatchable(rule);
      if (reason) yield findingOf(list, index, reason);
    }
}

export interface Contradiction {
  /** Below the rule. */
  readonly path: readonly string[];
  readonly message: string;
}

/** Why no packet can match, where that is certain. */
export function whyUnmatchable(rule: Rule): Contradiction | undefined {
  const ofEnds = endContradiction('source', rule.source) ?? endContradiction('destination', rule.destination);
  if (ofEnds) return ofEnds;
  const entries = entriesOf(ruleSpaces(rule));
  if (entries.length === 0)
    return {
      path: [],
      message: 'its networks, and the IP version it is for, leave no IP version in which it exists',
    };
  const reasons = entries.map(([, space]) => emptyDimension(rule, space));
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
}

function endContradiction(end: 'source' | 'destination', match: EntityMatch): Contradiction | undefined {
  const { selector, notSelector, tag, notTag } = match;
  if (tag !== undefined && tag === notTag)
    return { path: [end, 'notTag'], message: `notTag leaves out all that tag asks for (${tag})` };
  if (selector === undefined) return undefined;
  const picked = selectorAst(selector);
  if (picksNothing(picked))
    return { path: [end, 'selector'], message: `the conditions of ${selector} contradict each other` };
  if (notSelector !== undefined && implies(picked, selectorAst(notSelector)))
    return { path: [end, 'notSelector'], message: `${notSelector} leaves out all that ${selector} picks` };
  return undefined;
}

/** The first dimension with nothing in it, told by the condition that empties it. */
function emptyDimension(rule: Rule, space: RuleSpace): Contradiction | undefined {
  for (const { dimension, path, message } of EMPTIED)
    if (space[dimension].length === 0) return { path, message: message(rule) };
  return undefined;
}

interface Emptied {
  readonly dimension: Dimension;
  readonly path: readonly string[];
  readonly message: (rule: Rule) => string;
}

const EMPTIED: readonly Emptied[] = [
  {
    dimension: 'protocols',
    path: ['notProtocol'],
    message: ({ protocol = 0 }) => `protocol and notProtocol are both ${protocolText(protocol)}`,
  },
  { dimension: 'icmp', path: ['notICMP'], message: () => 'notICMP leaves out all that icmp asks for' },
  ...(['source', 'destination'] as const).flatMap((end): Emptied[] => [
    {
      dimension: `${end}Addresses`,
      path: [end, 'notNets'],
      message: (rule) =>
        `${end}.notNets leaves out ${rule[end].nets.length > 0 ? `all of ${end}.nets` : 'every address'}`,
    },
    {
      dimension: `${end}Ports`,
      path: [end, 'notPorts'],
      message: () => `${end}.notPorts leaves out all of ${end}.ports`,
    },
  ]),
];

function findingOf(
  { resource, direction }: RuleList,
  index: number,
  { path, message }: Contradiction,
): Finding {
  return {
    code: 'unmatchable-rule',
    resource,
    path: ['spec', direction, index, ...path],
    part: 'key',
    message: `${direction} rule ${index + 1} can never match: ${message}`,
    hint: 'Correct the conditions, or take the rule out',
  };
}
