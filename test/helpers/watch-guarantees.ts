/**
 * What a watch promises, checked against what really happened.
 *
 * The nine guarantees are those that etcd's own robustness suite checks of etcd's watch (tests/robustness), here of
 * ours. watch-recorder.ts gathers the evidence. PrevKV has no counterpart, since our messages carry no previous
 * values: it becomes the promise that a reader who keeps them itself has the right ones.
 */
import type { FollowMessage, FollowSnapshot } from '../../src/datastore/follow.js';
import type { KeyEvent, Revision, Snapshot, StoreEntry, StoreKey, WriteOp } from '../../src/model/store.js';

export type Heard = Exclude<FollowMessage, FollowSnapshot>;
type Events = Extract<Heard, { type: 'events' }>;

/** A transaction that the store has answered. */
export interface Acknowledged {
  readonly revision: Revision;
  readonly writes: readonly WriteOp[];
}

/** Revisions at which something happened below the prefix, in order, and what. */
export type History = ReadonlyMap<Revision, readonly KeyEvent[]>;

/** From one snapshot to the gap after it, or to the end. */
export interface WatchRecord {
  readonly prefix: string;
  readonly start: Snapshot;
  readonly heard: readonly Heard[];
  readonly history: History;
  /** The reader had the time to hear everything up to this revision. */
  readonly until: Revision;
  readonly acknowledged: readonly Acknowledged[];
  /** What the reader had heard of the same store before the gap. */
  readonly before?: Revision;
}

export interface Guarantee {
  readonly name: string;
  /** One line for each time that it was broken. */
  readonly broken: (record: WatchRecord) => readonly string[];
}

export const GUARANTEES: readonly Guarantee[] = [
  { name: 'Filter', broken: filter },
  { name: 'Ordered', broken: ordered },
  { name: 'Unique', broken: unique },
  { name: 'Atomic', broken: atomic },
  { name: 'Reliable', broken: reliable },
  { name: 'Resumable', broken: resumable },
  { name: 'Bookmarkable', broken: bookmarkable },
  { name: 'IsCreate', broken: isCreate },
  { name: 'PrevKV', broken: previous },
];

/** `Ordered: ...` for each time that a guarantee was broken. */
export function brokenGuarantees(record: WatchRecord): readonly string[] {
  return GUARANTEES.flatMap(({ name, broken }) => broken(record).map((how) => `${name}: ${how}`));
}

/** Only what was asked for. */
function filter({ prefix, heard }: WatchRecord): readonly string[] {
  const keys = eventsOf(heard).flatMap(({ events }) => events.map(({ key }) => key));
  return keys.filter((key) => !key.startsWith(prefix)).map((key) => `${key} is not below ${prefix}`);
}

/** Revisions only grow, and a value comes at the revision at which it was written. */
function ordered({ heard }: WatchRecord): readonly string[] {
  const broken: string[] = [];
  let last = 0;
  for (const { revision, events } of eventsOf(heard)) {
    if (revision < last) broken.push(`${revision} came after ${last}`);
    last = Math.max(last, revision);
    for (const event of events)
      if (event.type === 'put' && event.entry.modRevision !== revision)
        broken.push(`${event.key} of ${event.entry.modRevision} came at ${revision}`);
  }
  return broken;
}

/** Nothing comes twice. */
function unique({ heard }: WatchRecord): readonly string[] {
  const seen = new Set<string>();
  const lines = eventsOf(heard).flatMap(({ revision, events }) =>
    events.map(({ key }) => `${key} at ${revision}`),
  );
  return lines.filter((line) => seen.size === seen.add(line).size).map((line) => `${line} came twice`);
}

/** A revision comes in one piece. */
function atomic({ heard, history }: WatchRecord): readonly string[] {
  const pieces = new Set<Revision>();
  return eventsOf(heard).flatMap(({ revision, events }) => {
    const again = pieces.has(revision);
    pieces.add(revision);
    const keys = new Set(events.map(({ key }) => key));
    const lacking = (history.get(revision) ?? []).filter(({ key }) => !keys.has(key));
    return [
      ...(again ? [`${revision} came in more than one message`] : []),
      ...lacking.map(({ key }) => `${revision} came without ${key}`),
    ];
  });
}

/** All that happened comes, what was acknowledged above all; and nothing comes that did not happen. */
function reliable(record: WatchRecord): readonly string[] {
  const { prefix, start, heard, history, until: last, acknowledged } = record;
  const told = new Map(eventsOf(heard).map(({ revision, events }) => [revision, events]));
  const due = (revision: Revision) => revision > start.revision && revision <= last;
  const says = (events: readonly KeyEvent[], write: WriteOp) =>
    write.op === 'delete' ||
    events.some((event) => event.key === write.key && putValue(event) === write.value);
  return [
    ...[...history.keys()]
      .filter((revision) => due(revision) && !told.has(revision))
      .map((revision) => `${revision} never came`),
    ...[...told.keys()]
      .filter((revision) => !history.has(revision))
      .map((revision) => `${revision} never was`),
    ...acknowledged
      .filter(({ revision }) => due(revision))
      .flatMap(({ revision, writes }) =>
        writes

          .filter((write) => write.key.startsWith(prefix) && !says(told.get(revision) ?? [], write))
          .map(({ key }) => `${key} was acknowledged at ${revision} and never came`),
      ),
  ];
}

/** After an outage it goes on where it was; after a gap the reader is not set back. */
function resumable({ start, heard, history, before }: WatchRecord): readonly string[] {
  const broken: string[] = [];
  if (before !== undefined && start.revision < before)
    broken.push(`${before} was known, and the snapshot after the gap is of ${start.revision}`);
  const revisions = [...history.keys()];
  let last: number = start.revision;
  let isBack = false;
  for (const message of heard) {
    if (message.type === 'resumed') isBack = true;
    if (message.type !== 'events') continue;
    const next = revisions.find((revision) => revision > last);
    if (isBack && message.revision !== next)
      broken.push(`after ${last} it resumed at ${message.revision}, not at ${next}`);
    isBack = false;
    last = message.revision;
  }
  return broken;
}

/** Progress says that everything up to it has come. */
function bookmarkable({ start, heard, history }: WatchRecord): readonly string[] {
  const broken: string[] = [];
  const told = new Set<Revision>();
  let bookmark = 0;
  for (const message of heard) {
    if (message.type === 'events') {
      told.add(message.revision);
      if (message.revision <= bookmark)
        broken.push(`${message.revision} came after the progress of ${bookmark}`);
    }
    if (message.type !== 'progress') continue;
    if (message.revision < bookmark)
      broken.push(`progress went back from ${bookmark} to ${message.revision}`);
    bookmark = message.revision;
    for (const revision of history.keys())
      if (revision > start.revision && revision <= bookmark && !told.has(revision))
        broken.push(`progress said ${bookmark} before ${revision} came`);
  }
  return broken;
}

/** Whether a key came into being, or was changed, is told as it was. */
function isCreate({ start, heard, history }: WatchRecord): readonly string[] {
  const created = new Map([...start.entries].map(([key, entry]) => [key, entry.createRevision]));
  const truth = new Map<string, Revision>();
  for (const [revision, events] of history)
    for (const { type, key } of revision > start.revision ? events : []) {
      if (type === 'delete') created.delete(key);
      else created.set(key, created.get(key) ?? revision);
      truth.set(`${key} at ${revision}`, created.get(key) ?? revision);
    }
  return eventsOf(heard).flatMap(({ revision, events }) =>
    events.flatMap((event) => {
      const was = truth.get(`${event.key} at ${revision}`);
      if (event.type === 'delete' || was === undefined || was === event.entry.createRevision) return [];
      return [
        `${event.key} at ${revision} was created at ${was}, and was told to be of ${event.entry.createRevision}`,
      ];
    }),
  );
}

/** A reader that keeps what it was told has, before each revision, what the store had. */
function previous({ start, heard, history }: WatchRecord): readonly string[] {
  const kept = new Map(start.entries);
  const truth = new Map(start.entries);
  const behind = [...history].filter(([revision]) => revision > start.revision);
  const broken: string[] = [];
  for (const { revision, events } of eventsOf(heard)) {
    while ((behind[0]?.[0] ?? revision) < revision) apply(truth, behind.shift()?.[1] ?? []);
    for (const { key } of events)
      if (kept.get(key)?.value !== truth.get(key)?.value)
        broken.push(
          `${key} was ${truth.get(key)?.value} before ${revision}, and the reader had ${kept.get(key)?.value}`,
        );
    apply(kept, events);
  }
  return broken;
}

export function eventsOf(heard: readonly Heard[]): readonly Events[] {
  return heard.filter((message) => message.type === 'events');
}

function putValue(event: KeyEvent): string | undefined {
  return event.type === 'put' ? event.entry.value : undefined;
}

function apply(entries: Map<StoreKey, StoreEntry>, events: readonly KeyEvent[]): void {
  for (const event of events) {
    if (event.type === 'put') entries.set(event.key, event.entry);
    else entries.delete(event.key);
  }
}
