/**
 * One set as managers want it, and how far the kernel's members are from that.
 */
import type { Cidr } from '../../../../model/address.js';
import { DeltaTracker } from '../../../../model/delta-tracker.js';
import type { IpSetId, IpSetType } from '../../../calc/updates.js';
import { elementsGone, elementsOf, type IpSetElement, printedElement } from './ip-set-elements.js';
import type { Generation } from './ip-set-names.js';
import type { MemberChanges } from './ip-set-restore-input.js';

export class WantedSet {
  readonly id: IpSetId;
  type: IpSetType;
  /** Undefined until the kernel has been asked which one it has. */
  generation: Generation | undefined;
  #members: Set<Cidr> = new Set();
  #hasDrifted = false;
  readonly #elements = new DeltaTracker<IpSetElement, true>();

  constructor(id: IpSetId, type: IpSetType) {
    this.id = id;
    this.type = type;
  }

  replace(type: IpSetType, members: Iterable<Cidr>): void {
    this.type = type;
    this.#members = new Set(members);
    const elements = new Set([...this.#members].flatMap(elementsOf));
    for (const element of [...this.#elements.desired.keys()])
      if (!elements.has(element)) this.#elements.desired.delete(element);
    for (const element of elements) this.#elements.desired.set(element, true);
  }

  add(members: Iterable<Cidr>): void {
    for (const member of members) {
      this.#members.add(member);
      for (const element of elementsOf(member)) this.#elements.desired.set(element, true);
    }
  }

  remove(members: Iterable<Cidr>): void {
    for (const member of members) {
      this.#members.delete(member);
      for (const element of elementsGone(member, this.#members)) this.#elements.desired.delete(element);
    }
  }

  get inSync(): boolean {
    return this.#elements.inSync;
  }

  /** All that there should be. */
  members(): readonly IpSetElement[] {
    return [...this.#elements.desired.keys()];
  }

  sizes(): { readonly members: number; readonly added: number; readonly removed: number } {
    const { added, removed } = this.changes();
    return { members: this.#elements.desired.size, added: added.length, removed: removed.length };
  }

  changes(): MemberChanges {
    return {
      added: [...this.#elements.pendingUpdates()].map(([element]) => element),
      removed: [...this.#elements.pendingDeletions()].map(([element]) => element),
    };
  }

  /** The changes are in the kernel. */
  noteWritten({ added, removed }: MemberChanges): void {
    for (const element of added) this.#elements.setActual(element, true);
    for (const element of removed) this.#elements.setActual(element, undefined);
  }

  /** It is under another name now, where the kernel has nothing yet. */
  startOver(): void {
    this.#elements.replaceActual([]);
    this.#elements.takeDrift();
  }

  /** Whether others have changed its members, since the last call. */
  takeDrift(): boolean {
    const hasDrifted = this.#hasDrifted;
    this.#hasDrifted = false;
    return hasDrifted;
  }

  /** What a read-back found. */
  noteKernel(members: readonly string[]): void {
    this.#elements.replaceActual(members.map((member) => [printedElement(member), true]));
    if (this.#elements.takeDrift().size > 0) this.#hasDrifted = true;
  }
}
