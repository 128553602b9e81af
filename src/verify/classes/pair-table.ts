/**
 * Gives equal pairs of integers one number.
 *
 * A hash table with open addressing in plain arrays of integers. A Map would need one key for both, which beyond 31
 * bits is an object to the engine, and millions of those are what its garbage collector then has to do.
 */
const EMPTY = -1;
const FIRST_CAPACITY = 64;

export class PairTable {
  #left = new Int32Array(FIRST_CAPACITY);
  #right = new Int32Array(FIRST_CAPACITY);
  #numbers = new Int32Array(FIRST_CAPACITY).fill(EMPTY);
  #size = 0;

  /** From 0, in the order in which they came. */
  numberOf(left: number, right: number): number {
    const slot = this.#slotOf(left, right);
    const known = this.#numbers[slot] ?? EMPTY;
    if (known !== EMPTY) return known;
    const number = this.#size;
    this.#put(slot, left, right, number);
    this.#size += 1;
    if (this.#size * 2 > this.#numbers.length) this.#grow();
    return number;
  }

  /** Where the pair stands, or where it would. */
  #slotOf(left: number, right: number): number {
    const mask = this.#numbers.length - 1;
    let slot = hashOf(left, right) & mask;
    while (this.#numbers[slot] !== EMPTY && (this.#left[slot] !== left || this.#right[slot] !== right))
      slot = (slot + 1) & mask;
    return slot;
  }

  #put(slot: number, left: number, right: number, number: number): void {
    this.#left[slot] = left;
    this.#right[slot] = right;
    this.#numbers[slot] = number;
  }

  #grow(): void {
    const [lefts, rights, numbers] = [this.#left, this.#right, this.#numbers];
    const capacity = numbers.length * 2;
    this.#left = new Int32Array(capacity);
    this.#right = new Int32Array(capacity);
    this.#numbers = new Int32Array(capacity).fill(EMPTY);
    for (const [slot, number] of numbers.entries()) {
      if (number === EMPTY) continue;
      const [left, right] = [lefts[slot] ?? 0, rights[slot] ?? 0];
      this.#put(this.#slotOf(left, right), left, right, number);
    }
  }
}

function hashOf(left: number, right: number): number {
  let hash = Math.imul(left ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(right ^ (left << 16), 0xc2b2_ae35);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b_3c6d) >>> 1;
}
