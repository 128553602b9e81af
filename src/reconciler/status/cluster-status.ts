/**
 * What is live where, read from the store: the heads of the sources, and what each agent says of its host.
 *
 * An agent's status lies under its lease: a host that has been silent for longer has none, and is `unknown`, which
 * takes nothing from the number of hosts there are. A commit is live on a host when the host is live at it, or at a
 * later commit of the same source.
 */
import type { Datastore } from '../../datastore/datastore.js';
import { unescapeName } from '../../layout/escape.js';
import type { Layout } from '../../layout/layout.js';
import { readRecord } from '../../layout/read-record.js';
import {
  type Condition,
  type Head,
  type HostStatus,
  headCodec,
  hostSessionsCodec,
  hostStatusCodec,
  type SessionRecord,
  sourceStatusCodec,
  type VerifierRecord,
  verifierCodec,
} from '../../layout/records.js';
import type { Snapshot, StoreKey } from '../../model/store.js';
import { readMembers } from './members.js';
import { readSuspension } from './suspension.js';
import { noReconciler, verified } from './verifiers.js';

export interface SourceReport {
  readonly name: string;
  readonly seq: number;
  readonly commit: string;
  /** The newest commit that its leader has read, good or not; absent: nobody says. */
  readonly newest?: string;
  readonly conditions: readonly Condition[];
  /** Every reconciler that is running, and whether it finds in the store what it would have written. */
  readonly verifiers: readonly VerifierRecord[];
}

export type HostReport = Omit<HostStatus, 'state'> & {
  readonly state: HostStatus['state'] | 'unknown';
  /** Only when they were asked for. */
  readonly sessions?: readonly SessionRecord[];
};

export interface ClusterStatus {
  readonly sources: readonly SourceReport[];
  /** Every Node, every RouteReflector, and who else has said something, sorted by name. */
  readonly hosts: readonly HostReport[];
  /** Hosts on which the head of every source is live, of all. */
  readonly live: LiveCount;
  /** Why nothing is applied at the moment; absent: nobody has suspended. */
  readonly suspended?: string;
}

export interface LiveCount {
  readonly hosts: number;
  readonly of: number;
}

/** @param what `sessions`: with every BGP session of every host, of which a mesh has very many */
export async function readClusterStatus(
  store: Datastore,
  layout: Layout,
  what: { readonly sessions?: boolean } = {},
): Promise<ClusterStatus> {
  const { keys } = layout;
  const [suspended, hostEntries, sourceEntries, historyEntries, members, sessions] = await Promise.all([
    readSuspension(store, layout),
    store.snapshot(keys.hostStatusPrefix),
    store.snapshot(keys.sourceStatusPrefix),
    store.snapshot(keys.historyPrefix),
    readMembers(store, layout),
    what.sessions ? readSessions(store, layout) : new Map<string, readonly SessionRecord[]>(),
  ]);
  const reports = [...hostEntries.entries].map(([key, { value }]) => hostReport(key, value, layout));
  const hosts = withSilent(reports, members).map((host) => {
    const own = sessions.get(host.node);
    return own ? { ...host, sessions: own } : host;
  });
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
  return {
    ...{ sources, hosts, live: { hosts: live.length, of: hosts.length } },
    ...(suspended !== undefined && { suspended }),
  };
}

async function readSessions(
  store: Datastore,
  { keys }: Layout,
): Promise<ReadonlyMap<string, readonly SessionRecord[]>> {
  const { entries } = await store.snapshot(keys.hostSessionsPrefix);
  const records = [...entries].flatMap(([key, { value }]) => readRecord(hostSessionsCodec, key, value) ?? []);
  return new Map(records.map(({ node, sessions }) => [node, sessions]));
}

export function isLiveAt(host: HostReport, source: string, seq: number): boolean {
  return host.state === 'live' && (host.sources[source]?.seq ?? 0) >= seq;
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
  const [head, records] = await Promise.all([
    readHead(store, layout, name),
    store.snapshot(layout.keys.verifiersPrefix(name)),
  ]);
  const key = layout.keys.sourceStatus(name);
  const entry = statuses.entries.get(key);
  const { newest, conditions: told = [noReconciler(head)] } =
    (entry && readRecord(sourceStatusCodec, key, entry.value)) ?? {};
  const verifiers = [...records.entries].flatMap(
    ([place, { value }]) => readRecord(verifierCodec, place, value) ?? [],
  );
  const conditions = [...told, ...verified(verifiers, head)];
  return {
    ...{ name, seq: head?.seq ?? 0, commit: head?.commit ?? '' },
    ...(newest !== undefined && { newest }),
    ...{ conditions, verifiers },
  };
}

/** What the agent of one host says. */
export function hostReport(key: StoreKey, value: string, { keys }: Layout): HostReport {
  const node = unescapeName(key.slice(keys.hostStatusPrefix.length));
  const status = readRecord(hostStatusCodec, key, value);
  return status ?? { ...silent(node), error: `${key}: its status cannot be read` };
}

/** Those who have said something, and those who should have. Sorted by name. */
export function withSilent(reports: Iterable<HostReport>, members: Iterable<string>): HostReport[] {
  const all = new Map([...members].map((node) => [node, silent(node)]));
  for (const report of reports) all.set(report.node, report);
  return [...all.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
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
