/**
 * A map from a key to a set of values, without empty sets. What the calculation graph indexes, it indexes so.
 *
 * Most keys of an index have one value (an address its endpoint, a label of an endpoint's own that endpoint), and there
 * are hundreds of thousands of them: a set is made for the second value, not for the first. Values are no sets.
 */
export class MultiMap<K, V extends string | number | object> {
  readonly #entries = new Map<K, V | Set<V>>();

  /** True when the value is the first of its key. */
  add(key: K, value: V): boolean {
    const known = this.#entries.get(key);
    if (known === undefined) this.#entries.set(key, value);
    else if (known instanceof Set) known.add(value);
    else if (known !== value) this.#entries.set(key, new Set([known, value]));
    return known === undefined;
  }

  /** True when the value was the last of its key. */
  delete(key: K, value: V): boolean {
    const known = this.#entries.get(key);
    if (known instanceof Set) return known.delete(value) && known.size === 0 && this.#entries.delete(key);
    return known !== undefined && known === value && this.#entries.delete(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** Good until the next change: copy it before changing the map inside a loop over it. */
  get(key: K): ReadonlySet<V> {
    const known = this.#entries.get(key);
    if (known === undefined) return EMPTY;
    return known instanceof Set ? known : new Set([known]);
  }
}

const EMPTY: ReadonlySet<never> = new Set();
