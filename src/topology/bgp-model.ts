/**
 * What BGP on one host should look like: the result of `topology`, and the input of every renderer.
 *
 * The model says sessions and route policy, and nothing of BIRD. Both families are in the same lists.
 */
import type { Address, Cidr, IpFamily } from '../model/address.js';
import type { SpecOf } from '../model/resource.js';
import type { SecretReference } from '../model/specs.generated.js';

/** What is particular to a session; absent: as the daemon has it for all. */
export interface SessionOptions {
  readonly password?: SecretReference;
  /** None: routing chooses where the connection comes from; absent: the host's address. */
  readonly sourceAddress?: 'None';
  readonly keepaliveSeconds?: number;
  /** How long routes of the peer are kept while it restarts (RFC 4724), 1 to 4095. */
  readonly restartSeconds?: number;
  readonly bfd?: true;
  /** How many hops away the peer is, and no further (RFC 5082). */
  readonly ttlSecurity?: number;
  /** Absent: by the rules of BGP. */
  readonly nextHop?: 'Self' | 'Keep';
  /** How often our own AS number may stand in a path that is accepted. */
  readonly allowedLocalAs?: number;
  /** Through which the peer is reached. */
  readonly gateway?: Address;
  /** Names of filters, in the order in which they are asked. */
  readonly filters?: readonly string[];
}

export interface BgpSession extends SessionOptions {
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
  /** Whether the peer is a host of ours, as against somebody else's daemon. */
  readonly isOurs: boolean;
  /** True on at most one end, so that the two daemons do not dial each other at the same time. */
  readonly passive: boolean;
  /** Present: the peer is our client, and we reflect for this cluster (RFC 4456). */
  readonly reflectsFor?: Address;
}

/** Routes inside the network are announced with these communities: `65000:1` or `65000:1:2`. */
export interface Advertisement {
  readonly cidr: Cidr;
  readonly communities: readonly string[];
}

export interface HostBlock {
  readonly cidr: Cidr;
  /** Whether the block is announced in place of the single addresses in it. */
  readonly aggregated: boolean;
}

export interface BgpFilter {
  readonly name: string;
  /** undefined: sessions name it, and it does not exist. */
  readonly spec: SpecOf<'BGPFilter'> | undefined;
}

export interface BgpModel {
  /** The Node or RouteReflector. */
  readonly node: string;
  /** The IPv4 address of the host (RFC 4271 section 4.2). */
  readonly routerId: Address;
  readonly asNumber: number;
  readonly listenPort: number;
  /** Whether the daemon listens on the addresses of its sessions only. */
  readonly bindsToAddress: boolean;
  /** Patterns with `*`: interfaces whose addresses BGP takes no notice of. */
  readonly ignoredInterfaces: readonly string[];
  readonly logSeverity: 'Debug' | 'Info' | 'Warning' | 'Error' | 'Fatal' | 'None';
  /** A RouteReflector: no workloads, and what it is told is passed on but not written to its kernel. */
  readonly controlPlaneOnly: boolean;
  /** Sorted by family, peer address and port. */
  readonly sessions: readonly BgpSession[];
  /** Networks whose routes are announced: the pools that are not kept out of BGP. Disabled pools are in. */
  readonly exportedPools: readonly Cidr[];
  /** Networks whose routes are never announced: pools with disableBGPExport. */
  readonly hiddenPools: readonly Cidr[];
  /** Networks whose routes the agent keeps in the kernel, whoever says them: the pools of the overlay. */
  readonly overlayPools: readonly Cidr[];
  /** What this host has of address assignment, sorted. A RouteReflector has none. */
  readonly blocks: readonly HostBlock[];
  readonly advertisements: readonly Advertisement[];
  /** Those that sessions name, sorted by name. */
  readonly filters: readonly BgpFilter[];
  /** How workload interfaces begin: kept out of `protocol direct`. */
  readonly interfacePrefix: string;
}
