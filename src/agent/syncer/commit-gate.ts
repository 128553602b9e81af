/**
 * Lets whole commits through only. PURE: events in, events out.
 *
 * A commit that is too large for one transaction is written as a series; every transaction of it also changes
 * the `txn` key of its source, and the last one moves `head` and deletes `txn`. Hence the rule: an event is held
 * if and only if `txn` changed at its revision; whatever anyone else writes meanwhile flows on. When `head`
 * moves or `txn` goes, all that was held for that source is let out at once, together with the revision that did
 * it. A later event of the same key supersedes a held one.
 */
import type { KeyOwner } from '../../layout/layout.js';
import type { KeyEvent, StoreKey } from '../../model/store.js';

type Identify = (key: StoreKey) => KeyOwner | undefined;

export class CommitGate {
  readonly #identify: Identify;
  /** Source -> its held events, the latest per key. A source is in here while its commit is under way. */
  readonly #held = new Map<string, Map<StoreKey, KeyEvent>>();

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  /** Takes the events of one revision; returns those that are to be seen now, held ones first. */
  push(events: readonly KeyEvent[]): readonly KeyEvent[] {
    const { writing, released } = this.#controls(events);
    for (const { key } of events) for (const held of this.#held.values()) held.delete(key);
    const [source] = writing;
    if (source !== undefined) {
      const held = this.#held.get(source) ?? new Map<StoreKey, KeyEvent>();
      this.#held.set(source, held);
      for (const event of events) held.set(event.key, event);
    }
    const out = [...released].flatMap((name) => this.#release(name));
    return source === undefined ? [...out, ...events] : out;
  }

  /** Forgets everything, before a new snapshot. */
  reset(): void {
    this.#held.clear();
  }

  /** Sources whose series goes on at this revision, and sources whose series ends. */
  #controls(events: readonly KeyEvent[]): { readonly writing: Set<string>; readonly released: Set<string> } {
    const writing = new Set<string>();
    const released = new Set<string>();
    for (const event of events) {
      const owner = this.#identify(event.key);
      if (owner?.type === 'head') released.add(owner.source);
      if (owner?.type !== 'txn') continue;
      (event.type === 'put' ? writing : released).add(owner.source);
    }
    return { writing, released };
  }

  #release(source: string): readonly KeyEvent[] {
    const held = this.#held.get(source);
    this.#held.delete(source);
    return held === undefined ? [] : [...held.values()];
  }
}
