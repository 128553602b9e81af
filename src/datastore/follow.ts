/**
 * Level-triggered view of a prefix: a snapshot, then every change after it, for ever.
 *
 * A gap in the watch (history compacted, store replaced) is answered with a new snapshot; the reader compares it
 * with what it has. First start and recovery are thus the same code path (law 1).
 */
import type { KeyEvent, Revision, Snapshot } from '../model/store.js';
import type { Datastore } from './datastore.js';

export type FollowMessage =
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot; readonly reason: string }
  | { readonly type: 'events'; readonly revision: Revision; readonly events: readonly KeyEvent[] }
  | { readonly type: 'progress'; readonly revision: Revision }
  | { readonly type: 'interrupted'; readonly reason: string }
  | { readonly type: 'resumed' };

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Waits before a failed snapshot is tried again, in ms; called with the number of failures so far. */
  readonly backoffMs?: (failures: number) => number;
}

export declare function follow(
  store: Datastore,
  prefix: string,
  options: FollowOptions,
): AsyncIterable<FollowMessage>;
