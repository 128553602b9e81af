/**
 * A backend is a packet filter of the kernel: it takes chains and sets as intents, and brings its own drivers.
 *
 * Adding one is a folder here that exports a Backend, and one line in index.ts. Managers, rules and the order of
 * steps do not know which one is at work.
 */
import type { Exec } from '../../../kernel/exec.js';
import type { IpFamily } from '../../../model/address.js';
import type { Driver } from '../driver.js';
import type { DesiredFamily } from '../intent.js';

export interface BackendOptions {
  readonly family: IpFamily;
  readonly exec: Exec;
  /** Resolves after so many ms. */
  readonly pause: (milliseconds: number) => Promise<void>;
  /** A lock file of its own for hosts that share one mount namespace; for tools that take a lock. */
  readonly lockFile?: string;
}

/** Chains and sets of one family. */
export interface PacketFilter extends Pick<DesiredFamily, 'family' | 'chains' | 'hooks' | 'ipSets'> {
  /** Sets first: the order in which they apply updates. Deletions run the other way. */
  readonly drivers: readonly Driver[];
  /** Whether packets of workloads meet our chains: until then nothing may be connected. */
  readonly inForce: boolean;
  /** Runs before the drivers apply: reads back what is queued, and decides what hangs together. Never throws. */
  prepare(): Promise<void>;
}

export interface Backend {
  /** Whether the kernel tells of changes to its tables; else they are read back on a timer only. */
  readonly announcesChanges: boolean;
  open(options: BackendOptions): PacketFilter;
}
