/**
 * Which tiers, policies and profiles judge a packet at an endpoint, in which order, and what happens at the end.
 *
 * This is the one place that says so: the agent programs it, the verifier evaluates it. Each direction is worked out
 * alone, because a policy may decide one and leave the other open. Selecting policies is the caller's business
 * (the agent keeps the matches incrementally, the verifier computes them), ordering them is this file's.
 */
import { compareText } from '../model/compare-text.js';
import type { Direction } from '../model/rule.js';
import { findTier, type Policy, type Profile, type Tier } from './policy.js';
import { byOrder } from './policy-order.js';

export interface PolicedEndpoint {
  readonly kind: 'WorkloadEndpoint' | 'HostEndpoint';
  /** In the order in which they are asked. */
  readonly profiles: readonly string[];
}

export interface PolicyMatches {
  /** The policies whose selector picks the endpoint, in any order. */
  readonly policies: Iterable<Policy>;
  /** Those that exist, by name. */
  readonly tiers: ReadonlyMap<string, Tier>;
  /** Those that exist, by name. */
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Egress of a workload endpoint with no policy and no profile. */
  readonly noPolicyEgress: 'Allow' | 'Deny';
}

export interface EffectivePolicy {
  readonly direction: Direction;
  /** Only tiers with a policy that decides this direction. */
  readonly tiers: readonly EffectiveTier[];
  readonly profiles: readonly EffectiveProfile[];
  /** What happens when nothing above decided. */
  readonly default: 'Allow' | 'Deny';
}

export interface EffectiveTier {
  readonly name: string;
  /** None: the tier is not there. It denies what its policies pick, because nobody knows what it was to come before. */
  readonly policies: readonly Policy[];
  readonly endOfTier: 'Deny' | 'Pass';
}

export interface EffectiveProfile {
  readonly name: string;
  /** undefined: it does not exist, and denies everything (law 5). */
  readonly profile: Profile | undefined;
}

export function effective(
  endpoint: PolicedEndpoint,
  direction: Direction,
  matches: PolicyMatches,
): EffectivePolicy {
  const tiers = effectiveTiers(direction, matches);
  const profiles = [...new Set(endpoint.profiles)].map((name) => ({
    name,
    profile: matches.profiles.get(name),
  }));
  const unpoliced =
    endpoint.kind === 'WorkloadEndpoint' &&
    direction === 'egress' &&
    tiers.length === 0 &&
    profiles.length === 0;
  return { direction, tiers, profiles, default: unpoliced ? matches.noPolicyEgress : 'Deny' };
}

function effectiveTiers(direction: Direction, matches: PolicyMatches): readonly EffectiveTier[] {
  const byTier = new Map<string, Policy[]>();
  for (const policy of matches.policies) {
    if (!policy.judgesConnections || !policy.types.has(direction)) continue;
    const policies = byTier.get(policy.tier);
    if (policies) policies.push(policy);
    else byTier.set(policy.tier, [policy]);
  }
  const names = [...byTier.keys()].sort(compareText);
  const missing = names.filter((name) => !findTier(name, matches.tiers));
  const found = names.flatMap((name) => findTier(name, matches.tiers) ?? []).sort(byOrder);
  return [
    ...missing.map((name) => ({ name, policies: [], endOfTier: 'Deny' as const })),
    ...found.map(({ name, endOfTier }) => ({
      name,
      policies: (byTier.get(name) ?? []).sort(byOrder),
      endOfTier,
    })),
  ];
}
