/**
 * What the dataplane has yet to be told of sets: new ones whole, known ones by what joined and left.
 *
 * Members are not kept here, there may be many: the index knows them. A member that joins and leaves between two
 * flushes, or the other way round, is never mentioned.
 */
import type { Cidr } from '../../model/address.js';
import type { DataplaneUpdate, IpSetId, IpSetType } from './updates.js';

interface PendingSet {
  readonly added: Set<Cidr>;
  readonly removed: Set<Cidr>;
}

export class IpSetDeltas {
  readonly #new = new Map<IpSetId, IpSetType>();
  readonly #known = new Set<IpSetId>();
  readonly #gone = new Set<IpSetId>();
  readonly #pending = new Map<IpSetId, PendingSet>();

  /** A set without members. */
  add(id: IpSetId, type: IpSetType): void {
    this.#new.set(id, type);
  }

  remove(id: IpSetId): void {
    this.#new.delete(id);
    this.#pending.delete(id);
    if (this.#known.delete(id)) this.#gone.add(id);
  }

  /** Only a member that the set does not have. */
  addMember(id: IpSetId, member: Cidr): void {
    const { added, removed } = this.#pendingOf(id);
    if (!removed.delete(member)) added.add(member);
  }

  /** Only a member that the set has. */
  removeMember(id: IpSetId, member: Cidr): void {
    const { added, removed } = this.#pendingOf(id);
    if (!added.delete(member)) removed.add(member);
  }

  takeUpdates(): readonly DataplaneUpdate[] {
    const updates = sorted(this.#new).map(([id, setType]): DataplaneUpdate => {
      // All that a new set was given since it has been added is all that it holds.
      const members = this.#pending.get(id)?.added ?? new Set();
      this.#pending.delete(id);
      this.#known.add(id);
      this.#gone.delete(id);
      return { type: 'ip-set-update', id, setType, members };
    });
    this.#new.clear();
    return updates;
  }

  takeDeltas(): readonly DataplaneUpdate[] {
    const deltas = sorted(this.#pending)
      .filter(([, { added, removed }]) => added.size + removed.size > 0)
      .map(
        ([id, { added, removed }]): DataplaneUpdate => ({
          type: 'ip-set-delta',
          id,
          added: [...added].sort(),
          removed: [...removed].sort(),
        }),
      );
    this.#pending.clear();
    return deltas;
  }

  takeRemovals(): readonly DataplaneUpdate[] {
    const removals = [...this.#gone].sort().map((id): DataplaneUpdate => ({ type: 'ip-set-remove', id }));
    this.#gone.clear();
    return removals;
  }

  #pendingOf(id: IpSetId): PendingSet {
    let pending = this.#pending.get(id);
    if (!pending) {
      pending = { added: new Set(), removed: new Set() };
      this.#pending.set(id, pending);
    }
    return pending;
  }
}

function sorted<V>(map: ReadonlyMap<IpSetId, V>): [IpSetId, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
