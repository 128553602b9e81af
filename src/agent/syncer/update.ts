/**
 * What the syncer hands to the calculation graph: decoded objects, never raw keys.
 */

import type { StoredId } from '../../layout/layout.js';
import type { Head } from '../../layout/records.js';
import type { IpamBlock } from '../../model/ipam-block.js';
import type { Kind, Resource } from '../../model/resource.js';
import type { Revision } from '../../model/store.js';

export type Update = ResourceUpdate | BlockUpdate;

interface ResourceUpdate {
  readonly id: StoredId;
  /** `unknown`: there is a `problem`, or there was. */
  readonly kind: Kind | 'unknown';
  /**
   * undefined: the object is gone, or nothing of it can be read. With a `problem`, which says why: what is to be
   * enforced all the same (layout/unreadable.ts).
   */
  readonly resource: Resource | undefined;
  readonly problem?: string;
}

/** A block of addresses, which is no resource: nobody writes manifests of it. */
interface BlockUpdate {
  readonly id: StoredId;
  readonly kind: 'IpamBlock';
  readonly resource?: undefined;
  /** undefined: it is gone. Claims that cannot be read are left out, and `problem` says why. */
  readonly block: IpamBlock | undefined;
  readonly problem?: string;
}

/**
 * One step from a whole state to the next. There is none before the first whole snapshot, and so no write to the kernel
 * (law 3). A batch never splits a commit.
 */
export interface UpdateBatch {
  readonly updates: readonly Update[];
  /** Heads of all sources as of `revision`. */
  readonly heads: ReadonlyMap<string, Head>;
  readonly revision: Revision;
  /** False when /v1/Ready is not `true`: the agent freezes and reports `held`. */
  readonly ready: boolean;
}

/** What else a reader of the syncer is told. */
export type SyncerMessage =
  | ({ readonly type: 'batch' } & UpdateBatch)
  | { readonly type: 'interrupted'; readonly reason: string }
  | { readonly type: 'resumed' };
