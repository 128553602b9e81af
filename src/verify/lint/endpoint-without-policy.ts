/**
 * Workload endpoints of which nobody says what may reach them, or where they may go.
 *
 * Each direction is its own question: a policy for one leaves the other open to the default, which denies what comes
 * in and allows what goes out (unless noPolicyEgress says otherwise). What is denied by default breaks a workload, so
 * each endpoint is named; what is allowed by default is one finding for all endpoints that policy treats alike.
 */
import type { Finding } from '../../model/diagnostic.js';
import { resourceId } from '../../model/resource.js';
import type { SelectorNode } from '../../model/selector/ast.js';
import type { EffectivePolicy } from '../../policy/effective.js';
import { labelGroups } from '../classes/label-groups.js';
import { type DirectedPolicy, PolicyIndex } from '../classes/policy-index.js';
import type { Endpoint } from '../network.js';
import type { LintContext } from './lint-context.js';

export function* checkEndpoints({ network }: LintContext): Generator<Finding, void> {
  const { endpoints, policies } = network;
  const selectors: readonly SelectorNode[] = policies.map(({ selector }) => selector);
  const index = new PolicyIndex([network], labelGroups(endpoints, selectors, new Set()));
  const open = new Map<DirectedPolicy, Endpoint[]>();
  for (const endpoint of endpoints) {
    if (endpoint.kind !== 'WorkloadEndpoint' || !endpoint.active) continue;
    const policy = index.get(index.numberAt(0, endpoint));
    const [ingress, egress] = [isUnasked(policy.ingress), isUnasked(policy.egress)];
    if (ingress) yield closedFinding(endpoint, egress ? policy.egress.default : undefined);
    else if (egress) open.set(policy, [...(open.get(policy) ?? []), endpoint]);
  }
  for (const [policy, alike] of open) yield* openFinding(alike, policy.egress.default);
}

/** True when neither a policy nor a profile is asked in this direction. */
function isUnasked({ tiers, profiles }: EffectivePolicy): boolean {
  return tiers.length === 0 && profiles.length === 0;
}

function closedFinding({ name }: Endpoint, egress: 'Allow' | 'Deny' | undefined): Finding {
  const message =
    egress === undefined
      ? `no profile, and no policy for ingress selects ${name}: everything to it is denied`
      : `no profile, and no policy selects ${name}: everything to it is denied, and everything from it ${OUTCOME[egress]}`;
  return {
    ...AT_PROFILES,
    resource: resourceId('WorkloadEndpoint', name),
    message,
    hint: 'Name a Profile in spec.profiles, or write a GlobalNetworkPolicy whose selector picks it',
  };
}

function* openFinding(alike: readonly Endpoint[], egress: 'Allow' | 'Deny'): Generator<Finding, void> {
  const [first, ...others] = alike;
  if (!first) return;
  const rest = others.length > 0 ? `, and ${others.length} like it` : '';
  yield {
    ...AT_PROFILES,
    resource: resourceId('WorkloadEndpoint', first.name),
    message: `no profile, and no policy for egress selects ${first.name}${rest}: everything from it ${OUTCOME[egress]}`,
    hint: 'Write a GlobalNetworkPolicy with types: [Egress] that says where it may go, or name a Profile',
  };
}

const AT_PROFILES = { code: 'endpoint-without-policy', path: ['spec', 'profiles'], part: 'key' } as const;
const OUTCOME = { Allow: 'is allowed', Deny: 'is denied' } as const;
