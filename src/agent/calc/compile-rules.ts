/**
 * From rules that name selectors and tags to rules that name sets: what the dataplane can render.
 *
 * A rule that exists in one family only says so here, once, and a rule that exists in none is left out; renderers
 * need not look at its networks for that.
 */
import type { EntityMatch, Rule } from '../../model/rule.js';
import type { SelectorText } from '../../model/selector/selector.js';
import type { DirectedRules } from '../../policy/policy.js';
import { ruleFamilies } from '../../policy/rule-families.js';
import { type IpSetDefinition, selectorSet, tagSet } from './ip-set-definition.js';
import type { CompiledRule, EntityCondition, IpSetId, RuleSet } from './updates.js';

export interface CompiledRules {
  readonly rules: RuleSet;
  /** The sets that the rules refer to. */
  readonly sets: ReadonlyMap<IpSetId, IpSetDefinition>;
}

export function compileRules({ ingress, egress }: DirectedRules): CompiledRules {
  const sets = new Map<IpSetId, IpSetDefinition>();
  const compile = (rules: readonly Rule[]) => rules.flatMap((rule) => compileRule(rule, sets));
  return { rules: { ingress: compile(ingress), egress: compile(egress) }, sets };
}

type Sets = Map<IpSetId, IpSetDefinition>;

function compileRule(rule: Rule, sets: Sets): readonly CompiledRule[] {
  const { family: _, source, destination, ...rest } = rule;
  const [family, other] = ruleFamilies(rule);
  if (family === undefined) return [];
  return [
    {
      ...rest,
      ...(other === undefined && { family }),
      source: compileEntity(source, sets),
      destination: compileEntity(destination, sets),
    },
  ];
}

function compileEntity(match: EntityMatch, sets: Sets): EntityCondition {
  const { nets, notNets, ports, notPorts } = match;
  return {
    nets,
    notNets,
    sets: refer(sets, match.selector, match.tag),
    notSets: refer(sets, match.notSelector, match.notTag),
    ports,
    notPorts,
  };
}

function refer(sets: Sets, selector: SelectorText | undefined, tag: string | undefined): readonly IpSetId[] {
  const definitions = [
    ...(selector === undefined ? [] : [selectorSet(selector)]),
    ...(tag === undefined ? [] : [tagSet(tag)]),
  ];
  for (const definition of definitions) sets.set(definition.id, definition);
  return definitions.map(({ id }) => id);
}
