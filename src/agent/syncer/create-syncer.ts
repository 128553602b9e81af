/**
 * Turns the store into batches of decoded objects: the only loop of the syncer, around two pure parts.
 *
 * commit-gate decides which events may be seen, object-assembler what they add up to. What this file adds is the
 * start in the middle of a commit: then the store is read as it was before the commit began (`txn.base`), the
 * events since are replayed through the gate, and only when nothing of the store as it is now is missing any
 * more, the sum is compared with what is known. So neither a half commit nor a step back is ever shown.
 */
import type { Datastore } from '../../datastore/datastore.js';
import { type EarlierRead, type FollowSnapshot, follow } from '../../datastore/follow.js';
import type { Layout } from '../../layout/layout.js';
import type { KeyEvent, Revision, Snapshot } from '../../model/store.js';
import { CommitGate } from './commit-gate.js';
import { ObjectAssembler } from './object-assembler.js';
import { OpenCommitProblems, oldestOpenCommit } from './open-commits.js';
import { Replay } from './replay.js';
import type { SyncerMessage, Update } from './update.js';

export interface SyncerOptions {
  readonly signal: AbortSignal;
  /** Waits before a failed snapshot is tried again, in ms; called with the number of failures so far. */
  readonly backoffMs?: (failures: number) => number;
  /** Reads everything again this long after the last time, in ms. Default: never. */
  readonly relistMs?: () => number;
}

export type SyncerLayout = Pick<Layout, 'root' | 'prefix' | 'identify' | 'decode'>;

/**
 * Follows the store until the signal is aborted. The first batch is the whole state; each later one is what one
 * revision, or one commit, changed.
 */
export async function* createSyncer(
  store: Datastore,
  layout: SyncerLayout,
  options: SyncerOptions,
): AsyncGenerator<SyncerMessage> {
  const view = new View(layout);
  const readAt = (snapshot: Snapshot) => beforeOpenCommits(layout, snapshot);
  for await (const message of follow(store, layout.prefix, { ...options, readAt })) {
    switch (message.type) {
      case 'snapshot':
        yield* view.start(message);
        break;
      case 'events':
        yield* view.advance(message.revision, message.events);
        break;
      case 'progress':
        break;
      case 'interrupted':
      case 'resumed':
        yield message;
        break;
    }
  }
}

/** The state that is shown, and the replay that may have to finish before it is shown again. */
class View {
  readonly #gate: CommitGate;
  readonly #assembler: ObjectAssembler;
  readonly #openCommits: OpenCommitProblems;
  #replay: Replay | undefined;

  constructor(layout: SyncerLayout) {
    this.#gate = new CommitGate(layout.identify);
    this.#assembler = new ObjectAssembler(layout);
    this.#openCommits = new OpenCommitProblems(layout.identify);
  }

  *start({ snapshot, latest }: FollowSnapshot): Generator<SyncerMessage> {
    this.#gate.reset();
    this.#openCommits.reset((latest ?? snapshot).entries);
    this.#replay = latest && new Replay(snapshot, latest);
    if (this.#replay === undefined || this.#replay.finished)
      yield this.#show(snapshot.entries, snapshot.revision);
  }

  *advance(revision: Revision, events: readonly KeyEvent[]): Generator<SyncerMessage> {
    const seen = this.#gate.push(events);
    // The gate holds these records themselves back.
    for (const event of events)
      this.#openCommits.set(event.key, event.type === 'put' ? event.entry : undefined);
    if (this.#replay !== undefined) {
      this.#replay.push(events, seen);
      if (this.#replay.finished) yield this.#show(this.#replay.entries, revision);
      return;
    }
    const [heads, ready] = [this.#assembler.heads, this.#assembler.ready];
    const updates = [...this.#assembler.apply(seen), ...this.#openCommits.tell()];
    const moved = heads !== this.#assembler.heads || ready !== this.#assembler.ready;
    if (updates.length > 0 || moved) yield this.#batch(updates, revision);
  }

  /** Everything that there is, compared with what was shown before. */
  #show(entries: Snapshot['entries'], revision: Revision): SyncerMessage {
    this.#replay = undefined;
    return this.#batch([...this.#assembler.replace(entries), ...this.#openCommits.tell()], revision);
  }

  #batch(updates: readonly Update[], revision: Revision): SyncerMessage {
    const { heads, ready } = this.#assembler;
    return { type: 'batch', updates, heads, revision, ready };
  }
}

/** The revision before the oldest commit that is under way; undefined when there is none. */
function beforeOpenCommits(layout: SyncerLayout, { entries }: Snapshot): EarlierRead | undefined {
  const oldest = oldestOpenCommit(layout.identify, entries);
  if (!oldest) return undefined;
  const { base, key } = oldest;
  const reason =
    `a commit has been under way since then (${key}): in sync again once a reconciler has made it whole, ` +
    'or, where no reconciler of that source is left, the key is deleted';
  return { revision: base, reason };
}
