/**
 * Gives equal tuples of numbers one number.
 *
 * Tuples are read from the left, a pair at a time: there are as many as endpoints, and a text for each would cost more
 * than all the rest.
 */
import { PairTable } from './pair-table.js';

export class TupleInterner {
  readonly #pairs = new PairTable();
  /** By the state after the last number of a tuple. */
  readonly #numbers: number[] = [];
  #size = 0;

  /** @param tuple - of any length, integers of 31 bits. */
  intern(tuple: readonly number[]): number {
    let state = 0;
    for (const one of tuple) state = this.#pairs.numberOf(state, one) + 1;
    // States are numbered as they come: this never leaves a hole.
    while (this.#numbers.length <= state) this.#numbers.push(UNKNOWN);
    const known = this.#numbers[state] ?? UNKNOWN;
    if (known !== UNKNOWN) return known;
    const number = this.#size;
    this.#size += 1;
    this.#numbers[state] = number;
    return number;
  }
}

const UNKNOWN = -1;
