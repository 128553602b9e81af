/**
 * Flows that the kernel tracks (nf_conntrack) as values: what drivers see of the connection tracking table.
 */
import type { Address, Cidr, IpFamily } from '../model/address.js';
import type { IcmpMatch } from '../model/rule.js';
import type { NetlinkError } from './netlink/transport.js';

/** The addresses of a packet, with what its protocol adds to them. */
export interface FlowTuple {
  readonly source: Address;
  readonly destination: Address;
  /** IANA protocol number. */
  readonly protocol: number;
  /** Only where the kernel tracks ports; of GRE these are the call ids. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmp?: Required<IcmpMatch>;
}

export interface Flow {
  readonly family: IpFamily;
  /** The first packet as it came in, before any address was translated. */
  readonly original: FlowTuple;
  /** The answer as it comes in: where it is not `original` turned round, an address was translated. */
  readonly reply: FlowTuple;
  /** The first packet of the flow that announced this one, for flows that netfilter calls RELATED. */
  readonly master: FlowTuple | undefined;
  /** Tells the flow from a later one between the same ends. */
  readonly key: FlowKey;
}

/** As the kernel wrote it. */
export interface FlowKey {
  readonly original: Uint8Array;
  readonly id: Uint8Array | undefined;
  readonly zone: Uint8Array | undefined;
}

export interface Conntrack extends AsyncDisposable {
  /**
   * The flows that a member of one of these networks opened, or answers, after translation.
   * @throws {NetlinkError} when the kernel cannot be asked
   */
  flowsOf(networks: readonly Cidr[]): Promise<readonly Flow[]>;
  /** The answer at the same place is undefined on success, and when the flow had ended by itself. */
  delete(flows: readonly Flow[]): Promise<readonly (NetlinkError | undefined)[]>;
  close(): Promise<void>;
}
