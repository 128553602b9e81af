/**
 * Keeps the Node of this host registered: looks at the host, decides (node-address.ts), and writes what is missing.
 *
 * The keys are written only where there are none (Version 0), together or not at all, and are never taken back: they
 * are no lease's, because a host that is down keeps its address. A plan leaves them alone until a manifest gives
 * the Node an address, or the Node is deleted.
 */
import type { Datastore } from '../datastore/datastore.js';
import type { HostInterface } from '../kernel/host-addresses.js';
import type { Layout } from '../layout/layout.js';
import type { Address } from '../model/address.js';
import type { Log } from '../model/log.js';
import type { ResourceOf } from '../model/resource.js';
import type { DriverFailure } from './dataplane/driver.js';
import { addressMismatches, type NodeAddresses, registrationOf } from './node-address.js';

export interface NodeRegistrarOptions {
  readonly store: Pick<Datastore, 'transact'>;
  readonly layout: Layout;
  readonly hostInterfaces: () => Promise<readonly HostInterface[]>;
  readonly hostAddresses: () => ReadonlySet<Address>;
  /** Instead of what is found on the host. */
  readonly givenAddresses: readonly Address[];
  readonly log: Log;
}

export class NodeRegistrar {
  readonly #options: NodeRegistrarOptions;

  constructor(options: NodeRegistrarOptions) {
    this.#options = options;
  }

  /** What is wrong with the addresses of the Node; registers them where there are none. */
  async check(node: ResourceOf<'Node'>, workloadPrefix: string): Promise<readonly DriverFailure[]> {
    const { hostInterfaces, hostAddresses, givenAddresses: given, log } = this.#options;
    const object = `Node ${node.metadata.name}`;
    try {
      const mismatches = addressMismatches(node, hostAddresses());
      if (mismatches.length > 0) return mismatches;
      const registration = registrationOf(node, await hostInterfaces(), { given, workloadPrefix });
      if (registration.type === 'impossible') return [registration.problem];
      if (registration.type === 'register' && (await this.#register(node, registration.addresses)))
        log.info('registered the addresses of this host', { ...registration.addresses });
      return [];
    } catch (error) {
      return [{ object, message: `its addresses could not be registered: ${String(error)}` }];
    }
  }

  /** False: somebody else was faster, and the watch will tell. */
  async #register({ metadata, origin }: ResourceOf<'Node'>, addresses: NodeAddresses): Promise<boolean> {
    const { store, layout } = this.#options;
    const bare = { name: metadata.name, labels: {}, annotations: {} };
    const node = { kind: 'Node', metadata: bare, spec: { bgp: addresses }, origin } as const;
    const writes = layout
      .encode(node, { pools: [] })
      // What else a Node is, is the repository's.
      .filter(({ key }) => !key.endsWith('/metadata'))
      .map(({ key, value }) => ({
        write: { op: 'put', key, value } as const,
        compare: { key, check: 'absent' } as const,
      }));
    return (await store.transact({ guards: [], writes })).ok;
  }
}
