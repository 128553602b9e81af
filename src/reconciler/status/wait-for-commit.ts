/**
 * Waits until a commit is live on enough hosts.
 *
 * What the hosts say is read once and then followed, change by change: with thousands of hosts, each of which says
 * something on the way, reading all of them at each word would be the square of that. Which hosts there are is read
 * when the commit is found in the store, and once more before the wait is over, because a commit may bring new ones.
 */

import { type Datastore, DatastoreError } from '../../datastore/datastore.js';
import { withDeadline } from '../../datastore/deadline.js';
import { type FollowMessage, follow } from '../../datastore/follow.js';
import { pause } from '../../datastore/pause.js';
import { unescapeName } from '../../layout/escape.js';
import type { Layout } from '../../layout/layout.js';
import { readRecord } from '../../layout/read-record.js';
import { historyCodec } from '../../layout/records.js';
import type { StoreKey } from '../../model/store.js';
import { type HostReport, hostReport, isLiveAt, type LiveCount, withSilent } from './cluster-status.js';
import { readMembers } from './members.js';
import { untilRefused } from './refusal.js';
import { readSuspension } from './suspension.js';

export interface WaitOptions {
  /** Full or abbreviated id. */
  readonly commit: string;
  /** Which part of the hosts, 0 to 1. */
  readonly share: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Count a host only while all of its BGP sessions are up. */
  readonly withSessions?: boolean;
}

export interface Progress extends LiveCount {
  /** Hosts on which the commit is not live, and what they say. Sorted by name. */
  readonly missing: readonly HostReport[];
}

export interface WaitResult extends Progress {
  /** Why the commit is not going to be live; absent: nothing is said against it. */
  readonly refused?: string;
  /** Why nothing is applied at the moment; absent: nobody has suspended, or the commit is live. */
  readonly suspended?: string;
  /** Why the store could not be asked even once. */
  readonly unheard?: string;
}

/**
 * Waits until a commit is live on enough hosts, is refused, or the time is up, outages included; says how far it came.
 */
export async function waitForCommit(
  store: Datastore,
  layout: Layout,
  { commit, share, timeoutMs, signal: stop, withSessions = false }: WaitOptions,
): Promise<WaitResult> {
  const ended = new AbortController();
  const deadline = withDeadline(stop, timeoutMs);
  const signal = AbortSignal.any([deadline, ended.signal]);
  const seen: Seen = { progress: { hosts: 0, of: 0, missing: [] }, unheard: 'it does not answer' };
  const stands = async () => (await untilRead(() => findCommit(store, layout, commit), signal))?.length === 0;
  // Whichever comes first ends the other; a call that hangs holds up neither.
  const end = () => ended.abort();
  const both = Promise.all([
    untilLive(store, layout, { commit, share, signal, withSessions, seen }).finally(end),
    untilRefused(store, layout, { commit, signal, stands }).finally(end),
  ]);
  const [, refused] = await unlessAborted(both, deadline, [undefined, undefined]);
  stop.throwIfAborted();
  const { progress, unheard } = seen;
  if (isReached(progress, share)) return progress;
  if (refused !== undefined) {
    const counted = progressOf(store, layout, commit, withSessions).catch(() => progress);
    return { ...(await unlessAborted(counted, deadline, progress)), refused };
  }
  if (unheard !== undefined) return { ...progress, unheard };
  const asked = readSuspension(store, layout).catch(() => undefined);
  const suspended = await unlessAborted(asked, withDeadline(stop, 1_000), undefined);
  return suspended === undefined ? progress : { ...progress, suspended };
}

/** Reads through outages; undefined when the signal comes first, or when no repetition helps. */
async function untilRead<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DatastoreError) || !error.retryable || signal.aborted) return undefined;
      await pause(AGAIN_MS, signal);
    }
  }
}

const AGAIN_MS = 200;

/** What is known so far, for when the time is up. */
interface Seen {
  progress: Progress;
  /** Why the store has not answered; undefined: it has. */
  unheard: string | undefined;
}

async function untilLive(
  store: Datastore,
  layout: Layout,
  {
    commit,
    share,
    signal,
    withSessions = false,
    seen,
  }: Omit<WaitOptions, 'timeoutMs'> & { readonly seen: Seen },
): Promise<void> {
  const counter = new LiveCounter(store, layout, commit, withSessions);
  for await (const message of follow(store, layout.keys.hostStatusPrefix, { signal })) {
    if (message.type === 'snapshot') seen.unheard = undefined;
    if (message.type === 'interrupted' && seen.unheard !== undefined) seen.unheard = message.reason;
    if (!counter.hear(message)) continue;
    try {
      seen.progress = await unlessAborted(counter.count(), signal, seen.progress);
      if (isReached(seen.progress, share))
        seen.progress = await unlessAborted(counter.recount(), signal, seen.progress);
    } catch (error) {
      // The follower meets the same outage, and comes back after it.
      if (!(error instanceof DatastoreError) || !error.retryable) throw error;
    }
    if (isReached(seen.progress, share)) break;
  }
}

/** True when `live.hosts` are at least this share of all; rounding never asks for one host too many. */
export function isReached(live: LiveCount, share: number): boolean {
  return live.of > 0 && live.hosts >= Math.ceil(live.of * share - 1e-9);
}

/** On how many hosts a commit, or a later one of its source, is live. */
export async function countLive(store: Datastore, layout: Layout, commit: string): Promise<LiveCount> {
  const { hosts, of } = await progressOf(store, layout, commit, false);
  return { hosts, of };
}

async function progressOf(
  store: Datastore,
  layout: Layout,
  commit: string,
  withSessions: boolean,
): Promise<Progress> {
  const counter = new LiveCounter(store, layout, commit, withSessions);
  const snapshot = await store.snapshot(layout.keys.hostStatusPrefix);
  counter.hear({ type: 'snapshot', snapshot, reason: 'start' });
  return counter.count();
}

/** Where a commit stands in the history of its source. */
interface Place {
  readonly source: string;
  readonly seq: number;
}

class LiveCounter {
  readonly #store: Datastore;
  readonly #layout: Layout;
  readonly #commit: string;
  readonly #withSessions: boolean;
  readonly #said = new Map<StoreKey, HostReport>();
  #places: readonly Place[] = [];
  #members: ReadonlySet<string> | undefined;

  constructor(store: Datastore, layout: Layout, commit: string, withSessions: boolean) {
    this.#store = store;
    this.#layout = layout;
    this.#commit = commit;
    this.#withSessions = withSessions;
  }

  /** Takes in what hosts say; false while nothing can be heard. */
  hear(message: FollowMessage): boolean {
    switch (message.type) {
      case 'snapshot':
        this.#said.clear();
        for (const [key, { value }] of message.snapshot.entries) this.#hearOne(key, value);
        return true;
      case 'events':
        for (const event of message.events) {
          if (event.type === 'put') this.#hearOne(event.key, event.entry.value);
          else this.#said.delete(event.key);
        }
        return true;
      default:
        return message.type !== 'interrupted';
    }
  }

  async count(): Promise<Progress> {
    if (this.#members && this.#places.length > 0) return this.#sum(this.#members);
    return this.recount();
  }

  /** The same, after a new look at which hosts there are, and where the commit stands. */
  async recount(): Promise<Progress> {
    this.#places = await findCommit(this.#store, this.#layout, this.#commit);
    if (!this.#members || this.#places.length > 0)
      this.#members = await readMembers(this.#store, this.#layout);
    return this.#sum(this.#members);
  }

  #sum(members: ReadonlySet<string>): Progress {
    const hosts = withSilent(this.#said.values(), members);
    const places = this.#places;
    const isLive = (host: HostReport) =>
      places.length > 0 &&
      places.every(({ source, seq }) => isLiveAt(host, source, seq)) &&
      (!this.#withSessions || host.bgp.established >= host.bgp.configured);
    const missing = hosts.filter((host) => !isLive(host));
    return { hosts: hosts.length - missing.length, of: hosts.length, missing };
  }

  #hearOne(key: StoreKey, value: string): void {
    this.#said.set(key, hostReport(key, value, this.#layout));
  }
}

/** For each source that was at this commit and has not gone back before it, the last time that it was. */
async function findCommit(store: Datastore, { keys }: Layout, commit: string): Promise<readonly Place[]> {
  const { entries } = await store.snapshot(keys.historyPrefix);
  const places = new Map<string, Place>();
  for (const [key, { value }] of entries) {
    const record = readRecord(historyCodec, key, value);
    const source = unescapeName(key.slice(keys.historyPrefix.length).split('/')[0] ?? '');
    if (!record) continue;
    // Keys are sorted by age: what was rolled back since is live nowhere, whatever came after it.
    if (record.rollback && record.rollback.to < (places.get(source)?.seq ?? 0)) places.delete(source);
    if (record.commit.startsWith(commit)) places.set(source, { source, seq: record.seq });
  }
  return [...places.values()];
}

/** What `promise` gives, or `fallback` as soon as the time is up. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, fallback: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(fallback);
    signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
