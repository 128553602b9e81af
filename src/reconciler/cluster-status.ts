/**
 * What is live where, read from the store: the heads of the sources, and what each agent says of its host.
 *
 * An agent's status lies under its lease: a host that has been silent for longer has none, and is `unknown`. A
 * commit is live on a host when the host is live at it, or at a later commit of the same source.
 */
import { type Datastore, DatastoreError } from '../datastore/datastore.js';
import { follow } from '../datastore/follow.js';
import { unescapeName } from '../layout/escape.js';
import type { Layout } from '../layout/layout.js';
import { readRecord } from '../layout/read-record.js';
import {
  type Condition,
  type Head,
  type HostStatus,
  headCodec,
  hostStatusCodec,
  sourceStatusCodec,
} from '../layout/records.js';
import type { Snapshot } from '../model/store.js';

export interface SourceReport {
  readonly name: string;
  readonly seq: number;
  readonly commit: string;
  readonly conditions: readonly Condition[];
}

export type HostReport = Omit<HostStatus, 'state'> & { readonly state: HostStatus['state'] | 'unknown' };

export interface ClusterStatus {
  readonly sources: readonly SourceReport[];
  /** Every host that is a Node or has said something, sorted by name. */
  readonly hosts: readonly HostReport[];
  /** Hosts on which the head of every source is live, of all. */
  readonly live: LiveCount;
}

export interface LiveCount {
  readonly hosts: number;
  readonly of: number;
}

export async function readClusterStatus(store: Datastore, layout: Layout): Promise<ClusterStatus> {
  const { keys, root } = layout;
  const [hostEntries, sourceEntries, historyEntries, nodeEntries] = await Promise.all([
    store.snapshot(keys.hostStatusPrefix),
    store.snapshot(keys.sourceStatusPrefix),
    store.snapshot(keys.historyPrefix),
    store.snapshot(`${root}/bgp/v1/host/`),
  ]);
  const hosts = hostReports(hostEntries, nodeEntries, layout);
  const names = new Set(hosts.flatMap(({ sources }) => Object.keys(sources)));
  for (const key of sourceEntries.entries.keys())
    names.add(unescapeName(key.slice(keys.sourceStatusPrefix.length)));
  for (const key of historyEntries.entries.keys()) {
    const [source = ''] = key.slice(keys.historyPrefix.length).split('/');
    names.add(unescapeName(source));
  }
  const sources = await Promise.all(
    [...names].sort().map((name) => sourceReport(store, layout, name, sourceEntries)),
  );
  const live = hosts.filter(
    (host) => host.state === 'live' && sources.every(({ name, seq }) => isLiveAt(host, name, seq)),
  );
  return { sources, hosts, live: { hosts: live.length, of: hosts.length } };
}

export interface WaitOptions {
  /** Full or abbreviated id. */
  readonly commit: string;
  /** Which part of the hosts, 0 to 1. */
  readonly share: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** True when `live.hosts` are at least this share of all; rounding never asks for one host too many. */
export function isReached(live: LiveCount, share: number): boolean {
  return live.of > 0 && live.hosts >= Math.ceil(live.of * share - 1e-9);
}

/** Waits until a commit is live on enough hosts, or the time is up, outages included; says how far it came. */
export async function waitForCommit(
  store: Datastore,
  layout: Layout,
  options: WaitOptions,
): Promise<LiveCount> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  let count: LiveCount = { hosts: 0, of: 0 };
  for await (const message of follow(store, layout.keys.hostStatusPrefix, { signal })) {
    if (message.type === 'interrupted') continue;
    try {
      count = await unlessAborted(countLive(store, layout, options.commit), signal, count);
    } catch (error) {
      // The follower meets the same outage, and comes back after it.
      if (!(error instanceof DatastoreError) || !error.retryable) throw error;
    }
    if (isReached(count, options.share)) break;
  }
  return count;
}

/** On how many hosts a commit, or a later one of its source, is live. */
export async function countLive(store: Datastore, layout: Layout, commit: string): Promise<LiveCount> {
  const { hosts, sources } = await readClusterStatus(store, layout);
  const of = hosts.length;
  for (const { name } of sources) {
    const seq = await seqOf(store, layout, name, commit);
    if (seq !== undefined) return { hosts: hosts.filter((host) => isLiveAt(host, name, seq)).length, of };
  }
  return { hosts: 0, of };
}

/** What `promise` gives, or `fallback` as soon as the time is up. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, fallback: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(fallback);
    signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

function isLiveAt(host: HostReport, source: string, seq: number): boolean {
  return host.state === 'live' && (host.sources[source]?.seq ?? 0) >= seq;
}

/** The newest time that a source was at this commit; undefined when it never was, as far as history goes. */
async function seqOf(
  store: Datastore,
  layout: Layout,
  source: string,
  commit: string,
): Promise<number | undefined> {
  const head = await readHead(store, layout, source);
  if (head?.commit.startsWith(commit)) return head.seq;
  const prefix = layout.keys.history(source, 0).replace(/[^/]*$/, '');
  const { entries } = await store.snapshot(prefix);
  const seqs = [...entries]
    .flatMap(([key, { value }]) => readRecord(headCodec, key, value) ?? [])
    .filter((record) => record.commit.startsWith(commit))
    .map(({ seq }) => seq);
  return seqs.length === 0 ? undefined : Math.max(...seqs);
}

async function readHead(store: Datastore, layout: Layout, source: string): Promise<Head | undefined> {
  const key = layout.keys.head(source);
  const { entry } = await store.get(key);
  return entry && readRecord(headCodec, key, entry.value);
}

async function sourceReport(
  store: Datastore,
  layout: Layout,
  name: string,
  statuses: Snapshot,
): Promise<SourceReport> {
  const head = await readHead(store, layout, name);
  const key = layout.keys.sourceStatus(name);
  const entry = statuses.entries.get(key);
  const conditions = (entry && readRecord(sourceStatusCodec, key, entry.value)?.conditions) ?? [];
  return { name, seq: head?.seq ?? 0, commit: head?.commit ?? '', conditions };
}

function hostReports(statuses: Snapshot, nodes: Snapshot, layout: Layout): HostReport[] {
  const reports = new Map<string, HostReport>();
  for (const key of nodes.entries.keys()) {
    const owner = layout.identify(key);
    if (owner?.type === 'resource' && owner.kind === 'Node') {
      const name = unescapeName(owner.id.slice('Node/'.length));
      reports.set(name, silent(name));
    }
  }
  for (const [key, { value }] of statuses.entries) {
    const node = unescapeName(key.slice(layout.keys.hostStatusPrefix.length));
    const status = readRecord(hostStatusCodec, key, value);
    reports.set(node, status ?? { ...silent(node), error: `${key}: its status cannot be read` });
  }
  return [...reports.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
}

function silent(node: string): HostReport {
  return {
    node,
    state: 'unknown',
    sources: {},
    revision: 0,
    counts: {},
    bgp: { configured: 0, established: 0 },
    error: 'no agent has reported: is it running, and can it reach etcd?',
  };
}
