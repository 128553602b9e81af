/**
 * A set of networks that is asked whether it holds an address, as an ipset of type hash:net is.
 *
 * Most sets hold single addresses: one lookup. Where there are larger networks, there is one more for each length.
 */
import {
  type Address,
  addressLength,
  type Cidr,
  familyOf,
  hostCidr,
  maskCidr,
  prefixLength,
} from '../../../model/address.js';

export class NetworkSet {
  readonly #members: Set<Cidr>;
  /** How many members have this length, those of a single address aside. */
  readonly #lengths = new Map<number, number>();

  constructor(members: Iterable<Cidr> = []) {
    this.#members = new Set();
    for (const member of members) this.add(member);
  }

  add(member: Cidr): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    this.#count(member, 1);
  }

  delete(member: Cidr): void {
    if (this.#members.delete(member)) this.#count(member, -1);
  }

  /** Whether this very network is a member. */
  has(member: Cidr): boolean {
    return this.#members.has(member);
  }

  get size(): number {
    return this.#members.size;
  }

  members(): IterableIterator<Cidr> {
    return this.#members.values();
  }

  /** Whether a member contains the address. */
  contains(address: Address): boolean {
    if (this.#members.has(hostCidr(address))) return true;
    const longest = addressLength(familyOf(address));
    for (const length of this.#lengths.keys()) {
      const network = length <= longest ? maskCidr(`${address}/${length}`) : undefined;
      if (network && this.#members.has(network)) return true;
    }
    return false;
  }

  #count(member: Cidr, difference: 1 | -1): void {
    const length = prefixLength(member);
    if (length === addressLength(familyOf(member))) return;
    const count = (this.#lengths.get(length) ?? 0) + difference;
    if (count > 0) this.#lengths.set(length, count);
    else this.#lengths.delete(length);
  }
}
