/**
 * The commits that are under way, by their `txn` records. PURE except for its own memory.
 *
 * One that cannot be read stops nobody: the store is read as it was before its key was there. It is told as a problem of
 * its own, because until it goes every start reads so far back, and once etcd has forgotten that far, none succeeds.
 */

import type { KeyOwner, StoredId } from '../../layout/layout.js';
import { readOpenTxn } from '../../layout/open-txn.js';
import type { Revision, Snapshot, StoreEntry, StoreKey } from '../../model/store.js';
import type { Update } from './update.js';

type Identify = (key: StoreKey) => KeyOwner | undefined;

interface OpenCommit {
  readonly key: StoreKey;
  /** Before its first transaction. */
  readonly base: Revision;
  readonly problem: string | undefined;
}

/** The oldest of all that a snapshot shows. */
export function oldestOpenCommit(identify: Identify, entries: Snapshot['entries']): OpenCommit | undefined {
  return [...entries]
    .flatMap(([key, entry]) => openCommit(identify, key, entry) ?? [])
    .reduce<OpenCommit | undefined>((a, b) => (a && a.base <= b.base ? a : b), undefined);
}

/** Records that cannot be read, and what of that is not yet told. */
export class OpenCommitProblems {
  readonly #identify: Identify;
  readonly #now = new Map<StoreKey, string>();
  readonly #told = new Map<StoreKey, string>();

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  reset(entries: Snapshot['entries']): void {
    this.#now.clear();
    for (const [key, entry] of entries) this.set(key, entry);
  }

  /** @param entry undefined: the key is gone */
  set(key: StoreKey, entry: StoreEntry | undefined): void {
    const problem = entry && openCommit(this.#identify, key, entry)?.problem;
    if (problem === undefined) this.#now.delete(key);
    else this.#now.set(key, problem);
  }

  /** What differs from what was told before; from now on it is told. */
  tell(): readonly Update[] {
    const gone = [...this.#told.keys()].filter((key) => !this.#now.has(key));
    const news = [...this.#now].filter(([key, problem]) => this.#told.get(key) !== problem);
    for (const key of gone) this.#told.delete(key);
    for (const [key, problem] of news) this.#told.set(key, problem);
    return [
      ...gone.map((key) => update(key, undefined)),
      ...news.map(([key, problem]) => update(key, problem)),
    ];
  }
}

/** No object of the store has such an id, and none can be read from it. */
function update(key: StoreKey, problem: string | undefined): Update {
  const id = key as string as StoredId;
  return { id, kind: 'unknown', resource: undefined, ...(problem !== undefined && { problem }) };
}

function openCommit(identify: Identify, key: StoreKey, entry: StoreEntry): OpenCommit | undefined {
  // Identifying every key of a large store again would be dear.
  const owner = key.endsWith('/txn') ? identify(key) : undefined;
  if (owner?.type !== 'txn') return undefined;
  const { record, problem } = readOpenTxn(key, entry);
  const remedy =
    `a reconciler of source ${owner.source} writes it anew with its next commit; ` +
    'delete the key if there is none';
  return {
    key,
    base: record.base as Revision,
    problem: problem && `${problem}: nobody knows which commit is under way; ${remedy}`,
  };
}
