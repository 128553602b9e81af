/**
 * Of many packets, one that people recognise: from an ephemeral port, to port 80 where it may be any.
 */
import type { PortRange } from '../model/rule.js';
import type { Packet } from '../policy/match-rule.js';
import type { Atom } from './classes/connection-space.js';
import { DEFAULT_SOURCE_PORT } from './packets.js';
import type { Party } from './parties.js';

/** Those that everybody knows, the best known first. */
export const USUAL_PORTS: readonly number[] = [80, 443];
const ANY_PORT: PortRange = { first: 1, last: 65_535 };

/** @param wanted - destination ports of which one should be shown, if the atom has any of them. */
export function showPacket(
  { sample, sourcePorts, destinationPorts }: Atom,
  from: Party,
  to: Party,
  wanted: readonly PortRange[] = [ANY_PORT],
): Packet {
  const ends = {
    source: { ...sample.source, address: from.address },
    destination: { ...sample.destination, address: to.address },
  };
  if (!sourcePorts || !destinationPorts) return { ...sample, ...ends };
  const common = wanted
    .map((range) => commonPorts(range, destinationPorts))
    .find((range) => range !== undefined);
  return {
    ...sample,
    source: { ...ends.source, port: preferPort(sourcePorts, DEFAULT_SOURCE_PORT) },
    destination: { ...ends.destination, port: preferPort(common ?? destinationPorts, ...USUAL_PORTS) },
  };
}

/** undefined: they have none in common. */
export function commonPorts(a: PortRange, b: PortRange): PortRange | undefined {
  const range = { first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) };
  return range.first <= range.last ? range : undefined;
}

function preferPort({ first, last }: PortRange, ...preferred: readonly number[]): number {
  return preferred.find((port) => first <= port && port <= last) ?? first;
}

/** As trace would take it. */
export function nameOf(party: Party): string {
  switch (party.type) {
    case 'workload':
      return party.endpoint.name;
    case 'host':
      return party.name;
    case 'outside':
      return party.address;
  }
}
