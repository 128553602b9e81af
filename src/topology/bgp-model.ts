/**
 * What BGP on one host should look like: the result of `topology`, and the input of every renderer.
 *
 * The model says sessions and route policy, and nothing of BIRD. Both families are in the same lists.
 */
import type { Address, Cidr, IpFamily } from '../model/address.js';
import type { SecretReference } from '../model/specs.generated.js';

export interface BgpSession {
  /** Why the session exists; also the first part of its name, as in Calico: Mesh_10_0_0_2. Global: a peer of all nodes. */
  readonly origin: 'Mesh' | 'Global' | 'Node';
  /** The node or peer resource behind it, for people. */
  readonly peerName: string;
  readonly family: IpFamily;
  readonly localAddress: Address;
  readonly localAs: number;
  readonly peerAddress: Address;
  readonly peerPort: number;
  readonly peerAs: number;
  /** True on at most one end, so that the two daemons do not dial each other at the same time. */
  readonly passive: boolean;
  /** Present: the peer is our client, and we reflect for this cluster (RFC 4456). */
  readonly reflectsFor?: Address;
  readonly password?: SecretReference;
}

export interface BgpModel {
  /** The Node or RouteReflector. */
  readonly node: string;
  /** The IPv4 address of the host (RFC 4271 section 4.2). */
  readonly routerId: Address;
  readonly asNumber: number;
  readonly listenPort: number;
  readonly logSeverity: 'Debug' | 'Info' | 'Warning' | 'Error' | 'Fatal' | 'None';
  /** A RouteReflector: no workloads, and what it is told is passed on but not written to its kernel. */
  readonly controlPlaneOnly: boolean;
  /** Sorted by family, peer address and port. */
  readonly sessions: readonly BgpSession[];
  /** Networks whose routes are announced: the pools that are not kept out of BGP. Disabled pools are in. */
  readonly exportedPools: readonly Cidr[];
  /** Networks whose routes are never announced: pools with disableBGPExport. */
  readonly hiddenPools: readonly Cidr[];
  /** How workload interfaces begin: kept out of `protocol direct`. */
  readonly interfacePrefix: string;
}
