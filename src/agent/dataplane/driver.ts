/**
 * A driver keeps one kind of kernel object as managers want it: read back, compare, write.
 *
 * What is desired and what is there are the two sides of a delta tracker (law 2). A failed object stays pending and
 * is tried again; its neighbours go on (law 3). What is ours and unwanted is swept, what is foreign is never touched
 * (law 4).
 */

/** An object that could not be written. */
export interface DriverFailure {
  /** For people: `route 192.168.1.1/32 dev cali123`. */
  readonly object: string;
  readonly message: string;
}

export interface ApplyReport {
  /** Objects written or removed. */
  readonly changed: number;
  readonly failures: readonly DriverFailure[];
  /** Objects whose time has not come: their interface is not there or is down. No fault of the host's. */
  readonly waiting?: readonly DriverFailure[];
  /** Objects that this host cannot have, because its kernel lacks something: it is degraded until somebody helps. */
  readonly impossible?: readonly DriverFailure[];
}

/**
 * `everything`: all that the driver keeps is read back. `changed`: at least what was written since the last
 * read-back is; the rest is known from that one.
 */
export type VerifyScope = 'everything' | 'changed';

/** Objects in the kernel that are counted, both families together; `allIpSets` are those of others too. */
export type KernelCountName = 'ipSets' | 'allIpSets' | 'iptablesChains' | 'iptablesRules' | 'routes';
export type KernelCounts = { readonly [K in KernelCountName]?: number };

export interface Driver {
  /** For logs and metrics: `route-table`, `ipsets-4`. */
  readonly name: string;
  /** The next apply reads the kernel back before it compares. Called at start, on a timer, and after events. */
  queueResync(): void;
  /** Creates and changes what is pending. */
  applyUpdates(): Promise<ApplyReport>;
  /** Removes what nobody wants any more. Runs after every driver has applied its updates, in reverse order. */
  applyDeletions(): Promise<ApplyReport>;
  /**
   * Reads the kernel back and names what is not as desired; empty means that the host is as the store says.
   * @param scope - absent: everything. A driver to which all is cheap may read all in either case.
   */
  verify(scope?: VerifyScope): Promise<readonly DriverFailure[]>;
  /** Objects that read-backs found otherwise than this driver had left them, since the last call; for people. */
  takeDrift?(): readonly string[];
  /** What the kernel holds of what it keeps, as far as it knows; absent where nobody asks. */
  counts?(): KernelCounts;
}
