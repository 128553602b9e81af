/**
 * Policy rules as netfilter rules.
 *
 * The chain of a policy or profile answers by marks: Allow sets the accept bit, Pass the pass bit, and both return;
 * Deny drops there and then; Log logs and goes on. The mark is set by the rule that matches and acted upon by the
 * next one, so that a long match is not asked twice.
 *
 * Lists become blocks of rules on two scratch bits. `allBlocks` says that every condition so far is met. A block of
 * alternatives sets `thisBlock` when one of them matches, and clears `allBlocks` when none did; a block of
 * exclusions clears it when one of them matches. So 20 source and 20 destination networks take 47 rules, not 400.
 */
import type { IpFamily } from '../../../model/address.js';
import type { Action, Direction } from '../../../model/rule.js';
import type { CompiledRule, RuleSet } from '../../calc/updates.js';
import type { Chain, ChainRule, Match, Verdict } from '../intent.js';
import { policyChainName, profileChainName } from './chain-names.js';
import { DROP, RETURN, rule } from './chain-rule.js';
import { clearMark, isMarked, isNotMarked, type MarkBits, setMark } from './mark-bits.js';
import { type Block, type RuleConditions, ruleConditions } from './rule-conditions.js';
import { setUses } from './set-uses.js';

export interface RuleContext {
  readonly family: IpFamily;
  readonly marks: MarkBits;
}

const LOG_PREFIX = 'calico-packet';

export function policyChain(
  direction: Direction,
  policy: { readonly tier: string; readonly name: string; readonly rules: RuleSet },
  context: RuleContext,
): Chain {
  return {
    table: 'filter',
    name: policyChainName(direction, policy.tier, policy.name),
    rules: policy.rules[direction].flatMap((each) => renderRule(each, each.action, context)),
    setUses: setUses(policy.rules[direction]),
  };
}

/** A profile that does not exist denies everything (law 5). Behind a profile is no tier: Pass allows. */
export function profileChain(
  direction: Direction,
  profile: { readonly name: string; readonly rules: RuleSet; readonly missing: boolean },
  context: RuleContext,
): Chain {
  return {
    table: 'filter',
    name: profileChainName(direction, profile.name),
    rules: profile.missing
      ? [rule([], DROP, `Profile ${profile.name} does not exist`)]
      : profile.rules[direction].flatMap((each) =>
          renderRule(each, each.action === 'Pass' ? 'Allow' : each.action, context),
        ),
    setUses: setUses(profile.rules[direction]),
  };
}

function renderRule(policyRule: CompiledRule, action: Action, { family, marks }: RuleContext): ChainRule[] {
  return ruleConditions(policyRule, family).flatMap((conditions) =>
    isSpreadable(conditions, action)
      ? actionRules(action, spread(conditions), marks)
      : [
          ...blockRules(conditions.blocks, marks),
          ...actionRules(action, [[...conditions.inline, isMarked(marks.allBlocks)]], marks),
        ],
  );
}

/** A single list of alternatives needs no marks. But they may overlap: a packet is to be logged once only. */
function isSpreadable({ blocks }: RuleConditions, action: Action): boolean {
  return blocks.length === 0 || (blocks.length === 1 && blocks[0]?.quantifier === 'any' && action !== 'Log');
}

function spread({ inline, blocks }: RuleConditions): readonly (readonly Match[])[] {
  const [only] = blocks;
  return only ? only.options.map((option) => [...inline, option]) : [inline];
}

function blockRules(blocks: readonly Block[], marks: MarkBits): ChainRule[] {
  return [
    rule([], setMark(marks.allBlocks)),
    ...blocks.flatMap((block) => (block.quantifier === 'any' ? anyOf(block, marks) : noneOf(block, marks))),
  ];
}

function anyOf({ options, needs }: Block, { allBlocks, thisBlock }: MarkBits): ChainRule[] {
  return [
    rule([], clearMark(thisBlock)),
    ...options.map((option) => rule([...needs, option], setMark(thisBlock))),
    rule([isNotMarked(thisBlock)], clearMark(allBlocks)),
  ];
}

function noneOf({ options, needs }: Block, { allBlocks }: MarkBits): ChainRule[] {
  return options.map((option) => rule([...needs, option], clearMark(allBlocks)));
}

function actionRules(
  action: Action,
  alternatives: readonly (readonly Match[])[],
  marks: MarkBits,
): ChainRule[] {
  const all = (verdict: Verdict): ChainRule[] => alternatives.map((matches) => rule(matches, verdict));
  switch (action) {
    case 'Allow':
      return [...all(setMark(marks.accept)), rule([isMarked(marks.accept)], RETURN)];
    case 'Pass':
      return [...all(setMark(marks.pass)), rule([isMarked(marks.pass)], RETURN)];
    case 'Deny':
      return all(DROP);
    case 'Log':
      return all({ type: 'log', prefix: LOG_PREFIX });
  }
}
