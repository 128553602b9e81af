/**
 * Gives equal pairs of integers one number.
 *
 * A hash table with open addressing in one plain array of integers. A Map would need one key for both, which beyond 31
 * bits is an object to the engine, and millions of those are what its garbage collector then has to do.
 */

/** Of a slot: the two integers, and their number plus one; 0: the slot is empty. */
const FIELDS = 3;
const FIRST_CAPACITY = 64;

export class PairTable {
  #slots = new Int32Array(FIRST_CAPACITY * FIELDS);
  #mask = FIRST_CAPACITY - 1;
  #size = 0;

  /** From 0, in the order in which they came. */
  numberOf(left: number, right: number): number {
    const slot = this.#slotOf(left, right);
    const known = this.#slots[slot + 2] ?? 0;
    if (known !== 0) return known - 1;
    const number = this.#size;
    this.#put(slot, left, right, number + 1);
    this.#size += 1;
    if (this.#size * 2 > this.#mask) this.#grow();
    return number;
  }

  /** Where the pair stands, or where it would. */
  #slotOf(left: number, right: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let position = hashOf(left, right) & mask;
    for (;;) {
      const slot = position * FIELDS;
      if (slots[slot + 2] === 0 || (slots[slot] === left && slots[slot + 1] === right)) return slot;
      position = (position + 1) & mask;
    }
  }

  #put(slot: number, left: number, right: number, field: number): void {
    this.#slots[slot] = left;
    this.#slots[slot + 1] = right;
    this.#slots[slot + 2] = field;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let slot = 0; slot < old.length; slot += FIELDS) {
      const field = old[slot + 2] ?? 0;
      if (field === 0) continue;
      const [left, right] = [old[slot] ?? 0, old[slot + 1] ?? 0];
      this.#put(this.#slotOf(left, right), left, right, field);
    }
  }
}

function hashOf(left: number, right: number): number {
  let hash = Math.imul(left ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(right ^ (left << 16), 0xc2b2_ae35);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b_3c6d) >>> 1;
}
