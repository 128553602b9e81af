/**
 * The one way in which heddle compares what should be with what is (after Felix's delta tracker).
 *
 * A driver holds one tracker for each kind of kernel object. The desired side is written by managers, who see
 * nothing else; the dataplane side only by a read-back of the kernel or by the driver's own success. What is
 * left to do falls out as pending updates and deletions: nobody keeps a list of what was sent last.
 */

/** The half of a tracker that managers are given: they can say what they want, and cannot write. */
export interface DesiredView<K, V> {
  set(key: K, value: V): void;
  delete(key: K): void;
  get(key: K): V | undefined;
  has(key: K): boolean;
  keys(): IterableIterator<K>;
  entries(): IterableIterator<[K, V]>;
  readonly size: number;
}

export interface DeltaTrackerOptions<V, A = V> {
  /** Whether the kernel's value is as good as the desired one. Default: `Object.is`. */
  readonly equal?: (desired: V, actual: A) => boolean;
}

/** `A` is what a read-back can know of a `V`: less, for an iptables chain of which only the hashes come back. */
export class DeltaTracker<K, V, A = V> {
  readonly #desired = new Map<K, V>();
  readonly #actual = new Map<K, A>();
  readonly #dirty = new Set<K>();
  readonly #drift = new Map<K, V | A>();
  #wasRead = false;
  readonly #equal: (desired: V, actual: A) => boolean;

  constructor(options: DeltaTrackerOptions<V, A> = {}) {
    this.#equal = options.equal ?? Object.is;
  }

  /** What should be. Cheap to write again with an equal value: nothing becomes pending. */
  readonly desired: DesiredView<K, V> = this.#view();

  /** What the kernel holds, as far as we know. */
  get actual(): ReadonlyMap<K, A> {
    return this.#actual;
  }

  /** A write to the kernel succeeded, or a read-back of this one key found `value` (undefined: nothing). */
  setActual(key: K, value: A | undefined): void {
    if (value === undefined) this.#actual.delete(key);
    else this.#actual.set(key, value);
    this.#mark(key);
  }

  /** A complete read-back: what is not in `entries` is not in the kernel. */
  replaceActual(entries: Iterable<readonly [K, A]>): void {
    const pending = new Set(this.#dirty);
    this.#actual.clear();
    this.#dirty.clear();
    for (const [key, value] of entries) this.#actual.set(key, value);
    for (const key of this.#desired.keys()) this.#mark(key);
    for (const key of this.#actual.keys()) if (!this.#desired.has(key)) this.#dirty.add(key);
    // What was there before the first one is no drift: nobody has written anything yet.
    if (this.#wasRead) for (const key of this.#dirty) if (!pending.has(key)) this.#noteDrift(key);
    this.#wasRead = true;
  }

  /**
   * What read-backs found otherwise than it was left, since the last call: the desired value of a key that is missing
   * or differs, the found value of one that nobody wants.
   */
  takeDrift(): ReadonlyMap<K, V | A> {
    const drift = new Map(this.#drift);
    this.#drift.clear();
    return drift;
  }

  /** Keys to create or change, with the value they should have. */
  *pendingUpdates(): IterableIterator<[K, V]> {
    for (const key of this.#dirty) {
      const value = this.#desired.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Keys that the kernel holds and nobody wants, with the value it holds. */
  *pendingDeletions(): IterableIterator<[K, A]> {
    for (const key of this.#dirty) {
      const value = this.#actual.get(key);
      if (value !== undefined && !this.#desired.has(key)) yield [key, value];
    }
  }

  /** True when desired and actual agree. */
  get inSync(): boolean {
    return this.#dirty.size === 0;
  }

  isPending(key: K): boolean {
    return this.#dirty.has(key);
  }

  #noteDrift(key: K): void {
    const value = this.#desired.get(key) ?? this.#actual.get(key);
    if (value !== undefined) this.#drift.set(key, value);
  }

  #mark(key: K): void {
    const desired = this.#desired.get(key);
    const actual = this.#actual.get(key);
    const same =
      desired === undefined ? actual === undefined : actual !== undefined && this.#equal(desired, actual);
    if (same) this.#dirty.delete(key);
    else this.#dirty.add(key);
  }

  #view(): DesiredView<K, V> {
    const desired = this.#desired;
    return {
      set: (key, value) => {
        desired.set(key, value);
        this.#mark(key);
      },
      delete: (key) => {
        desired.delete(key);
        this.#mark(key);
      },
      get: (key) => desired.get(key),
      has: (key) => desired.has(key),
      keys: () => desired.keys(),
      entries: () => desired.entries(),
      get size() {
        return desired.size;
      },
    };
  }
}
