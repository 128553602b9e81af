/**
 * Puts the pieces of a watch back together into whole revisions. PURE except for its own memory.
 *
 * etcd cuts a large response into fragments at any event, also in the middle of a revision, and marks all but
 * the last. Within a response events come in the order of revisions, so that a revision is whole as soon as a
 * later one begins; only the last, unfinished one is kept.
 */
import type { IEvent } from 'etcd3';
import type { KeyEvent, Revision } from '../../model/store.js';
import { toKeyEvent, toRevision } from './codec.js';

export interface WholeRevision {
  readonly revision: Revision;
  readonly events: readonly KeyEvent[];
}

export class RevisionAssembler {
  #next: number;
  #revision = 0;
  #events: KeyEvent[] = [];

  /** @param from the first revision to deliver; what is older has been delivered before, and is dropped. */
  constructor(from: Revision) {
    this.#next = from;
  }

  /** True between the fragments of one response. */
  get unfinished(): boolean {
    return this.#events.length > 0;
  }

  /** Takes the events of one response or fragment; returns the revisions that are whole now. */
  push(events: readonly IEvent[], moreFragments: boolean): WholeRevision[] {
    const whole: WholeRevision[] = [];
    for (const event of events) {
      const revision = toRevision(event.kv.mod_revision);
      if (revision !== this.#revision) this.#finish(whole);
      this.#revision = revision;
      this.#events.push(toKeyEvent(event));
    }
    if (!moreFragments) this.#finish(whole);
    return whole;
  }

  #finish(whole: WholeRevision[]): void {
    if (this.#events.length === 0) return;
    if (this.#revision >= this.#next) {
      whole.push({ revision: this.#revision as Revision, events: this.#events });
      this.#next = this.#revision + 1;
    }
    this.#events = [];
  }
}
