/**
 * Compiles the rules of active policies and profiles, and keeps the sets they refer to alive.
 *
 * A set that no rule refers to any more is let go at the flush, not before: rules that come back within a batch find
 * their sets as they were, and the dataplane is not told to build anew what it has.
 */
import type { StoredId } from '../../layout/layout.js';
import type { DirectedRules, Policy, Profile } from '../../policy/policy.js';
import type { ActiveRulesListener } from './active-rules-calculator.js';
import { compileRules } from './compile-rules.js';
import type { IpSetDefinition } from './ip-set-definition.js';
import { MultiMap } from './multi-map.js';
import type { IpSetId, RuleSet } from './updates.js';

export interface ActiveSetListener {
  onSetActive(definition: IpSetDefinition): void;
  onSetInactive(id: IpSetId): void;
}

export interface CompiledRulesListener {
  onPolicyUpdate(id: StoredId, tier: string, name: string, rules: RuleSet): void;
  onPolicyRemove(id: StoredId): void;
  onProfileUpdate(name: string, rules: RuleSet, missing: boolean): void;
  onProfileRemove(name: string): void;
}

const NO_RULES: DirectedRules = { ingress: [], egress: [] };

export class RuleScanner implements ActiveRulesListener {
  readonly #sets: ActiveSetListener;
  readonly #rules: CompiledRulesListener;
  readonly #setsByOwner = new Map<Owner, ReadonlySet<IpSetId>>();
  readonly #ownersBySet = new MultiMap<IpSetId, Owner>();
  readonly #unused = new Set<IpSetId>();

  constructor(sets: ActiveSetListener, rules: CompiledRulesListener) {
    this.#sets = sets;
    this.#rules = rules;
  }

  onPolicyActive(id: StoredId, policy: Policy): void {
    const rules = this.#scan(`policy ${id}`, policy.rules);
    this.#rules.onPolicyUpdate(id, policy.tier, policy.name, rules);
  }

  onPolicyInactive(id: StoredId): void {
    this.#scan(`policy ${id}`, NO_RULES);
    this.#rules.onPolicyRemove(id);
  }

  onProfileActive(name: string, profile: Profile | undefined): void {
    const rules = this.#scan(`profile ${name}`, profile?.rules ?? NO_RULES);
    this.#rules.onProfileUpdate(name, rules, profile === undefined);
  }

  onProfileInactive(name: string): void {
    this.#scan(`profile ${name}`, NO_RULES);
    this.#rules.onProfileRemove(name);
  }

  flush(): void {
    for (const id of this.#unused) this.#sets.onSetInactive(id);
    this.#unused.clear();
  }

  #scan(owner: Owner, directed: DirectedRules): RuleSet {
    const { rules, sets } = compileRules(directed);
    for (const [id, definition] of sets)
      if (this.#ownersBySet.add(id, owner) && !this.#unused.delete(id)) this.#sets.onSetActive(definition);
    for (const id of this.#setsByOwner.get(owner) ?? [])
      if (!sets.has(id) && this.#ownersBySet.delete(id, owner)) this.#unused.add(id);
    if (sets.size > 0) this.#setsByOwner.set(owner, new Set(sets.keys()));
    else this.#setsByOwner.delete(owner);
    return rules;
  }
}

/** `policy` or `profile`, and which. */
type Owner = string;
