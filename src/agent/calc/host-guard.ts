/**
 * Tells the dataplane who may encapsulate: the addresses of all hosts, and what pools have hosts encapsulate with.
 *
 * A network without encapsulated pools is told of neither. Nothing is said before the flush, so that a pool that
 * changes and changes back between two of them says nothing.
 */
import type { StoredId } from '../../layout/layout.js';
import { addressPart, type Cidr, hostCidr } from '../../model/address.js';
import { type EncapsulationsInUse, encapsulationsOf, isAnyInUse } from '../../model/encapsulation.js';
import { addressesOfNode } from '../../model/node-addresses.js';
import type { ResourceOf } from '../../model/resource.js';
import { ALL_HOSTS_SET } from './ip-set-definition.js';
import type { IpSetId, IpSetType } from './updates.js';

export interface HostGuardListener {
  onEncapsulations(inUse: EncapsulationsInUse): void;
  onSetActive(definition: { readonly id: IpSetId; readonly type: IpSetType }): void;
  onSetInactive(id: IpSetId): void;
  onMemberAdded(id: IpSetId, member: Cidr): void;
  onMemberRemoved(id: IpSetId, member: Cidr): void;
}

export class HostGuard {
  readonly #listener: HostGuardListener;
  readonly #pools = new Map<StoredId, ResourceOf<'IPPool'>['spec']>();
  readonly #hosts = new Map<StoredId, readonly Cidr[]>();
  /** As the dataplane was told; undefined: of no set. */
  #members: ReadonlySet<Cidr> | undefined;
  #dirty = false;

  constructor(listener: HostGuardListener) {
    this.#listener = listener;
  }

  onPool(id: StoredId, resource: ResourceOf<'IPPool'> | undefined): void {
    if (resource) this.#pools.set(id, resource.spec);
    else this.#pools.delete(id);
    this.#dirty = true;
  }

  onNode(id: StoredId, resource: ResourceOf<'Node'> | undefined): void {
    if (resource)
      this.#hosts.set(
        id,
        addressesOfNode(resource).map((one) => hostCidr(addressPart(one))),
      );
    else this.#hosts.delete(id);
    this.#dirty = true;
  }

  flush(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const inUse = encapsulationsOf(this.#pools.values());
    this.#listener.onEncapsulations(inUse);
    this.#tellMembers(isAnyInUse(inUse) ? new Set([...this.#hosts.values()].flat()) : undefined);
  }

  #tellMembers(members: ReadonlySet<Cidr> | undefined): void {
    const before = this.#members;
    this.#members = members;
    const { id } = ALL_HOSTS_SET;
    if (!members) {
      if (before) this.#listener.onSetInactive(id);
      return;
    }
    if (!before) this.#listener.onSetActive(ALL_HOSTS_SET);
    for (const member of before ?? []) if (!members.has(member)) this.#listener.onMemberRemoved(id, member);
    for (const member of members) if (!before?.has(member)) this.#listener.onMemberAdded(id, member);
  }
}
