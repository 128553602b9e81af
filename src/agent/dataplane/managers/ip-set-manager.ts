/**
 * Sets: each exists in both families, with the members of that family.
 *
 * A rule of both families looks into the set of its own, so an empty one is wanted too.
 */
import { type Cidr, familyOf, type IpFamily } from '../../../model/address.js';
import type { UpdateOf } from '../../calc/updates.js';
import type { DesiredDataplane } from '../intent.js';

export class IpSetManager {
  readonly #desired: DesiredDataplane;

  constructor(desired: DesiredDataplane) {
    this.#desired = desired;
  }

  onUpdate({ id, setType, members }: UpdateOf<'ip-set-update'>): void {
    for (const { family, ipSets } of this.#desired.families)
      ipSets.replace(id, setType, ofFamily(members, family));
  }

  onDelta({ id, added, removed }: UpdateOf<'ip-set-delta'>): void {
    for (const { family, ipSets } of this.#desired.families) {
      ipSets.removeMembers(id, ofFamily(removed, family));
      ipSets.addMembers(id, ofFamily(added, family));
    }
  }

  onRemove({ id }: UpdateOf<'ip-set-remove'>): void {
    for (const { ipSets } of this.#desired.families) ipSets.delete(id);
  }
}

function ofFamily(members: Iterable<Cidr>, family: IpFamily): readonly Cidr[] {
  return [...members].filter((member) => familyOf(member) === family);
}
