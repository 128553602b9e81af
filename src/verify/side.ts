/**
 * From a decision of policy to what a trace says of it: who decided, where that is written, and why in words.
 */
import { type Origin, originOfRule } from '../model/resource.js';
import type { Action } from '../model/rule.js';
import type { EffectivePolicy } from '../policy/effective.js';
import type { Decider, Decision, PassedTier } from '../policy/evaluate.js';

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
  readonly origin: Place | null;
  /** Where no rule decided: who was asked last, and had none for the packet. */
  readonly considered?: readonly Considered[];
  /** Tiers that left it to those behind them, in order. */
  readonly passed?: readonly Passed[];
  /** The commit that last changed what the place names, where that is known. */
  readonly lastChange?: LastChange;
  /** The endpoint that was asked, or the host itself, as Kind/name. */
  readonly endpoint: string;
  readonly node: string;
  /** In words. */
  readonly reason: string;
}

interface Place {
  readonly file: string;
  readonly line: number;
}

export interface Considered {
  readonly kind: 'GlobalNetworkPolicy' | 'Profile';
  readonly name: string;
  readonly origin: Place;
}

export interface Passed {
  readonly tier: string;
  /** null, and so the rest: none of its policies had a rule for it, and the tier ends in Pass. */
  readonly policy: string | null;
  /** From 1. */
  readonly rule: number | null;
  readonly origin: Place | null;
}

export interface LastChange {
  /** null: it is not committed yet. */
  readonly commit: string | null;
  /** `Name <mail>`; null where nobody remembers. */
  readonly author: string | null;
  /** ISO 8601. */
  readonly time: string | null;
  /** First line of the message. */
  readonly summary: string | null;
}

/** Whose rules are the reason: of those that had none for the packet the last. */
export function deciderOf({ kind, name, origin, considered }: Side): Considered | undefined {
  if (kind !== 'Default' && name !== null && origin) return { kind, name, origin };
  return considered?.at(-1);
}

export function sideOfDecision(
  policy: EffectivePolicy,
  { verdict, by, passed }: Decision,
): Omit<Side, 'endpoint' | 'node'> {
  const action = verdict === 'allow' ? 'Allow' : 'Deny';
  return {
    verdict,
    action,
    ...fieldsOf(policy, by),
    ...(passed && { passed: passed.map((tier) => passedOf(policy, tier)) }),
    reason: reasonOf(policy, verdict, by),
  };
}

function passedOf({ direction }: EffectivePolicy, { tier, by }: PassedTier): Passed {
  if (!by) return { tier, policy: null, rule: null, origin: null };
  const { policy, rule } = by;
  return { tier, policy: policy.name, rule, origin: placeOf(originOfRule(policy, direction, rule)) };
}

type DeciderFields = Pick<Side, 'kind' | 'name' | 'tier' | 'rule' | 'origin' | 'considered'> &
  Partial<Pick<Side, 'action'>>;

function fieldsOf({ direction, profiles }: EffectivePolicy, by: Decider): DeciderFields {
  switch (by.type) {
    case 'policy': {
      const { rule, action, policy } = by;
      const { name, tier } = policy;
      const origin = placeOf(originOfRule(policy, direction, rule));
      return { kind: 'GlobalNetworkPolicy', name, tier, rule, action, origin };
    }
    case 'profile': {
      const { rule, action, profile } = by;
      const origin = placeOf(originOfRule(profile, direction, rule));
      return { kind: 'Profile', name: profile.name, tier: null, rule, action, origin };
    }
    case 'end-of-tier':
      return { ...NO_RULE, tier: by.tier, ...considered('GlobalNetworkPolicy', by.policies) };
    case 'missing-profile':
      return { ...NO_RULE, name: by.name };
    case 'default':
      return {
        ...NO_RULE,
        ...considered(
          'Profile',
          profiles.flatMap(({ profile }) => profile ?? []),
        ),
      };
  }
}

const NO_RULE = { kind: 'Default', name: null, tier: null, rule: null, origin: null } as const;

function considered(
  kind: Considered['kind'],
  asked: readonly { readonly name: string; readonly origin: Origin }[],
): Pick<Side, 'considered'> {
  if (asked.length === 0) return {};
  return { considered: asked.map(({ name, origin }) => ({ kind, name, origin: placeOf(origin) })) };
}

/** What was decoded from the store without a manifest has its key for a file, and no line. */
function placeOf({ file, line }: Origin): Place {
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
      if (by.policies.length === 0)
        return `tier ${by.tier} does not exist or cannot be read, which denies what its policies pick`;
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
