/**
 * What the parts of an agent know about this host: the one input of its status and of its health.
 *
 * Nothing here is judged yet. The agent's main loop collects it after every step; host-status.ts and health.ts say
 * what it means, and so cannot disagree about what happened.
 */
import type { Head } from '../../layout/records.js';
import type { Revision } from '../../model/store.js';
import type { BgpStatus } from '../bgp/speaker.js';
import type { DriverFailure } from '../dataplane/driver.js';
import type { Counts } from './counts.js';

export interface HostFacts {
  readonly node: string;
  /** Why the store cannot be reached at the moment; undefined: it can. */
  readonly datastoreAway: string | undefined;
  /** The newest whole state that the syncer has delivered; undefined before the first. */
  readonly received:
    | {
        readonly revision: Revision;
        /** False: /v1/Ready is not `true`, and the agent keeps what it has. */
        readonly ready: boolean;
      }
    | undefined;
  /** The newest state that was written to the kernel, with the commits that it is made of. */
  readonly applied: { readonly revision: Revision; readonly heads: ReadonlyMap<string, Head> } | undefined;
  /** Objects that could not be written; they are tried again. */
  readonly failures: readonly DriverFailure[];
  /** What the last read-back of the kernel found to be other than desired; undefined before the first. */
  readonly verified:
    | {
        /** Up to which the kernel had been written when it was read. */
        readonly revision: Revision;
        /** Wall clock, ms since 1970. */
        readonly at: number;
        readonly differences: readonly DriverFailure[];
      }
    | undefined;
  /**
   * What the store holds and this agent cannot read, or does not enforce yet: `object` is the key or the kind. And what the
   * kernel of this host cannot have.
   */
  readonly unenforced: readonly DriverFailure[];
  readonly bgp: BgpStatus;
  /** The BGP daemon has not answered yet whether it runs what it was given last. */
  readonly bgpUnconfirmed: boolean;
  /** Sizes worth knowing. */
  readonly counts: Counts;
}
