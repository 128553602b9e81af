/**
 * Tells the dataplane of the address pools, which is where masquerading begins and ends.
 *
 * A disabled pool is still one: it gives out no new addresses, and those in use go on as before.
 */
import type { Cidr } from '../../model/address.js';
import type { ResourceOf } from '../../model/resource.js';

export interface PoolListener {
  onPoolUpdate(cidr: Cidr, masquerade: boolean): void;
  onPoolRemove(cidr: Cidr): void;
}

export class PoolTracker {
  readonly #listener: PoolListener;

  constructor(listener: PoolListener) {
    this.#listener = listener;
  }

  onPool(resource: ResourceOf<'IPPool'> | undefined, previous: ResourceOf<'IPPool'> | undefined): void {
    if (resource) this.#listener.onPoolUpdate(resource.spec.cidr, resource.spec.natOutgoing);
    else if (previous) this.#listener.onPoolRemove(previous.spec.cidr);
  }
}
