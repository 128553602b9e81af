/**
 * The plan: everything that a reconcile would do, as data.
 *
 * Every renderer, the exit code and the transaction are made from this one value; nothing decides again later.
 */
import type { Head } from '../layout/records.js';
import type { Kind } from '../model/resource.js';
import type { GuardedWrite, Revision } from '../model/store.js';

export type ChangeAction =
  | 'create'
  | 'update'
  | 'delete'
  | 'drift'
  | 'adopt'
  | 'release'
  | 'unmanaged'
  | 'blocked';

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
  /** The manifest; of a delete: where it stood when it was last changed. */
  readonly origin: { readonly file: string; readonly line: number } | undefined;
  readonly keys: readonly { readonly key: string; readonly op: 'put' | 'delete' }[];
  readonly diff: readonly FieldDiff[];
  /** Why it is blocked, or what drifted; with the remedy. */
  readonly reason?: string;
  /** The guarded writes that carry it out, its inventory record included; empty when blocked or unmanaged. */
  readonly writes: readonly GuardedWrite[];
}

/** A reason not to apply the plan as it stands. */
export interface Guard {
  readonly code: string;
  readonly message: string;
  /** What the user does to let it pass. */
  readonly approve: string;
}

export interface Plan {
  readonly source: string;
  readonly commit: string;
  /** What the plan was made against: the revision of the snapshot, and the head it showed. */
  readonly base: { readonly revision: Revision; readonly head: Head | undefined };
  /** In the order in which they are applied. */
  readonly changes: readonly Change[];
  readonly guards: readonly Guard[];
}
