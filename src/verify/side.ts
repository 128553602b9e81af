/**
 * From a decision of policy to what a trace says of it: who decided, where that is written, and why in words.
 */
import type { Origin } from '../model/resource.js';
import type { Action } from '../model/rule.js';
import type { EffectivePolicy } from '../policy/effective.js';
import type { Decider, Decision } from '../policy/evaluate.js';

/** What one endpoint says. */
export interface Side {
  readonly verdict: 'allow' | 'deny';
  /** Default: no rule decided. */
  readonly kind: 'GlobalNetworkPolicy' | 'Profile' | 'Default';
  readonly name: string | null;
  readonly tier: string | null;
  /** From 1. */
  readonly rule: number | null;
  readonly action: Action;
  readonly origin: { readonly file: string; readonly line: number } | null;
  /** The endpoint that was asked, as Kind/name. */
  readonly endpoint: string;
  readonly node: string;
  /** In words. */
  readonly reason: string;
}

export function sideOfDecision(
  policy: EffectivePolicy,
  { verdict, by }: Decision,
): Omit<Side, 'endpoint' | 'node'> {
  const action = verdict === 'allow' ? 'Allow' : 'Deny';
  return { verdict, action, ...deciderOf(by), reason: reasonOf(policy, verdict, by) };
}

type DeciderFields = Pick<Side, 'kind' | 'name' | 'tier' | 'rule' | 'origin'> & Partial<Pick<Side, 'action'>>;

function deciderOf(by: Decider): DeciderFields {
  switch (by.type) {
    case 'policy': {
      const { name, tier, origin } = by.policy;
      const { rule, action } = by;
      return { kind: 'GlobalNetworkPolicy', name, tier, rule, action, origin: placeOf(origin) };
    }
    case 'profile': {
      const { name, origin } = by.profile;
      return { kind: 'Profile', name, tier: null, rule: by.rule, action: by.action, origin: placeOf(origin) };
    }
    case 'end-of-tier':
      return { kind: 'Default', name: null, tier: by.tier, rule: null, origin: null };
    case 'missing-profile':
      return { kind: 'Default', name: by.name, tier: null, rule: null, origin: null };
    case 'default':
      return { kind: 'Default', name: null, tier: null, rule: null, origin: null };
  }
}

/** What was decoded from the store without a manifest has its key for a file, and no line. */
function placeOf({ file, line }: Origin): { readonly file: string; readonly line: number } {
  return { file, line };
}

function reasonOf(
  { direction, tiers, profiles }: EffectivePolicy,
  verdict: Decision['verdict'],
  by: Decider,
): string {
  switch (by.type) {
    case 'policy':
      return `tier ${by.policy.tier}, policy ${by.policy.name}, ${direction} rule ${by.rule}: ${by.action}`;
    case 'profile':
      return `profile ${by.profile.name}, ${direction} rule ${by.rule}: ${by.action}`;
    case 'end-of-tier':
      return `tier ${by.tier} ends in Deny: ${listOf('policy', by.policies)} had no rule for it`;
    case 'missing-profile':
      return `profile ${by.name} does not exist, which denies everything`;
    case 'default':
      if (verdict === 'allow') return 'no policy and no profile: egress is open (noPolicyEgress)';
      if (profiles.length > 0) return `${listOf('profile', profiles)} had no rule for it`;
      return tiers.length > 0
        ? 'every tier passed it on, and no profile follows'
        : 'no policy and no profile';
  }
}

const SHOWN = 4;

function listOf(what: string, named: readonly { readonly name: string }[]): string {
  const names = named.slice(0, SHOWN).map(({ name }) => name);
  const rest = named.length > SHOWN ? ` and ${named.length - SHOWN} more` : '';
  return `${what} ${names.join(', ')}${rest}`;
}
