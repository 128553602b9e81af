/**
 * Policies and profiles: two chains each, one for either direction, in both families.
 */
import { DIRECTIONS } from '../../../model/rule.js';
import type { UpdateOf } from '../../calc/updates.js';
import { type Chain, chainKey, type DesiredDataplane, type DesiredFamily } from '../intent.js';
import { policyChainName, profileChainName } from '../rules/chain-names.js';
import type { MarkBits } from '../rules/mark-bits.js';
import { policyChain, profileChain } from '../rules/rule-chains.js';

type PolicyUpdate = UpdateOf<'policy-update'>;
type ProfileUpdate = UpdateOf<'profile-update'>;

export class PolicyManager {
  readonly #desired: DesiredDataplane;
  readonly #policies = new Map<string, PolicyUpdate>();
  readonly #profiles = new Map<string, ProfileUpdate>();
  #marks: MarkBits;

  constructor(desired: DesiredDataplane, marks: MarkBits) {
    this.#desired = desired;
    this.#marks = marks;
  }

  onMarks(marks: MarkBits): void {
    this.#marks = marks;
    for (const policy of this.#policies.values()) this.#programPolicy(policy);
    for (const profile of this.#profiles.values()) this.#programProfile(profile);
  }

  onPolicyUpdate(update: PolicyUpdate): void {
    this.#policies.set(`${update.tier}/${update.name}`, update);
    this.#programPolicy(update);
  }

  onPolicyRemove({ tier, name }: UpdateOf<'policy-remove'>): void {
    this.#policies.delete(`${tier}/${name}`);
    for (const direction of DIRECTIONS) this.#remove(policyChainName(direction, tier, name));
  }

  onProfileUpdate(update: ProfileUpdate): void {
    this.#profiles.set(update.name, update);
    this.#programProfile(update);
  }

  onProfileRemove({ name }: UpdateOf<'profile-remove'>): void {
    this.#profiles.delete(name);
    for (const direction of DIRECTIONS) this.#remove(profileChainName(direction, name));
  }

  #programPolicy(update: PolicyUpdate): void {
    this.#program(({ family }) =>
      DIRECTIONS.map((direction) => policyChain(direction, update, { family, marks: this.#marks })),
    );
  }

  #programProfile(update: ProfileUpdate): void {
    this.#program(({ family }) =>
      DIRECTIONS.map((direction) => profileChain(direction, update, { family, marks: this.#marks })),
    );
  }

  #program(chainsOf: (family: DesiredFamily) => readonly Chain[]): void {
    for (const family of this.#desired.families)
      for (const chain of chainsOf(family)) family.chains.set(chainKey(chain), chain);
  }

  #remove(name: Chain['name']): void {
    for (const { chains } of this.#desired.families) chains.delete(chainKey({ table: 'filter', name }));
  }
}
