/**
 * A map from a key to a set of values, without empty sets. What the calculation graph indexes, it indexes so.
 */
export class MultiMap<K, V> {
  readonly #sets = new Map<K, Set<V>>();

  /** True when the value is the first of its key. */
  add(key: K, value: V): boolean {
    const values = this.#sets.get(key);
    if (values) values.add(value);
    else this.#sets.set(key, new Set([value]));
    return !values;
  }

  /** True when the value was the last of its key. */
  delete(key: K, value: V): boolean {
    const values = this.#sets.get(key);
    if (!values?.delete(value) || values.size > 0) return false;
    return this.#sets.delete(key);
  }

  has(key: K): boolean {
    return this.#sets.has(key);
  }

  /** A live view: copy it before changing the map inside a loop over it. */
  get(key: K): ReadonlySet<V> {
    return this.#sets.get(key) ?? EMPTY;
  }
}

const EMPTY: ReadonlySet<never> = new Set();
