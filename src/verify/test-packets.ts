/**
 * Which packets a ConnectivityTest is about: whole atoms, and of an atom that it touches one packet to show.
 *
 * Without a protocol it is about every protocol, with ports only about those that have ports. ICMP means ping, as it
 * does to trace: other types come with answers, or are nobody's to send. Packets come from the source port that
 * trace takes.
 */
import { addBit, type Bitset, emptyBitset } from '../model/bitset.js';
import type { SpecOf } from '../model/resource.js';
import { impliedFamily, type PortRange, parsePortRange, protocolNumber } from '../model/rule.js';
import type { Packet } from '../policy/match-rule.js';
import type { Atom, ConnectionSpace } from './classes/connection-space.js';
import { DEFAULT_SOURCE_PORT, ECHO_REQUEST, icmpProtocol } from './packets.js';

export type TestSpec = SpecOf<'ConnectivityTest'>;

/** The atoms that the test touches. */
export function atomsOfTest(test: TestSpec, space: ConnectionSpace): Bitset {
  const touched = emptyBitset(space.atoms.length);
  const protocol = test.protocol === undefined ? undefined : protocolNumber(test.protocol);
  const implied = impliedFamily(protocol);
  if (implied !== undefined && implied !== space.family) return touched;
  const ports = portsOf(test);
  for (const [index, atom] of space.atoms.entries())
    if (isAsked(atom, protocol) && touches(atom, ports, space)) addBit(touched, index);
  return touched;
}

/** A packet of the atom that the test is about; on port 80 where it may. */
export function packetOfTest(test: TestSpec, { sample, sourcePorts, destinationPorts }: Atom): Packet {
  if (!sourcePorts || !destinationPorts) return sample;
  const common = portsOf(test)
    .map((range) => intersect(range, destinationPorts))
    .find(({ first, last }) => first <= last);
  const { first, last } = common ?? destinationPorts;
  const port = first <= USUAL_PORT && USUAL_PORT <= last ? USUAL_PORT : first;
  return {
    ...sample,
    source: { ...sample.source, port: DEFAULT_SOURCE_PORT },
    destination: { ...sample.destination, port },
  };
}

const USUAL_PORT = 80;
const ALL_PORTS: PortRange = { first: 1, last: 65_535 };

function portsOf({ ports }: TestSpec): readonly PortRange[] {
  return ports ? ports.flatMap((text) => parsePortRange(text) ?? []) : [ALL_PORTS];
}

function isAsked(atom: Atom, protocol: number | undefined): boolean {
  return protocol === undefined || atom.protocol === protocol;
}

function touches(atom: Atom, ports: readonly PortRange[], { family }: ConnectionSpace): boolean {
  const { sourcePorts, destinationPorts } = atom;
  if (sourcePorts && destinationPorts)
    return (
      contains(sourcePorts, DEFAULT_SOURCE_PORT) &&
      ports.some((range) => {
        const { first, last } = intersect(range, destinationPorts);
        return first <= last;
      })
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

/** Runs backwards when the two have nothing in common. */
function intersect(a: PortRange, b: PortRange): PortRange {
  return { first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) };
}
