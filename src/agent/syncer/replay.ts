/**
 * From the store as it was to the store as it is. PURE except for its own memory.
 *
 * The revision of the store says nothing about when a replay is over: the last revisions may have been written
 * outside our prefix, and then no event comes. So it is over as soon as what has happened adds up to the newer
 * snapshot, key by key.
 */
import type { KeyEvent, Snapshot, StoreEntry, StoreKey } from '../../model/store.js';

export class Replay {
  readonly #latest: Snapshot['entries'];
  readonly #seen: Map<StoreKey, StoreEntry>;
  /** Keys that are not yet as they are in the newer snapshot. */
  readonly #behind = new Set<StoreKey>();

  constructor(base: Snapshot, latest: Snapshot) {
    this.#latest = latest.entries;
    this.#seen = new Map(base.entries);
    for (const [key, entry] of base.entries) this.#compare(key, entry);
    for (const key of latest.entries.keys()) if (!base.entries.has(key)) this.#behind.add(key);
  }

  get finished(): boolean {
    return this.#behind.size === 0;
  }

  /** What may be seen. */
  get entries(): ReadonlyMap<StoreKey, StoreEntry> {
    return this.#seen;
  }

  /** Takes one revision: all that happened, and what of it (and of what was held before) may be seen. */
  push(happened: readonly KeyEvent[], seen: readonly KeyEvent[]): void {
    for (const event of happened) this.#compare(event.key, event.type === 'put' ? event.entry : undefined);
    for (const event of seen) {
      if (event.type === 'put') this.#seen.set(event.key, event.entry);
      else this.#seen.delete(event.key);
    }
  }

  #compare(key: StoreKey, entry: StoreEntry | undefined): void {
    if (this.#latest.get(key)?.modRevision === entry?.modRevision) this.#behind.delete(key);
    else this.#behind.add(key);
  }
}
