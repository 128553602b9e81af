/**
 * A connection tracking table in memory, which can be told to fail, and flows to put into it.
 */
import type { Conntrack, Flow, FlowTuple } from '../../src/kernel/conntrack.js';
import { netlinkError } from '../../src/kernel/netlink/errno.js';
import type { NetlinkError } from '../../src/kernel/netlink/transport.js';
import { type Cidr, cidrContains, familyOf } from '../../src/model/address.js';
import type { IcmpMatch } from '../../src/model/rule.js';
import { address } from './build-resources.js';

const [EPERM, EBUSY] = [1, 16];

export class FakeConntrack implements Conntrack {
  readonly flows = new Set<Flow>();
  /** What was asked for, listing by listing. */
  readonly listings: (readonly Cidr[])[] = [];
  /** Flows that cannot be deleted. */
  readonly busy = new Set<Flow>();
  /** Whether it cannot be listed. */
  isBroken = false;

  constructor(flows: Iterable<Flow> = []) {
    for (const flow of flows) this.flows.add(flow);
  }

  async flowsOf(networks: readonly Cidr[]): Promise<readonly Flow[]> {
    this.listings.push(networks);
    if (this.isBroken) throw netlinkError(EPERM);
    return [...this.flows].filter(({ original, reply }) =>
      networks.some((net) => cidrContains(net, original.source) || cidrContains(net, reply.source)),
    );
  }

  async delete(flows: readonly Flow[]): Promise<readonly (NetlinkError | undefined)[]> {
    return flows.map((flow) => {
      if (this.busy.has(flow)) return netlinkError(EBUSY);
      this.flows.delete(flow);
      return undefined;
    });
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

export interface FlowOptions {
  /** IANA number; default TCP. */
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmp?: Required<IcmpMatch>;
  /** Who answers, where the destination was translated. */
  readonly answeredBy?: { readonly address: string; readonly port?: number };
  /** Whom the answerer takes for the source, where that was translated. */
  readonly answeredTo?: string;
  readonly master?: FlowTuple;
}

export function flow(source: string, destination: string, options: FlowOptions = {}): Flow {
  const { protocol = 6, sourcePort, destinationPort, icmp, answeredBy, answeredTo, master } = options;
  const answererPort = answeredBy?.port ?? destinationPort;
  const original = tuple(source, destination, protocol, sourcePort, destinationPort, icmp);
  const reply = tuple(
    answeredBy?.address ?? destination,
    answeredTo ?? source,
    protocol,
    answererPort,
    sourcePort,
  );
  return {
    family: familyOf(original.source),
    original,
    reply,
    master,
    key: { original: new Uint8Array(), id: undefined, zone: undefined },
  };
}

export function tuple(
  source: string,
  destination: string,
  protocol: number,
  sourcePort?: number,
  destinationPort?: number,
  icmp?: Required<IcmpMatch>,
): FlowTuple {
  return {
    source: address(source),
    destination: address(destination),
    protocol,
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
    ...(icmp && { icmp }),
  };
}
