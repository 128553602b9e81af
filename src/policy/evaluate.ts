/**
 * The verdict on a packet, and what decided it.
 *
 * The first rule that matches decides: tiers in order, then profiles in order, then the default. Log notes and goes
 * on. Pass leaves the tier; in a profile, behind which there is no tier, it allows.
 */
import type { Action, Rule } from '../model/rule.js';
import type { EffectivePolicy, EffectiveProfile, EffectiveTier } from './effective.js';
import { type Membership, matchesRule, type Packet } from './match-rule.js';
import type { Policy, Profile } from './policy.js';

export interface Decision {
  readonly verdict: 'allow' | 'deny';
  readonly by: Decider;
  /** Tiers that left it to those behind them, in order; absent where there is none. */
  readonly passed?: readonly PassedTier[];
}

export interface PassedTier {
  readonly tier: string;
  /** Absent: none of the policies had a rule for it, and the tier ends in Pass. */
  readonly by?: { readonly policy: Policy; readonly rule: number };
}

/** Rules count from 1. */
export type Decider =
  | { readonly type: 'policy'; readonly policy: Policy; readonly rule: number; readonly action: Action }
  | { readonly type: 'profile'; readonly profile: Profile; readonly rule: number; readonly action: Action }
  /** These policies applied, and none of them decided. */
  | { readonly type: 'end-of-tier'; readonly tier: string; readonly policies: readonly Policy[] }
  | { readonly type: 'missing-profile'; readonly name: string }
  | { readonly type: 'default' };

/** Judges the first packet of a connection at one endpoint, in the direction of the policy. */
export function evaluate(policy: EffectivePolicy, packet: Packet, membership: Membership): Decision {
  const ask = (rules: readonly Rule[]): Match | undefined => firstMatch(rules, packet, membership);
  const passed: PassedTier[] = [];
  for (const tier of policy.tiers) {
    const outcome = evaluateTier(policy, tier, ask);
    if ('verdict' in outcome) return after(passed, outcome);
    passed.push(outcome);
  }
  for (const profile of policy.profiles) {
    const decision = evaluateProfile(policy, profile, ask);
    if (decision) return after(passed, decision);
  }
  return after(passed, { verdict: verdictOf(policy.default), by: { type: 'default' } });
}

function after(passed: readonly PassedTier[], decision: Decision): Decision {
  return passed.length === 0 ? decision : { ...decision, passed };
}

interface Match {
  /** From 1. */
  readonly rule: number;
  readonly action: Action;
}

type Ask = (rules: readonly Rule[]) => Match | undefined;

function firstMatch(rules: readonly Rule[], packet: Packet, membership: Membership): Match | undefined {
  for (const [index, rule] of rules.entries())
    if (rule.action !== 'Log' && matchesRule(rule, packet, membership))
      return { rule: index + 1, action: rule.action };
  return undefined;
}

function evaluateTier({ direction }: EffectivePolicy, tier: EffectiveTier, ask: Ask): Decision | PassedTier {
  for (const policy of tier.policies) {
    const match = ask(policy.rules[direction]);
    if (match?.action === 'Pass') return { tier: tier.name, by: { policy, rule: match.rule } };
    if (match) return { verdict: verdictOf(match.action), by: { type: 'policy', policy, ...match } };
  }
  if (tier.endOfTier === 'Pass') return { tier: tier.name };
  return { verdict: 'deny', by: { type: 'end-of-tier', tier: tier.name, policies: tier.policies } };
}

function evaluateProfile(
  { direction }: EffectivePolicy,
  { name, profile }: EffectiveProfile,
  ask: Ask,
): Decision | undefined {
  if (!profile) return { verdict: 'deny', by: { type: 'missing-profile', name } };
  const match = ask(profile.rules[direction]);
  return match && { verdict: verdictOf(match.action), by: { type: 'profile', profile, ...match } };
}

function verdictOf(action: Action): Decision['verdict'] {
  return action === 'Deny' ? 'deny' : 'allow';
}
