/**
 * All packets of one IP version, cut where rules tell them apart.
 *
 * An atom is a set of packets that no rule can distinguish by protocol, ports, or ICMP type and code: TCP from any
 * port to 80, echo requests, every protocol that nobody mentions. A rule then matches whole atoms, and what it says
 * of one packet of an atom it says of all. Source ports are a dimension of their own, cut only where a rule asks for
 * them. Whether a rule matches an atom is asked of policy/match-rule.ts, so that there is one truth. What cannot be
 * the first packet of a connection (first-packets.ts) is in no atom: no rule is asked about it.
 */
import { type Address, addressFromBits, type IpFamily } from '../../model/address.js';
import { addBit, type Bitset, emptyBitset } from '../../model/bitset.js';
import { type EntityMatch, hasPorts, type PortRange, PROTOCOL_NUMBERS, type Rule } from '../../model/rule.js';
import { type Membership, matchesRule, type Packet } from '../../policy/match-rule.js';
import { canBeFirst, FIRST_ICMP_TYPES } from '../first-packets.js';
import { ECHO_REQUEST, icmpProtocol } from '../packets.js';

export interface Atom {
  /** undefined: every protocol that no rule mentions. */
  readonly protocol: number | undefined;
  readonly sourcePorts?: PortRange;
  readonly destinationPorts?: PortRange;
  /** In every atom of ICMP and ICMPv6. */
  readonly icmpType?: number;
  /** undefined: every code that no rule mentions with this type. */
  readonly icmpCode?: number;
  /** One of the packets, between addresses that mean nothing. */
  readonly sample: Packet;
}

export interface ConnectionSpace {
  readonly family: IpFamily;
  readonly atoms: readonly Atom[];
  /** Those that no workload may send, whatever rules say. */
  readonly closed: Bitset;
  /** The atoms that the rule matches, whatever the addresses. */
  matchesOf(rule: Rule): Bitset;
}

/**
 * @param rules - all that tell packets apart
 * @param isClosed - what no workload may send; rules must tell it from other packets
 */
export function connectionSpace(
  family: IpFamily,
  rules: readonly Rule[],
  isClosed: (packet: Packet) => boolean = () => false,
): ConnectionSpace {
  const conditionOf = new Map<Rule, Condition>();
  const distinct = new Map<string, Condition>();
  const numberRule = (rule: Rule): Condition => {
    const key = connectionKey(rule);
    const condition = distinct.get(key) ?? { rule, matches: undefined };
    distinct.set(key, condition);
    conditionOf.set(rule, condition);
    return condition;
  };
  rules.forEach(numberRule);
  const conditions = Array.from(distinct.values(), ({ rule }) => rule);
  const icmp = icmpProtocol(family);
  const atoms: Atom[] = [
    ...Object.values(PROTOCOL_NUMBERS)
      .filter(hasPorts)
      .flatMap((protocol) => portAtoms(family, protocol, conditions)),
    ...icmpAtoms(family, icmp, conditions),
    ...plainAtoms(family, conditions),
  ];
  return {
    family,
    atoms,
    closed: atomsWhere(atoms, isClosed),
    matchesOf(rule) {
      const condition = conditionOf.get(rule) ?? numberRule(rule);
      condition.matches ??= matchAtoms(connectionPart(rule), atoms);
      return condition.matches;
    },
  };
}

/** What rules with the same key ask of anything but addresses. */
interface Condition {
  /** One of them. */
  readonly rule: Rule;
  matches: Bitset | undefined;
}

/** What the rule asks of anything but addresses. */
function connectionKey({ family, protocol, notProtocol, icmp, notIcmp, source, destination }: Rule): string {
  const key = `${protocol}>${portsKey(destination)}<${portsKey(source)}`;
  if (family === undefined && notProtocol === undefined && !icmp && !notIcmp) return key;
  const types = `${icmp?.type}/${icmp?.code} ${notIcmp?.type}/${notIcmp?.code}`;
  return `${key} ${family} ${notProtocol} ${types}`;
}

function portsKey({ ports, notPorts }: EntityMatch): string {
  if (ports.length + notPorts.length === 0) return '';
  let key = '';
  for (const { first, last } of ports) key += `${first}:${last},`;
  for (const { first, last } of notPorts) key += `!${first}:${last},`;
  return key;
}

/** The rule with its addresses forgotten. */
function connectionPart(rule: Rule): Rule {
  const portsOf = ({ ports, notPorts }: EntityMatch): EntityMatch => ({
    nets: [],
    notNets: [],
    ports,
    notPorts,
  });
  return { ...rule, source: portsOf(rule.source), destination: portsOf(rule.destination) };
}

const NOBODY: Membership = { inSelector: () => false, inTag: () => false };

function matchAtoms(rule: Rule, atoms: readonly Atom[]): Bitset {
  return atomsWhere(atoms, (sample) => matchesRule(rule, sample, NOBODY));
}

/** The atoms of whose packets this holds. */
export function atomsWhere(atoms: readonly Atom[], holds: (packet: Packet) => boolean): Bitset {
  const matched = emptyBitset(atoms.length);
  for (const [index, { sample }] of atoms.entries()) if (holds(sample)) addBit(matched, index);
  return matched;
}

function portAtoms(family: IpFamily, protocol: number, conditions: readonly Rule[]): Atom[] {
  const asking = conditions.filter((rule) => rule.protocol === undefined || rule.protocol === protocol);
  const sources = cutPorts(asking.map(({ source }) => source));
  const destinations = cutPorts(asking.map(({ destination }) => destination));
  return sources.flatMap((sourcePorts) =>
    destinations.map((destinationPorts) => ({
      protocol,
      sourcePorts,
      destinationPorts,
      sample: sampleOf(family, protocol, { source: sourcePorts.first, destination: destinationPorts.first }),
    })),
  );
}

const MAX_PORT = 65_535;

/** The pieces between all ends of all ranges, in order. Nobody connects to port 0. */
function cutPorts(ends: readonly Pick<EntityMatch, 'ports' | 'notPorts'>[]): PortRange[] {
  const starts = new Set([1]);
  for (const { ports, notPorts } of ends) {
    for (const { first, last } of [...ports, ...notPorts]) {
      starts.add(first);
      if (last < MAX_PORT) starts.add(last + 1);
    }
  }
  const sorted = [...starts].sort((a, b) => a - b);
  return sorted.map((first, index) => ({ first, last: (sorted[index + 1] ?? MAX_PORT + 1) - 1 }));
}

function icmpAtoms(family: IpFamily, protocol: number, conditions: readonly Rule[]): Atom[] {
  const codesByType = new Map(FIRST_ICMP_TYPES[family].map((type) => [type, new Set<number>()]));
  codesByType.get(ECHO_REQUEST[family])?.add(0);
  for (const match of conditions.flatMap(({ icmp, notIcmp }) => [icmp, notIcmp]))
    if (match?.code !== undefined) codesByType.get(match.type)?.add(match.code);
  const atom = (type: number, code: number): Atom['sample'] =>
    sampleOf(family, protocol, undefined, { type, code });
  return [...codesByType].flatMap(([icmpType, codes]) => [
    ...[...codes].map((icmpCode) => ({ protocol, icmpType, icmpCode, sample: atom(icmpType, icmpCode) })),
    { protocol, icmpType, sample: atom(icmpType, firstAbsent(codes)) },
  ]);
}

/** RFC 2784: of the protocols without ports and types, one that people know. */
const GRE = 47;

function plainAtoms(family: IpFamily, conditions: readonly Rule[]): Atom[] {
  const named: readonly number[] = Object.values(PROTOCOL_NUMBERS);
  const mentioned = new Set(
    conditions.flatMap((rule) => [rule.protocol, rule.notProtocol].filter((one) => one !== undefined)),
  );
  const plain = [...mentioned].filter(
    (protocol) => !named.includes(protocol) && canBeFirst({ family, protocol }),
  );
  const taken = new Set([...mentioned, ...named]);
  return [
    ...plain.map((protocol) => ({ protocol, sample: sampleOf(family, protocol) })),
    { protocol: undefined, sample: sampleOf(family, firstAbsent(taken, GRE)) },
  ];
}

function firstAbsent(taken: { has(number: number): boolean }, from = 0): number {
  let number = from;
  while (taken.has(number)) number += 1;
  return number;
}

function sampleOf(
  family: IpFamily,
  protocol: number,
  ports?: { readonly source: number; readonly destination: number },
  icmp?: NonNullable<Packet['icmp']>,
): Packet {
  const address = UNSPECIFIED[family];
  return {
    family,
    protocol,
    source: { address, ...(ports && { port: ports.source }) },
    destination: { address, ...(ports && { port: ports.destination }) },
    ...(icmp && { icmp }),
  };
}

const UNSPECIFIED: Readonly<Record<IpFamily, Address>> = {
  4: addressFromBits(0n, 4),
  6: addressFromBits(0n, 6),
};
