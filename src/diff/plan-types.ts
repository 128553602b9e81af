/**
 * The plan: everything that a reconcile would do, as data.
 *
 * Every renderer, the exit code and the transaction are made from this one value; nothing decides again later.
 */
import type { Head, TxnRecord } from '../layout/records.js';
import type { Kind } from '../model/resource.js';
import type { GuardedWrite, Revision, StoreEntry } from '../model/store.js';

export const CHANGE_ACTIONS = [
  'create',
  'update',
  'delete',
  'drift',
  'adopt',
  'release',
  'unmanaged',
  'blocked',
] as const;
export type ChangeAction = (typeof CHANGE_ACTIONS)[number];

/** One field that differs; `path` like `spec.ingress[0].action`. Absent sides are undefined. */
export interface FieldDiff {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface Change {
  readonly action: ChangeAction;
  readonly kind: Kind;
  readonly name: string;
  /** The manifest; of a delete: where it stood when it was last changed; undefined for what never had one. */
  readonly origin: { readonly file: string; readonly line: number } | undefined;
  /** The keys of the network that are written; records of heddle itself are left out. */
  readonly keys: readonly { readonly key: string; readonly op: 'put' | 'delete' }[];
  readonly diff: readonly FieldDiff[];
  /** Why it is blocked, or what drifted; with the remedy. */
  readonly reason?: string;
  /** The guarded writes that carry it out, its inventory record included; empty when blocked or unmanaged. */
  readonly writes: readonly GuardedWrite[];
  /**
   * Keys that its record lists no longer because another object of the plan takes them over, with the hashes that
   * it listed. Whoever writes the two objects at different revisions keeps the keys in the record until then, or
   * they would be nobody's in between.
   */
  readonly handover?: Readonly<Record<string, string>>;
}

export type GuardCode = 'empty-source' | 'prune-budget' | 'pool-in-use' | 'routes-lost';

/** A reason not to apply the plan as it stands. */
export interface Guard {
  readonly code: GuardCode;
  readonly message: string;
  /** What the user does to let it pass. */
  readonly approve: string;
}

/** What the plan was made against. */
export interface PlanBase {
  /** The revision of the snapshot. */
  readonly revision: Revision;
  /** The commit that the store held; undefined before the first. */
  readonly head: Head | undefined;
  /** The control keys that every transaction compares, as the snapshot showed them. */
  readonly headEntry: StoreEntry | undefined;
  readonly readyEntry: StoreEntry | undefined;
  /** A commit of this source that is written in part; undefined when none is. */
  readonly series: OpenSeries | undefined;
}

export interface OpenSeries {
  /** A record that cannot be read is made up from what the store says of its key. */
  readonly record: TxnRecord;
  /** Of the record. */
  readonly modRevision: Revision;
}

export interface Plan {
  readonly source: string;
  readonly commit: string;
  /** Of the commit, for the head and history records. */
  readonly tree: string;
  readonly author: string;
  readonly message: string;
  readonly base: PlanBase;
  /** In the order in which they are applied. */
  readonly changes: readonly Change[];
  readonly guards: readonly Guard[];
}
