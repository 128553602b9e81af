/**
 * The rules and sets that policies refer to by name, and which of them a batch may have made stricter (PURE).
 *
 * A set makes the rules stricter that look into it: whoever joins what is denied loses, and whoever leaves what is
 * allowed. So what becomes stricter is always a policy or a profile, which is what endpoints refer to.
 */
import type { Address, Cidr } from '../../../model/address.js';
import { MultiMap } from '../../calc/multi-map.js';
import type { EndpointPolicy, IpSetId, RuleSet, UpdateOf } from '../../calc/updates.js';
import type { SetUse } from '../intent.js';
import { setUses } from '../rules/set-uses.js';
import type { Rulebook } from './compiled-verdict.js';
import { rulesMayTakeAway } from './may-take-away.js';
import { NetworkSet } from './network-set.js';

/** `policy <tier>/<name>` or `profile <name>`. */
type Owner = string;

export class ActiveRules implements Rulebook {
  readonly #rules = new Map<Owner, RuleSet>();
  readonly #uses = new Map<Owner, ReadonlyMap<IpSetId, SetUse>>();
  readonly #users = new MultiMap<IpSetId, Owner>();
  readonly #sets = new Map<IpSetId, NetworkSet>();
  readonly #stricter = new Set<Owner>();

  /** @param rules undefined: there are none any more */
  onPolicy(policy: { readonly tier: string; readonly name: string }, rules: RuleSet | undefined): void {
    this.#setRules(policyOwner(policy.tier, policy.name), rules);
  }

  /** @param rules undefined: the profile is missing, or gone */
  onProfile(profile: { readonly name: string }, rules: RuleSet | undefined): void {
    this.#setRules(profileOwner(profile.name), rules);
  }

  onSetUpdate({ id, members }: UpdateOf<'ip-set-update'>): void {
    const before = this.#sets.get(id);
    const after = new NetworkSet(members);
    this.#sets.set(id, after);
    if (before) this.#noteSet(id, !holdsAll(before, members), !holdsAll(after, before.members()));
  }

  onSetDelta({ id, added, removed }: UpdateOf<'ip-set-delta'>): void {
    const set = this.#sets.get(id);
    for (const member of removed) set?.delete(member);
    for (const member of added) set?.add(member);
    this.#noteSet(id, added.length > 0, removed.length > 0);
  }

  onSetRemove({ id }: UpdateOf<'ip-set-remove'>): void {
    this.#sets.delete(id);
  }

  /** Whether an endpoint with this policy may have lost something since the last `forgetChanges`. */
  isStricter({ tiers, profiles }: EndpointPolicy): boolean {
    if (this.#stricter.size === 0) return false;
    return (
      profiles.some((name) => this.#stricter.has(profileOwner(name))) ||
      tiers.some(({ name, policies }) =>
        policies.some((policy) => this.#stricter.has(policyOwner(name, policy))),
      )
    );
  }

  forgetChanges(): void {
    this.#stricter.clear();
  }

  ofPolicy(tier: string, name: string): RuleSet | undefined {
    return this.#rules.get(policyOwner(tier, name));
  }

  ofProfile(name: string): RuleSet | undefined {
    return this.#rules.get(profileOwner(name));
  }

  isMember(id: IpSetId, address: Address): boolean {
    return this.#sets.get(id)?.contains(address) === true;
  }

  #setRules(owner: Owner, rules: RuleSet | undefined): void {
    const before = this.#rules.get(owner);
    if (before && (!rules || rulesMayTakeAway(before, rules))) this.#stricter.add(owner);
    if (rules) this.#rules.set(owner, rules);
    else this.#rules.delete(owner);
    for (const id of this.#uses.get(owner)?.keys() ?? []) this.#users.delete(id, owner);
    const uses = rules ? setUses([...rules.ingress, ...rules.egress]) : NO_USES;
    for (const id of uses.keys()) this.#users.add(id, owner);
    if (uses.size > 0) this.#uses.set(owner, uses);
    else this.#uses.delete(owner);
  }

  #noteSet(id: IpSetId, someJoined: boolean, someLeft: boolean): void {
    for (const owner of this.#users.get(id)) {
      const use = this.#uses.get(owner)?.get(id);
      if ((someJoined && use?.joining) || (someLeft && use?.leaving)) this.#stricter.add(owner);
    }
  }
}

const NO_USES: ReadonlyMap<IpSetId, SetUse> = new Map();

function holdsAll(set: NetworkSet, members: Iterable<Cidr>): boolean {
  for (const member of members) if (!set.has(member)) return false;
  return true;
}

function policyOwner(tier: string, name: string): Owner {
  return `policy ${tier}/${name}`;
}

function profileOwner(name: string): Owner {
  return `profile ${name}`;
}
