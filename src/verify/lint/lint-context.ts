/**
 * What the checks look at, and the walk over rules that they share.
 */

import type { DeepReadonly } from '../../model/brand.js';
import { idOf, type Resource, type ResourceId, resourcesOf } from '../../model/resource.js';
import { DIRECTIONS, type Direction, type Rule, ruleFromSpec } from '../../model/rule.js';
import type { EntityRuleSpec } from '../../model/specs.generated.js';
import type { Network } from '../network.js';

export interface LintedResources {
  readonly resources: readonly Resource[];
}

export interface LintContext extends LintedResources {
  readonly network: Network;
}

/** The rules of one direction of a policy or profile, in the order in which they are asked. */
export interface RuleList {
  readonly resource: ResourceId;
  readonly direction: Direction;
  readonly rules: readonly Rule[];
}

export function* ruleLists({ resources }: LintedResources): Generator<RuleList, void> {
  for (const owner of ownersOfRules(resources))
    for (const direction of DIRECTIONS) {
      const rules = owner.spec[direction] ?? [];
      if (rules.length > 0) yield { resource: idOf(owner), direction, rules: rules.map(ruleFromSpec) };
    }
}

/** One end of a rule, as it is written. */
export interface RuleEnd {
  readonly resource: ResourceId;
  readonly path: readonly (string | number)[];
  readonly match: DeepReadonly<EntityRuleSpec>;
}

export function* ruleEnds({ resources }: LintedResources): Generator<RuleEnd, void> {
  for (const owner of ownersOfRules(resources))
    for (const direction of DIRECTIONS)
      for (const [index, rule] of (owner.spec[direction] ?? []).entries())
        for (const end of ['source', 'destination'] as const) {
          const match = rule[end];
          if (match) yield { resource: idOf(owner), path: ['spec', direction, index, end], match };
        }
}

function ownersOfRules(resources: readonly Resource[]) {
  return [...resourcesOf(resources, 'GlobalNetworkPolicy'), ...resourcesOf(resources, 'Profile')];
}
