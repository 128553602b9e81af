/**
 * Sets of connections as numbers.
 *
 * A network has few different ones, a few hundred of them, and millions of pairs of endpoints. So each set of atoms
 * gets a number, and what two sets have in common is worked out once.
 */
import {
  type Bitset,
  BitsetInterner,
  emptyBitset,
  fullBitset,
  intersectWith,
  subtractFrom,
  uniteWith,
} from '../../model/bitset.js';
import { PairTable } from './pair-table.js';

/** The number of a set of atoms. */
export type ConnectionSet = number;

export const NO_CONNECTIONS: ConnectionSet = 0;
export const ALL_CONNECTIONS: ConnectionSet = 1;

type Operation = (bits: Bitset, other: Bitset) => void;

export class ConnectionSets {
  readonly #interner = new BitsetInterner();
  readonly #common = new Memo(intersectWith);
  readonly #union = new Memo(uniteWith);
  readonly #difference = new Memo(subtractFrom);

  /** @param atoms - how many there are; at least one. */
  constructor(atoms: number) {
    this.#interner.intern(emptyBitset(atoms));
    this.#interner.intern(fullBitset(atoms));
  }

  /** The set is kept, and must not change any more. */
  add(bits: Bitset): ConnectionSet {
    return this.#interner.intern(bits);
  }

  atomsOf(set: ConnectionSet): Bitset {
    return this.#interner.get(set);
  }

  common(a: ConnectionSet, b: ConnectionSet): ConnectionSet {
    if (a === b || b === ALL_CONNECTIONS) return a;
    if (a === ALL_CONNECTIONS) return b;
    if (a === NO_CONNECTIONS || b === NO_CONNECTIONS) return NO_CONNECTIONS;
    return a < b ? this.#common.get(a, b, this.#interner) : this.#common.get(b, a, this.#interner);
  }

  union(a: ConnectionSet, b: ConnectionSet): ConnectionSet {
    if (a === b || b === NO_CONNECTIONS) return a;
    if (a === NO_CONNECTIONS) return b;
    if (a === ALL_CONNECTIONS || b === ALL_CONNECTIONS) return ALL_CONNECTIONS;
    return this.#union.get(a, b, this.#interner);
  }

  /** What is in `a` and not in `b`. */
  difference(a: ConnectionSet, b: ConnectionSet): ConnectionSet {
    if (a === b || a === NO_CONNECTIONS || b === ALL_CONNECTIONS) return NO_CONNECTIONS;
    if (b === NO_CONNECTIONS) return a;
    return this.#difference.get(a, b, this.#interner);
  }
}

/** What an operation makes of two sets, worked out once. */
class Memo {
  readonly #operate: Operation;
  readonly #pairs = new PairTable();
  readonly #results: ConnectionSet[] = [];

  constructor(operate: Operation) {
    this.#operate = operate;
  }

  get(a: ConnectionSet, b: ConnectionSet, interner: BitsetInterner): ConnectionSet {
    const pair = this.#pairs.numberOf(a, b);
    const known = this.#results[pair];
    if (known !== undefined) return known;
    const bits = interner.get(a).slice();
    this.#operate(bits, interner.get(b));
    const result = interner.intern(bits);
    this.#results[pair] = result;
    return result;
  }
}
