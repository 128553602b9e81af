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

/** The number of a set of atoms. */
export type ConnectionSet = number;

export const NO_CONNECTIONS: ConnectionSet = 0;
export const ALL_CONNECTIONS: ConnectionSet = 1;

type Operation = (bits: Bitset, other: Bitset) => void;

export class ConnectionSets {
  readonly #interner = new BitsetInterner();
  readonly #common = new Map<number, ConnectionSet>();
  readonly #union = new Map<number, ConnectionSet>();
  readonly #difference = new Map<number, ConnectionSet>();

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
    return a < b
      ? this.#remember(this.#common, a, b, intersectWith)
      : this.#remember(this.#common, b, a, intersectWith);
  }

  union(a: ConnectionSet, b: ConnectionSet): ConnectionSet {
    if (a === b || b === NO_CONNECTIONS) return a;
    if (a === NO_CONNECTIONS) return b;
    if (a === ALL_CONNECTIONS || b === ALL_CONNECTIONS) return ALL_CONNECTIONS;
    return this.#remember(this.#union, a, b, uniteWith);
  }

  /** What is in `a` and not in `b`. */
  difference(a: ConnectionSet, b: ConnectionSet): ConnectionSet {
    if (a === b || a === NO_CONNECTIONS || b === ALL_CONNECTIONS) return NO_CONNECTIONS;
    if (b === NO_CONNECTIONS) return a;
    return this.#remember(this.#difference, a, b, subtractFrom);
  }

  #remember(
    known: Map<number, ConnectionSet>,
    a: ConnectionSet,
    b: ConnectionSet,
    operate: Operation,
  ): ConnectionSet {
    const key = a * MAX_SETS + b;
    const found = known.get(key);
    if (found !== undefined) return found;
    const bits = this.atomsOf(a).slice();
    operate(bits, this.atomsOf(b));
    const result = this.add(bits);
    known.set(key, result);
    return result;
  }
}

/** Keeps pairs of numbers apart within the integers that a double holds exactly. */
const MAX_SETS = 2 ** 26;
