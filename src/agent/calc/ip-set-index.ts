/**
 * The members of every set that active rules refer to.
 *
 * An endpoint may have several addresses, and an address several endpoints (a migration, a mistake). A set counts who
 * brings each member: it joins with the first and leaves with the last.
 */
import type { StoredId } from '../../layout/layout.js';
import type { Cidr } from '../../model/address.js';
import type { IpSetDefinition } from './ip-set-definition.js';
import { LabelIndex, type MatchListener } from './label-index.js';
import type { LabelledItem } from './label-inheritance.js';
import type { IpSetId } from './updates.js';

export interface IpSetListener {
  /** A set without members; they follow. */
  onSetActive(definition: IpSetDefinition): void;
  onSetInactive(id: IpSetId): void;
  onMemberAdded(set: IpSetId, member: Cidr): void;
  onMemberRemoved(set: IpSetId, member: Cidr): void;
}

export class IpSetIndex {
  readonly #listener: IpSetListener;
  /** Each member once. */
  readonly #members = new Map<StoredId, readonly Cidr[]>();
  /** How many items bring a member. */
  readonly #counts = new Map<IpSetId, Map<Cidr, number>>();
  readonly #byLabels: LabelIndex<IpSetId, StoredId>;
  readonly #byTags: LabelIndex<IpSetId, StoredId>;

  constructor(listener: IpSetListener) {
    this.#listener = listener;
    const matches: MatchListener<IpSetId, StoredId> = {
      onMatchStarted: (set, item) => this.#add(set, this.#membersOf(item)),
      onMatchStopped: (set, item) => this.#remove(set, this.#membersOf(item)),
    };
    this.#byLabels = new LabelIndex(matches);
    this.#byTags = new LabelIndex(matches);
  }

  onSetActive(definition: IpSetDefinition): void {
    const { id, picks, selector } = definition;
    this.#counts.set(id, new Map());
    this.#listener.onSetActive(definition);
    (picks === 'labels' ? this.#byLabels : this.#byTags).updateSelector(id, selector);
  }

  onSetInactive(id: IpSetId): void {
    this.#byLabels.deleteSelector(id);
    this.#byTags.deleteSelector(id);
    this.#counts.delete(id);
    this.#listener.onSetInactive(id);
  }

  onItem(id: StoredId, item: LabelledItem | undefined): void {
    this.#replaceMembers(id, item?.members ?? NO_MEMBERS);
    if (item) {
      this.#byLabels.updateItem(id, item.labels);
      // Network sets have no tags, and of many endpoints few do.
      if (item.tags.size > 0) this.#byTags.updateItem(id, asLabels(item.tags));
      else this.#byTags.deleteItem(id);
    } else {
      this.#byLabels.deleteItem(id);
      this.#byTags.deleteItem(id);
    }
  }

  /** New members join before old ones leave, each in the sets that the item is in at this moment. */
  #replaceMembers(id: StoredId, members: readonly Cidr[]): void {
    const before = this.#membersOf(id);
    const sets = [...this.#byLabels.selectorsOf(id), ...this.#byTags.selectorsOf(id)];
    for (const set of sets) {
      this.#add(set, difference(members, before));
      this.#remove(set, difference(before, members));
    }
    if (members.length > 0) this.#members.set(id, members);
    else this.#members.delete(id);
  }

  #membersOf(id: StoredId): readonly Cidr[] {
    return this.#members.get(id) ?? NO_MEMBERS;
  }

  #add(set: IpSetId, members: Iterable<Cidr>): void {
    const counts = this.#countsOf(set);
    for (const member of members) {
      const count = counts.get(member) ?? 0;
      counts.set(member, count + 1);
      if (count === 0) this.#listener.onMemberAdded(set, member);
    }
  }

  #remove(set: IpSetId, members: Iterable<Cidr>): void {
    const counts = this.#countsOf(set);
    for (const member of members) {
      const count = counts.get(member) ?? 0;
      if (count > 1) {
        counts.set(member, count - 1);
        continue;
      }
      counts.delete(member);
      this.#listener.onMemberRemoved(set, member);
    }
  }

  #countsOf(set: IpSetId): Map<Cidr, number> {
    const counts = this.#counts.get(set);
    if (!counts) throw new Error(`The set ${set} is not active`);
    return counts;
  }
}

const NO_MEMBERS: readonly Cidr[] = [];

function asLabels(tags: ReadonlySet<string>): Readonly<Record<string, string>> {
  return Object.fromEntries([...tags].map((tag) => [tag, '']));
}

function difference(a: readonly Cidr[], b: readonly Cidr[]): readonly Cidr[] {
  if (b.length === 0) return a;
  const known = new Set(b);
  return a.filter((member) => !known.has(member));
}
