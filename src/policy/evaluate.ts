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
  for (const tier of policy.tiers) {
    const decision = evaluateTier(policy, tier, ask);
    if (decision) return decision;
  }
  for (const profile of policy.profiles) {
    const decision = evaluateProfile(policy, profile, ask);
    if (decision) return decision;
  }
  return { verdict: verdictOf(policy.default), by: { type: 'default' } };
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

function evaluateTier({ direction }: EffectivePolicy, tier: EffectiveTier, ask: Ask): Decision | undefined {
  for (const policy of tier.policies) {
    const match = ask(policy.rules[direction]);
    if (match?.action === 'Pass') return undefined;
    if (match) return { verdict: verdictOf(match.action), by: { type: 'policy', policy, ...match } };
  }
  if (tier.endOfTier === 'Pass') return undefined;
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
