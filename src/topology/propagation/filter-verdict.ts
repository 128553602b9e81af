/**
 * What a BGPFilter says of a route, as BIRD would decide it (agent/bgp/bird/bgp-filters.ts writes the same for BIRD).
 *
 * Two conditions cannot be judged from manifests: the interface of a route that was learned, and kernel priorities. A
 * rule that has one of them is taken not to match.
 */
import { type Cidr, cidrContains, familyOf, prefixLength } from '../../model/address.js';
import type { SpecOf } from '../../model/resource.js';

type Rule = NonNullable<SpecOf<'BGPFilter'>['exportV4']>[number];

export interface FilteredRoute {
  readonly network: Cidr;
  /** Nearest AS first. */
  readonly asPath: readonly number[];
  readonly communities: readonly string[];
  /** A peer announced it; as against a route of this host. */
  readonly isRemote: boolean;
}

export type FilterVerdict =
  | { readonly decision: 'accept'; readonly route: FilteredRoute }
  | { readonly decision: 'reject' }
  | { readonly decision: 'none' };

/** @param spec undefined: sessions name it and it does not exist, so it refuses everything */
export function filterVerdict(
  spec: SpecOf<'BGPFilter'> | undefined,
  direction: 'import' | 'export',
  isInternal: boolean,
  route: FilteredRoute,
): FilterVerdict {
  if (!spec) return { decision: 'reject' };
  const rules = spec[`${direction}V${familyOf(route.network)}`] ?? [];
  const rule = rules.find((candidate) => matches(candidate, isInternal, route));
  if (!rule) return { decision: 'none' };
  return rule.action === 'Reject'
    ? { decision: 'reject' }
    : { decision: 'accept', route: (rule.operations ?? []).reduce(withOperation, route) };
}

function matches(rule: Rule, isInternal: boolean, route: FilteredRoute): boolean {
  const { source, peerType, communities, asPathPrefix = [] } = rule;
  if (rule.interface !== undefined || rule.priority !== undefined) return false;
  if (source === 'RemotePeers' && !route.isRemote) return false;
  if (peerType !== undefined && (peerType === 'iBGP') !== isInternal) return false;
  if (communities && !communities.values.some((value) => route.communities.includes(value))) return false;
  return asPathPrefix.every((as, index) => route.asPath[index] === as) && matchesNetwork(rule, route.network);
}

function matchesNetwork({ cidr, prefixLength: range, matchOperator = 'In' }: Rule, network: Cidr): boolean {
  if (cidr === undefined) return true;
  const length = prefixLength(network);
  const isInside = cidrContains(cidr, network);
  const hasLength = length >= (range?.min ?? 0) && length <= (range?.max ?? 128);
  switch (matchOperator) {
    case 'Equal':
      return network === cidr && hasLength;
    case 'NotEqual':
      return !(network === cidr && hasLength);
    case 'In':
      return isInside && hasLength;
    case 'NotIn':
      return !(isInside && hasLength);
  }
}

function withOperation(
  route: FilteredRoute,
  { addCommunity, prependASPath }: NonNullable<Rule['operations']>[number],
): FilteredRoute {
  if (addCommunity) return { ...route, communities: [...route.communities, addCommunity.value] };
  if (prependASPath) return { ...route, asPath: [...prependASPath.prefix, ...route.asPath] };
  return route;
}
