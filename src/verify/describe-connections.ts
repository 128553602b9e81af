/**
 * Sets of connections in words: `tcp/80`, `udp/8000-8100`, `icmp`, `all protocols`.
 *
 * Ports that touch are joined again, whatever rules cut them apart, and what is nearly everything is told by what is
 * missing. What a workload may never send (router advertisements, encapsulated packets) is not counted as missing.
 */
import {
  addBit,
  type Bitset,
  emptyBitset,
  fullBitset,
  hasBit,
  isEmptyBitset,
  membersOf,
  subtractFrom,
} from '../model/bitset.js';
import type { PortRange } from '../model/rule.js';
import type { Atom, ConnectionSpace } from './classes/connection-space.js';
import { ROUTER_ADVERTISEMENT } from './neighbor-discovery.js';
import { icmpProtocol, protocolLabel } from './packets.js';

/**
 * In the order of protocols. Empty for the empty set.
 *
 * @param senders - who says all of this
 */
export function describeConnections(
  connections: Bitset,
  space: ConnectionSpace,
  senders: 'workloads' | 'anybody' = 'anybody',
): readonly string[] {
  if (isEmptyBitset(connections)) return [];
  const open = withAdvertisements(connections, space);
  const wanted = senders === 'workloads' ? withClosed(open, space) : open;
  const direct = describeAtoms(wanted, space);
  const rest = fullBitset(space.atoms.length);
  subtractFrom(rest, wanted);
  const missing = describeAtoms(rest, space);
  if (missing.length === 0) return ['all protocols'];
  return missing.length < direct.length ? [`${ALL_BUT}${missing.join(', ')}`] : direct;
}

const ALL_BUT = 'all but ';

/** What is said of the two families in one: `all but icmp` and `all but icmpv6` is `all but icmp, icmpv6`. */
export function joinFamilies(connections: ReadonlySet<string>): readonly string[] {
  const open = [...connections].filter((text) => !text.startsWith(ALL_BUT));
  const missing = [...connections].flatMap((text) =>
    text.startsWith(ALL_BUT) ? text.slice(ALL_BUT.length).split(', ') : [],
  );
  return missing.length > 0 ? [...open, `${ALL_BUT}${[...new Set(missing)].join(', ')}`] : open;
}

/** Router advertisements go with all other types of ICMPv6, or not at all. */
function withAdvertisements(connections: Bitset, { atoms, family }: ConnectionSpace): Bitset {
  if (family === 4) return connections;
  const ofIcmp = [...atoms.keys()].filter((index) => atoms[index]?.protocol === icmpProtocol(6));
  const isAdvertisement = (index: number) => atoms[index]?.icmpType === ROUTER_ADVERTISEMENT;
  const hasOthers = ofIcmp.every((index) => isAdvertisement(index) || hasBit(connections, index));
  const result = connections.slice();
  const single = emptyBitset(atoms.length);
  for (const index of ofIcmp.filter(isAdvertisement)) addBit(hasOthers ? result : single, index);
  subtractFrom(result, single);
  return result;
}

/** What is closed goes with all that is like it but for the port, and a protocol of its own with all other protocols. */
function withClosed(connections: Bitset, { atoms, closed }: ConnectionSpace): Bitset {
  const result = connections.slice();
  const open = [...atoms.entries()].filter(([index]) => !hasBit(closed, index));
  for (const index of membersOf(closed)) {
    const { protocol, sourcePorts } = atoms[index] ?? {};
    const alike = open.filter(
      ([, other]) => other.protocol === protocol && other.sourcePorts?.first === sourcePorts?.first,
    );
    const others = alike.length > 0 ? alike : open.filter(([, other]) => other.protocol === undefined);
    if (others.every(([other]) => hasBit(connections, other))) addBit(result, index);
  }
  return result;
}

function describeAtoms(connections: Bitset, space: ConnectionSpace): readonly string[] {
  const byProtocol = new Map<number | undefined, Atom[]>();
  const counts = new Map<number | undefined, number>();
  for (const [index, atom] of space.atoms.entries()) {
    counts.set(atom.protocol, (counts.get(atom.protocol) ?? 0) + 1);
    if (!hasBit(connections, index)) continue;
    const atoms = byProtocol.get(atom.protocol);
    if (atoms) atoms.push(atom);
    else byProtocol.set(atom.protocol, [atom]);
  }
  return [...byProtocol].flatMap(([protocol, atoms]) => {
    if (protocol === undefined) return ['other protocols'];
    const label = labelOf(protocol);
    if (atoms.length === counts.get(protocol)) return [label];
    return protocol === icmpProtocol(space.family)
      ? describeIcmp(label, atoms, space.atoms)
      : describePorts(label, atoms);
  });
}

function labelOf(protocol: number): string {
  const label = protocolLabel(protocol);
  return typeof label === 'number' ? `protocol ${label}` : label;
}

function describeIcmp(label: string, atoms: readonly Atom[], all: readonly Atom[]): readonly string[] {
  const types = new Set(atoms.map(({ icmpType }) => icmpType));
  return [...types].flatMap((type) => {
    const own = atoms.filter(({ icmpType }) => icmpType === type);
    const whole = all.filter(({ protocol, icmpType }) => protocol === own[0]?.protocol && icmpType === type);
    if (own.length === whole.length) return [`${label}/${type}`];
    return own.map(({ icmpCode }) => `${label}/${type}/${icmpCode ?? 'other codes'}`);
  });
}

/** One text for each range of destination ports; source ports are named where they matter. */
function describePorts(label: string, atoms: readonly Atom[]): readonly string[] {
  const sourcesOf = new Map<string, PortRange[]>();
  const bySource = new Map<string, { readonly source: PortRange; readonly destinations: PortRange[] }>();
  for (const { sourcePorts, destinationPorts } of atoms) {
    if (!sourcePorts || !destinationPorts) continue;
    const key = formatRange(sourcePorts);
    const entry = bySource.get(key) ?? { source: sourcePorts, destinations: [] };
    entry.destinations.push(destinationPorts);
    bySource.set(key, entry);
  }
  for (const { source, destinations } of bySource.values()) {
    const key = joinRanges(destinations).map(formatRange).join(' ');
    sourcesOf.set(key, [...(sourcesOf.get(key) ?? []), source]);
  }
  return [...sourcesOf].flatMap(([destinations, sources]) => {
    const from = joinRanges(sources).map(formatRange);
    const suffix = from.length === 1 && from[0] === ALL_PORTS ? '' : ` from port ${from.join(', ')}`;
    return destinations.split(' ').map((range) => {
      const port = range === ALL_PORTS ? '' : `/${range}`;
      return `${label}${port}${suffix}`;
    });
  });
}

const ALL_PORTS = '1-65535';

function joinRanges(ranges: readonly PortRange[]): PortRange[] {
  const joined: PortRange[] = [];
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before && first <= before.last + 1) joined[joined.length - 1] = { first: before.first, last };
    else joined.push({ first, last });
  }
  return joined;
}

function formatRange({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}
