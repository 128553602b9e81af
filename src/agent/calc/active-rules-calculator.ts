/**
 * Works out which policies and profiles are active: in force at one endpoint of this host at least.
 *
 * A policy is active while its selector picks a local endpoint, a profile while a local endpoint names it, whether
 * the profile exists or not: one that does not is active as missing, and denies (law 5).
 */
import type { StoredId } from '../../layout/layout.js';
import type { ResourceOf } from '../../model/resource.js';
import { type Policy, type Profile, policyFrom } from '../../policy/policy.js';
import { LabelIndex } from './label-index.js';
import type { LocalItem } from './local-endpoint-filter.js';
import { MultiMap } from './multi-map.js';

export interface ActivePolicyListener {
  /** Also when an active policy changes. Comes before its first match; when it ends, no match is left. */
  onPolicyActive(id: StoredId, policy: Policy): void;
  onPolicyInactive(id: StoredId): void;
}

export interface ActiveRulesListener extends ActivePolicyListener {
  /** undefined: the profile does not exist. Also when an active profile changes. */
  onProfileActive(name: string, profile: Profile | undefined): void;
  onProfileInactive(name: string): void;
}

export interface PolicyMatchListener extends ActivePolicyListener {
  onPolicyMatchStarted(policy: StoredId, endpoint: StoredId): void;
  onPolicyMatchStopped(policy: StoredId, endpoint: StoredId): void;
}

export class ActiveRulesCalculator {
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #rules: ActiveRulesListener;
  readonly #matches: PolicyMatchListener;
  readonly #policies = new Map<StoredId, Policy>();
  readonly #endpoints = new Map<StoredId, LocalItem>();
  readonly #endpointsByProfile = new MultiMap<string, StoredId>();
  readonly #active = new Set<StoredId>();
  readonly #index = new LabelIndex<StoredId, StoredId>({
    onMatchStarted: (policy, endpoint) => this.#onMatchStarted(policy, endpoint),
    onMatchStopped: (policy, endpoint) => this.#onMatchStopped(policy, endpoint),
  });

  constructor(
    profiles: ReadonlyMap<string, Profile>,
    rules: ActiveRulesListener,
    matches: PolicyMatchListener,
  ) {
    this.#profiles = profiles;
    this.#rules = rules;
    this.#matches = matches;
  }

  onPolicy(id: StoredId, resource: ResourceOf<'GlobalNetworkPolicy'> | undefined): void {
    // In the store a name has no tier in front, whatever it looks like.
    const policy = resource && policyFrom(resource, resource.metadata.name);
    if (!policy?.judgesConnections) {
      this.#index.deleteSelector(id);
      this.#policies.delete(id);
      return;
    }
    this.#policies.set(id, policy);
    if (this.#active.has(id)) this.#activate(id, policy);
    this.#index.updateSelector(id, policy.selector);
  }

  onProfile(name: string, profile: Profile | undefined): void {
    if (this.#endpointsByProfile.has(name)) this.#rules.onProfileActive(name, profile);
  }

  onLocalEndpoint(id: StoredId, item: LocalItem | undefined): void {
    const before = this.#endpoints.get(id)?.resource.spec.profiles ?? [];
    const after = item?.resource.spec.profiles ?? [];
    for (const name of after)
      if (this.#endpointsByProfile.add(name, id)) this.#rules.onProfileActive(name, this.#profiles.get(name));
    for (const name of before)
      if (!after.includes(name) && this.#endpointsByProfile.delete(name, id))
        this.#rules.onProfileInactive(name);
    if (item) {
      this.#endpoints.set(id, item);
      this.#index.updateItem(id, item.labels);
    } else {
      this.#endpoints.delete(id);
      this.#index.deleteItem(id);
    }
  }

  #onMatchStarted(id: StoredId, endpoint: StoredId): void {
    const policy = this.#policies.get(id);
    if (policy && !this.#active.has(id)) {
      this.#active.add(id);
      this.#activate(id, policy);
    }
    this.#matches.onPolicyMatchStarted(id, endpoint);
  }

  #onMatchStopped(id: StoredId, endpoint: StoredId): void {
    this.#matches.onPolicyMatchStopped(id, endpoint);
    if (this.#index.itemsOf(id).size > 0) return;
    this.#active.delete(id);
    this.#rules.onPolicyInactive(id);
    this.#matches.onPolicyInactive(id);
  }

  #activate(id: StoredId, policy: Policy): void {
    this.#rules.onPolicyActive(id, policy);
    this.#matches.onPolicyActive(id, policy);
  }
}
