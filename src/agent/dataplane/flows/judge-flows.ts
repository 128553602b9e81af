/**
 * Which flows policy would not let begin today (PURE).
 *
 * Policy decides on the first packet of a connection, as the filter table meets it: after a destination was translated,
 * before a source is. So the source is that of the first packet, and the destination is who answers. A flow that another
 * one announced (RELATED) was let in on that one's account, and is judged by it. Answers are not judged: they
 * belong to the flow.
 *
 * The host's own packets to a workload are not policed. Those to the host are: by egress rules, and by
 * defaultEndpointToHostAction.
 */
import type { Flow } from '../../../kernel/conntrack.js';
import type { Address } from '../../../model/address.js';
import { type FirstPacket, isAllowed } from './compiled-verdict.js';
import type { PolicedState } from './policed-state.js';

type Policed = Pick<PolicedState, 'endpointAt' | 'rulebook' | 'endpointToHostAction'>;

/** @param hostAddresses those of this host */
export function deniedFlows(
  flows: readonly Flow[],
  policed: Policed,
  hostAddresses: ReadonlySet<Address>,
): readonly Flow[] {
  return flows.filter((flow) => !mayBegin(firstPacketOf(flow), policed, hostAddresses));
}

function firstPacketOf({ family, original, reply, master }: Flow): FirstPacket {
  const { protocol, icmp } = master ?? original;
  const { source, sourcePort } = master ?? original;
  const destination = master
    ? { address: master.destination, port: master.destinationPort }
    : { address: reply.source, port: reply.sourcePort };
  return {
    family,
    protocol,
    source: { address: source, port: sourcePort },
    destination,
    ...(icmp && { icmp }),
  };
}

function mayBegin(packet: FirstPacket, policed: Policed, hostAddresses: ReadonlySet<Address>): boolean {
  const [source, destination] = [packet.source.address, packet.destination.address];
  const [sender, receiver] = [policed.endpointAt(source), policed.endpointAt(destination)];
  if (sender) {
    if (!isAllowed(sender.egress, 'egress', packet, policed.rulebook)) return false;
    if (hostAddresses.has(destination)) return policed.endpointToHostAction !== 'Drop';
  }
  if (!receiver || hostAddresses.has(source)) return true;
  return isAllowed(receiver.ingress, 'ingress', packet, policed.rulebook);
}
