/**
 * Works out, for each endpoint of this host, which policies judge it in which order.
 *
 * Which policies pick which endpoint is known by then; order, tiers and defaults are `policy/effective`'s. Resolving
 * waits for the flush, because one change to a tier or a label often touches an endpoint several times.
 */
import type { StoredId } from '../../layout/layout.js';
import { addressPart, compareAddresses } from '../../model/address.js';
import type { ResourceOf } from '../../model/resource.js';
import type { Direction } from '../../model/rule.js';
import { effective, type PolicyMatches } from '../../policy/effective.js';
import { type Policy, type Profile, type Tier, tierFrom } from '../../policy/policy.js';
import type { PolicyMatchListener } from './active-rules-calculator.js';
import type { LocalItem } from './local-endpoint-filter.js';
import { MultiMap } from './multi-map.js';
import type { EndpointPolicy, LocalEndpoint } from './updates.js';

export interface PolicyResolverListener {
  onEndpointUpdate(endpoint: LocalEndpoint): void;
  onEndpointRemove(id: StoredId): void;
}

export class PolicyResolver implements PolicyMatchListener {
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #listener: PolicyResolverListener;
  readonly #endpoints = new Map<StoredId, LocalItem>();
  readonly #policies = new Map<StoredId, Policy>();
  readonly #tiers = new Map<string, Tier>();
  readonly #policiesOf = new MultiMap<StoredId, StoredId>();
  readonly #endpointsOf = new MultiMap<StoredId, StoredId>();
  readonly #dirty = new Set<StoredId>();
  #noPolicyEgress: 'Allow' | 'Deny' = 'Allow';

  constructor(profiles: ReadonlyMap<string, Profile>, listener: PolicyResolverListener) {
    this.#profiles = profiles;
    this.#listener = listener;
  }

  onLocalEndpoint(id: StoredId, item: LocalItem | undefined): void {
    if (item) this.#endpoints.set(id, item);
    else this.#endpoints.delete(id);
    this.#dirty.add(id);
  }

  onPolicyActive(id: StoredId, policy: Policy): void {
    this.#policies.set(id, policy);
    this.#markEndpointsOf(id);
  }

  onPolicyInactive(id: StoredId): void {
    this.#policies.delete(id);
  }

  onPolicyMatchStarted(policy: StoredId, endpoint: StoredId): void {
    this.#policiesOf.add(endpoint, policy);
    this.#endpointsOf.add(policy, endpoint);
    this.#dirty.add(endpoint);
  }

  onPolicyMatchStopped(policy: StoredId, endpoint: StoredId): void {
    this.#policiesOf.delete(endpoint, policy);
    this.#endpointsOf.delete(policy, endpoint);
    this.#dirty.add(endpoint);
  }

  onTier(resource: ResourceOf<'Tier'> | undefined, previous: ResourceOf<'Tier'> | undefined): void {
    const name = (resource ?? previous)?.metadata.name;
    if (name === undefined) return;
    if (resource) this.#tiers.set(name, tierFrom(resource));
    else this.#tiers.delete(name);
    for (const [id, policy] of this.#policies) if (policy.tier === name) this.#markEndpointsOf(id);
  }

  onNoPolicyEgress(action: 'Allow' | 'Deny'): void {
    if (action === this.#noPolicyEgress) return;
    this.#noPolicyEgress = action;
    for (const id of this.#endpoints.keys()) this.#dirty.add(id);
  }

  flush(): void {
    for (const id of this.#dirty) {
      const item = this.#endpoints.get(id);
      if (item) this.#listener.onEndpointUpdate(this.#resolve(id, item));
      else this.#listener.onEndpointRemove(id);
    }
    this.#dirty.clear();
  }

  #markEndpointsOf(policy: StoredId): void {
    for (const endpoint of this.#endpointsOf.get(policy)) this.#dirty.add(endpoint);
  }

  #resolve(id: StoredId, { resource, interfaceName }: LocalItem): LocalEndpoint {
    const { spec } = resource;
    const matches: PolicyMatches = {
      policies: [...this.#policiesOf.get(id)].flatMap((policy) => this.#policies.get(policy) ?? []),
      tiers: this.#tiers,
      profiles: this.#profiles,
      noPolicyEgress: this.#noPolicyEgress,
    };
    return {
      id,
      interfaceName,
      ...(spec.mac !== undefined && { mac: spec.mac }),
      addresses: [...new Set(spec.ipNetworks.map(addressPart))].sort(compareAddresses),
      active: spec.state === 'active',
      ingress: endpointPolicy(resource, 'ingress', matches),
      egress: endpointPolicy(resource, 'egress', matches),
    };
  }
}

function endpointPolicy(
  { kind, spec }: ResourceOf<'WorkloadEndpoint'>,
  direction: Direction,
  matches: PolicyMatches,
): EndpointPolicy {
  const policy = effective({ kind, profiles: spec.profiles }, direction, matches);
  return {
    tiers: policy.tiers.map(({ name, policies, endOfTier }) => ({
      name,
      policies: policies.map((item) => item.name),
      endOfTier,
    })),
    profiles: policy.profiles.map(({ name }) => name),
    default: policy.default,
  };
}
