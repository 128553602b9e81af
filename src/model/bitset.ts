/**
 * Sets of small integers, one bit each.
 *
 * Sets of one universe have arrays of one length, so that the operations are loops over words. They change their
 * left operand in place: whoever shares a set copies it first.
 */

/** Bit `n` is bit `n % 32` of word `n / 32`. */
export type Bitset = Uint32Array;

const WORD_BITS = 32;

/** The empty set of a universe from 0 to size - 1. */
export function emptyBitset(size: number): Bitset {
  return new Uint32Array(Math.ceil(size / WORD_BITS));
}

/** All of the universe. */
export function fullBitset(size: number): Bitset {
  const bits = emptyBitset(size).fill(0xffff_ffff);
  const unused = bits.length * WORD_BITS - size;
  if (unused > 0) bits[bits.length - 1] = 0xffff_ffff >>> unused;
  return bits;
}

export function addBit(bits: Bitset, member: number): void {
  const word = member >>> 5;
  bits[word] = (bits[word] ?? 0) | (1 << (member & 31));
}

export function deleteBit(bits: Bitset, member: number): void {
  const word = member >>> 5;
  bits[word] = (bits[word] ?? 0) & ~(1 << (member & 31));
}

export function hasBit(bits: Bitset, member: number): boolean {
  return (((bits[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1;
}

export function intersectWith(bits: Bitset, other: Bitset): void {
  for (let word = 0; word < bits.length; word += 1) bits[word] = (bits[word] ?? 0) & (other[word] ?? 0);
}

export function uniteWith(bits: Bitset, other: Bitset): void {
  for (let word = 0; word < bits.length; word += 1) bits[word] = (bits[word] ?? 0) | (other[word] ?? 0);
}

export function subtractFrom(bits: Bitset, other: Bitset): void {
  for (let word = 0; word < bits.length; word += 1) bits[word] = (bits[word] ?? 0) & ~(other[word] ?? 0);
}

export function isEmptyBitset(bits: Bitset): boolean {
  return bits.every((word) => word === 0);
}

export function countBits(bits: Bitset): number {
  let count = 0;
  for (let index = 0; index < bits.length; index += 1) {
    let word = bits[index] ?? 0;
    word -= (word >>> 1) & 0x5555_5555;
    word = (word & 0x3333_3333) + ((word >>> 2) & 0x3333_3333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
  }
  return count;
}

/** Members in ascending order. */
export function membersOf(bits: Bitset): number[] {
  const members: number[] = [];
  for (let index = 0; index < bits.length; index += 1) {
    let word = bits[index] ?? 0;
    while (word !== 0) {
      members.push(index * WORD_BITS + 31 - Math.clz32(word & -word));
      word &= word - 1;
    }
  }
  return members;
}

/** Gives equal sets one number, from 0 in the order in which they came. */
export class BitsetInterner {
  readonly #sets: Bitset[] = [];
  readonly #byHash = new Map<number, number[]>();

  /** The set is kept, and must not change any more. */
  intern(bits: Bitset): number {
    const hash = hashOf(bits);
    const candidates = this.#byHash.get(hash);
    const known = candidates?.find((id) => isEqual(this.get(id), bits));
    if (known !== undefined) return known;
    const id = this.#sets.push(bits) - 1;
    if (candidates) candidates.push(id);
    else this.#byHash.set(hash, [id]);
    return id;
  }

  get(id: number): Bitset {
    const bits = this.#sets[id];
    if (!bits) throw new RangeError(`There is no set ${id}`);
    return bits;
  }

  /** In the order of their numbers. */
  get all(): readonly Bitset[] {
    return this.#sets;
  }
}

/** FNV-1a over words. */
function hashOf(bits: Bitset): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < bits.length; index += 1)
    hash = Math.imul(hash ^ (bits[index] ?? 0), 0x0100_0193);
  return hash;
}

function isEqual(a: Bitset, b: Bitset): boolean {
  for (let word = 0; word < a.length; word += 1) if (a[word] !== b[word]) return false;
  return a.length === b.length;
}
