/**
 * A store with etcd's multi-version semantics, in memory.
 *
 * It owns the versions of every key and the log of events, one log entry per revision. Like etcd's it starts at
 * revision 1, moves only when something changed (a delete of nothing is no change), and answers reads at any
 * revision from the compacted one on. Nothing here is asynchronous: one call is one atomic step.
 */
import type {
  Compare,
  KeyEvent,
  LeaseId,
  Revision,
  StoreEntry,
  StoreKey,
  WriteOp,
} from '../../model/store.js';

interface Version {
  readonly revision: Revision;
  /** undefined: deleted at this revision. */
  readonly entry: StoreEntry | undefined;
}

export class MvccStore {
  #revision = 1;
  #compacted = 0;
  readonly #versions = new Map<StoreKey, Version[]>();
  /** Events of revision `#logStart + i` at index i. */
  #log: (readonly KeyEvent[])[] = [];
  #logStart = 2;
  readonly #leaseOf = new Map<StoreKey, LeaseId>();
  readonly #listeners = new Set<() => void>();

  get revision(): Revision {
    return this.#revision as Revision;
  }

  /** Reads and watches below this revision are refused. */
  get compacted(): Revision {
    return this.#compacted as Revision;
  }

  read(key: StoreKey, at: Revision = this.revision): StoreEntry | undefined {
    return versionAt(this.#versions.get(key) ?? [], at)?.entry;
  }

  /** Entries below `prefix` at one revision, sorted by the bytes of their keys as etcd sorts them. */
  readPrefix(prefix: string, at: Revision): Map<StoreKey, StoreEntry> {
    const found: { bytes: Buffer; key: StoreKey; entry: StoreEntry }[] = [];
    for (const [key, versions] of this.#versions) {
      if (!key.startsWith(prefix)) continue;
      const entry = versionAt(versions, at)?.entry;
      if (entry !== undefined) found.push({ bytes: Buffer.from(key), key, entry });
    }
    found.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    return new Map(found.map(({ key, entry }) => [key, entry]));
  }

  holds(compare: Compare): boolean {
    const entry = this.read(compare.key);
    switch (compare.check) {
      case 'absent':
        return entry === undefined;
      case 'mod-revision':
        return (entry?.modRevision ?? 0) === compare.revision;
      case 'create-revision':
        return (entry?.createRevision ?? 0) === compare.revision;
    }
  }

  /** Applies all writes at one new revision. */
  apply(writes: readonly WriteOp[]): void {
    const revision = (this.#revision + 1) as Revision;
    const events: KeyEvent[] = [];
    for (const write of writes) {
      const previous = this.read(write.key);
      if (write.op === 'delete' && previous === undefined) continue;
      events.push(
        write.op === 'put' ? putEvent(write, previous, revision) : { type: 'delete', key: write.key },
      );
      if (write.op === 'put' && write.lease !== undefined) this.#leaseOf.set(write.key, write.lease);
      else this.#leaseOf.delete(write.key);
    }
    if (events.length === 0) return;
    this.#revision = revision;
    this.#log.push(events);
    for (const event of events) this.#append(event, revision);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Deletes what was written under a lease. */
  expire(lease: LeaseId): void {
    const writes: WriteOp[] = [];
    for (const [key, owner] of this.#leaseOf) if (owner === lease) writes.push({ op: 'delete', key });
    this.apply(writes);
  }

  /** The events of one revision, from `compacted` to `revision`. */
  eventsAt(revision: number): readonly KeyEvent[] {
    return this.#log[revision - this.#logStart] ?? [];
  }

  /** Forgets what was superseded before `revision`. */
  compact(revision: Revision): void {
    if (revision <= this.#compacted || revision > this.#revision)
      throw new RangeError(`cannot compact at ${revision}: not in (${this.#compacted}, ${this.#revision}]`);
    this.#compacted = revision;
    if (revision > this.#logStart) {
      this.#log = this.#log.slice(revision - this.#logStart);
      this.#logStart = revision;
    }
    for (const [key, versions] of this.#versions) {
      const kept = versionAt(versions, revision);
      const rest = versions.filter((version) => version.revision > revision);
      if (kept?.entry !== undefined) rest.unshift(kept);
      if (rest.length === 0) this.#versions.delete(key);
      else this.#versions.set(key, rest);
    }
  }

  /** Calls `listener` after each revision, until the function that is returned has been called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #append(event: KeyEvent, revision: Revision): void {
    const versions = this.#versions.get(event.key) ?? [];
    versions.push({ revision, entry: event.type === 'put' ? event.entry : undefined });
    this.#versions.set(event.key, versions);
  }
}

function putEvent(
  write: Extract<WriteOp, { op: 'put' }>,
  previous: StoreEntry | undefined,
  revision: Revision,
): KeyEvent {
  const createRevision = previous?.createRevision ?? revision;
  return {
    type: 'put',
    key: write.key,
    entry: { value: write.value, modRevision: revision, createRevision },
  };
}

function versionAt(versions: readonly Version[], at: Revision): Version | undefined {
  return versions.findLast((version) => version.revision <= at);
}
