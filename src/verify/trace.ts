/**
 * Trace: what becomes of the first packet of a connection, and which rule says so.
 *
 * Policy is judged, not routes (judge.ts). Names and addresses are looked up, protocols without ports have none, and
 * whatever the question leaves open is an error.
 */
import { type Address, familyOf, IP_FAMILIES, type IpFamily } from '../model/address.js';
import type { Packet } from '../policy/match-rule.js';
import { createJudge, type Judge } from './judge.js';
import type { Network } from './network.js';
import { DEFAULT_SOURCE_PORT, ECHO_REQUEST, icmpProtocol, protocolLabel } from './packets.js';
import { type Asked, createDirectory, type Directory, type Party } from './parties.js';
import { type AskedProtocol, type Parsed, type Question, refuse } from './question.js';
import type { Side } from './side.js';

export interface Trace {
  /** As asked. */
  readonly src: string;
  readonly dst: string;
  /** Lower case name, or the number of a protocol that has none. */
  readonly protocol: string | number;
  /** null in protocols without ports. */
  readonly port: number | null;
  readonly family: IpFamily;
  /** False: both ends are outside, and nothing of ours is asked. */
  readonly managed: boolean;
  readonly verdict: 'allow' | 'deny';
  /** null: no policed endpoint sends the packet. */
  readonly egress: Side | null;
  /** null: no policed endpoint receives it. */
  readonly ingress: Side | null;
  readonly from: TraceEnd;
  readonly to: TraceEnd;
  /** Type and code, of ICMP and ICMPv6 only. */
  readonly icmp?: { readonly type: number; readonly code: number };
}

/** Who was found at an end of the packet. */
export interface TraceEnd {
  readonly type: Party['type'];
  /** null outside. */
  readonly name: string | null;
  /** null outside. */
  readonly node: string | null;
  readonly address: Address;
}

export type Tracer = (question: Question) => Parsed<Trace>;

/** Answers many questions about one network. */
export function createTracer(network: Network): Tracer {
  const directory = createDirectory(network);
  const judge = createJudge(network);
  return (question) => {
    const src = directory.find(question.src);
    const dst = directory.find(question.dst);
    if (!src.ok) return src;
    if (!dst.ok) return dst;
    const family = agreeOnFamily(directory, [src.value, dst.value], question);
    if (family === undefined)
      return refuse(
        `${question.src} and ${question.dst} have no IP version in common`,
        'ask for two ends that have one',
      );
    const from = directory.partyOf(src.value, family);
    const to = directory.partyOf(dst.value, family);
    if (!from.ok) return from;
    if (!to.ok) return to;
    const packet = packetOf(question, from.value.address, to.value.address);
    return { ok: true, value: traceBetween(judge, question, { from: from.value, to: to.value, packet }) };
  };
}

/** Answers one question. */
export function trace(network: Network, question: Question): Parsed<Trace> {
  return createTracer(network)(question);
}

/** What the question or an address says; else what both have, IPv4 first. undefined: they have none in common. */
function agreeOnFamily(
  directory: Directory,
  asked: readonly Asked[],
  { family, protocol }: Question,
): IpFamily | undefined {
  const named = new Set(asked.flatMap((one) => (one.type === 'address' ? [familyOf(one.address)] : [])));
  const [first] = named;
  if (named.size > 1) return undefined;
  const said = first ?? family ?? (protocol === icmpProtocol(6) ? 6 : undefined);
  if (said !== undefined) return said;
  const familiesOf = asked.map((end) => IP_FAMILIES.filter((one) => directory.partyOf(end, one).ok));
  const common = IP_FAMILIES.find((one) => familiesOf.every((families) => families.includes(one)));
  // An end that is nowhere in either is at fault itself, and told so by whoever looks it up.
  return common ?? (familiesOf.every((families) => families.length > 0) ? undefined : 4);
}

function packetOf(question: Question, source: Address, destination: Address): Packet {
  const family = familyOf(source);
  const protocol = protocolIn(family, question.protocol);
  if (protocol === icmpProtocol(family)) {
    const { type = ECHO_REQUEST[family], code = 0 } = question.icmp ?? {};
    const ends = { source: { address: source }, destination: { address: destination } };
    return { family, protocol, ...ends, icmp: { type, code } };
  }
  const { port, srcPort = DEFAULT_SOURCE_PORT } = question;
  return {
    family,
    protocol,
    source: { address: source, ...(port !== undefined && { port: srcPort }) },
    destination: { address: destination, ...(port !== undefined && { port }) },
  };
}

function protocolIn(family: IpFamily, asked: AskedProtocol): number {
  return asked === 'icmp' ? icmpProtocol(family) : asked;
}

/** Traces a packet between two ends that are known already. */
export function traceBetween(
  judge: Judge,
  names: Pick<Question, 'src' | 'dst'>,
  { from, to, packet }: { readonly from: Party; readonly to: Party; readonly packet: Packet },
): Trace {
  const sides = judge(from, to, packet);
  const { family, icmp } = packet;
  const isDenied = [sides.egress, sides.ingress].some((side) => side?.verdict === 'deny');
  return {
    src: names.src,
    dst: names.dst,
    protocol: protocolLabel(packet.protocol),
    port: packet.destination.port ?? null,
    family,
    managed: from.type !== 'outside' || to.type !== 'outside',
    verdict: isDenied ? 'deny' : 'allow',
    ...sides,
    from: describeEnd(from),
    to: describeEnd(to),
    ...(icmp && { icmp }),
  };
}

function describeEnd(party: Party): TraceEnd {
  const { type, address } = party;
  switch (party.type) {
    case 'workload':
      return { type, name: party.endpoint.name, node: party.endpoint.node, address };
    case 'host':
      return { type, name: party.name, node: party.name, address };
    case 'outside':
      return { type, name: null, node: null, address };
  }
}
