/**
 * Which packets a ConnectivityTest is about, as the atoms that it touches: what holds of one packet of an atom holds of
 * all.
 *
 * Without a protocol it is about every protocol, with ports only about those that have ports. ICMP means ping, as it
 * does to trace: other types come with answers, or are nobody's to send. Encapsulated packets are no workload's to send
 * either, so what must be allowed is about them only where it names them. Packets come from the source port that trace
 * takes.
 */
import { addBit, type Bitset, emptyBitset, hasBit } from '../model/bitset.js';
import type { SpecOf } from '../model/resource.js';
import { impliedFamily, type PortRange, parsePortRange, protocolNumber } from '../model/rule.js';
import type { Atom, ConnectionSpace } from './classes/connection-space.js';
import { canBeFirst } from './first-packets.js';
import { DEFAULT_SOURCE_PORT, ECHO_REQUEST, icmpProtocol } from './packets.js';
import { commonPorts } from './show-packet.js';

export type TestSpec = SpecOf<'ConnectivityTest'>;

/** The atoms that the test touches. */
export function atomsOfTest(test: TestSpec, space: ConnectionSpace): Bitset {
  const touched = emptyBitset(space.atoms.length);
  const protocol = test.protocol === undefined ? undefined : protocolNumber(test.protocol);
  const implied = impliedFamily(protocol);
  if (implied !== undefined && implied !== space.family) return touched;
  const ports = portsOf(test);
  for (const [index, atom] of space.atoms.entries()) {
    if (!isAsked(atom, protocol, space) || !touches(atom, ports, space)) continue;
    const isNamed = test.ports !== undefined || (atom.protocol === protocol && !atom.destinationPorts);
    if (test.expect === 'Deny' || isNamed || !hasBit(space.closed, index)) addBit(touched, index);
  }
  return touched;
}

const ALL_PORTS: PortRange = { first: 1, last: 65_535 };

/** The destination ports that the test names; all where it names none. */
export function portsOf({ ports }: TestSpec): readonly PortRange[] {
  return ports ? ports.flatMap((text) => parsePortRange(text) ?? []) : [ALL_PORTS];
}

/** A protocol that no rule mentions is one of the others. */
function isAsked(atom: Atom, protocol: number | undefined, { atoms, family }: ConnectionSpace): boolean {
  if (protocol === undefined || atom.protocol === protocol) return true;
  const isOther = atom.protocol === undefined && canBeFirst({ family, protocol });
  return isOther && !atoms.some((other) => other.protocol === protocol);
}

function touches(atom: Atom, ports: readonly PortRange[], { family }: ConnectionSpace): boolean {
  const { sourcePorts, destinationPorts } = atom;
  if (sourcePorts && destinationPorts)
    return (
      contains(sourcePorts, DEFAULT_SOURCE_PORT) &&
      ports.some((range) => commonPorts(range, destinationPorts) !== undefined)
    );
  if (!ports.includes(ALL_PORTS)) return false;
  return atom.protocol !== icmpProtocol(family) || isPing(atom, family);
}

function isPing({ icmpType, icmpCode }: Atom, family: 4 | 6): boolean {
  return icmpType === ECHO_REQUEST[family] && icmpCode === 0;
}

function contains({ first, last }: PortRange, port: number): boolean {
  return first <= port && port <= last;
}
