/**
 * The rule: one line of policy, in the one form that every part of heddle reads.
 *
 * A manifest writes rules as Calico v3 does (RuleSpec), etcd holds them as Calico v1 did; the agent renders
 * them, and the verifier evaluates them. All of them meet in `Rule`: every field parsed, absent lists empty,
 * every present field a condition, all conditions ANDed.
 */
import type { Cidr, IpFamily } from './address.js';
import type { DeepReadonly } from './brand.js';
import type { SelectorText } from './selector/selector.js';
import type { EntityRuleSpec, GlobalNetworkPolicySpec, RuleSpec } from './specs.generated.js';

export const PROTOCOL_NUMBERS = { ICMP: 1, TCP: 6, UDP: 17, ICMPv6: 58, SCTP: 132, UDPLite: 136 } as const;
export type ProtocolName = keyof typeof PROTOCOL_NUMBERS;
/** A protocol as a manifest writes it. */
export type ProtocolText = ProtocolName | number;
/** A port as a manifest writes it: 80, or '8000:8100'. */
export type PortText = number | string;

export type Action = 'Allow' | 'Deny' | 'Log' | 'Pass';
export type Direction = 'ingress' | 'egress';
export const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];
/** A direction as a policy's `types` write it. */
type PolicyType = NonNullable<GlobalNetworkPolicySpec['types']>[number];

/** First and last port, both inclusive, 1 to 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Type and code of ICMP or ICMPv6; without a code every code matches. */
export interface IcmpMatch {
  readonly type: number;
  readonly code?: number;
}

/** Conditions on one end of the packet. Lists are ORed inside, and absent when empty. */
export interface EntityMatch {
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  readonly selector?: SelectorText;
  readonly notSelector?: SelectorText;
  readonly tag?: string;
  readonly notTag?: string;
  readonly ports: readonly PortRange[];
  readonly notPorts: readonly PortRange[];
}

export interface Rule {
  readonly action: Action;
  /** Only packets of this family; absent: both. ICMP implies 4 and ICMPv6 implies 6. */
  readonly family?: IpFamily;
  /** IANA protocol numbers. */
  readonly protocol?: number;
  readonly notProtocol?: number;
  readonly icmp?: IcmpMatch;
  /** Matches unless both type and code match: not(type and code). */
  readonly notIcmp?: IcmpMatch;
  readonly source: EntityMatch;
  readonly destination: EntityMatch;
}

export function protocolNumber(protocol: ProtocolText): number {
  return typeof protocol === 'number' ? protocol : PROTOCOL_NUMBERS[protocol];
}

/** Calico v3's default of `types`: the directions that have rules, and ingress when none has. */
export function policyTypes({
  types,
  ingress = [],
  egress = [],
}: DeepReadonly<Pick<GlobalNetworkPolicySpec, 'types' | 'ingress' | 'egress'>>): readonly PolicyType[] {
  if (types?.length) return types;
  if (egress.length === 0) return ['Ingress'];
  return ingress.length > 0 ? ['Ingress', 'Egress'] : ['Egress'];
}

/** The name for a number that has one, else the number. */
export function protocolText(number: number): ProtocolText {
  const found = Object.entries(PROTOCOL_NUMBERS).find(([, value]) => value === number);
  return found ? (found[0] as ProtocolName) : number;
}

/** True for protocols that have ports: TCP, UDP, SCTP and UDP-Lite. */
export function hasPorts(protocol: number): boolean {
  return [PROTOCOL_NUMBERS.TCP, PROTOCOL_NUMBERS.UDP, PROTOCOL_NUMBERS.SCTP, PROTOCOL_NUMBERS.UDPLite].some(
    (number) => number === protocol,
  );
}

/** Parses 80 or '8000:8100'; `undefined` for anything that is not a port or runs backwards. */
export function parsePortRange(text: PortText): PortRange | undefined {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(String(text));
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && last <= 65535 && first <= last ? { first, last } : undefined;
}

export function formatPortRange(range: PortRange): PortText {
  return range.first === range.last ? range.first : `${range.first}:${range.last}`;
}

/** Reads a rule of a checked manifest. Total: the schema and the loader have refused what is no rule. */
export function ruleFromSpec(spec: DeepReadonly<RuleSpec>): Rule {
  const protocol = spec.protocol === undefined ? undefined : protocolNumber(spec.protocol);
  const family = spec.ipVersion ?? impliedFamily(protocol);
  // Field by field: there are tens of thousands, and spreading what may be absent takes several times as long.
  const rule: Writable<Rule> = {
    action: spec.action,
    source: spec.source ? entityFromSpec(spec.source) : ANYBODY,
    destination: spec.destination ? entityFromSpec(spec.destination) : ANYBODY,
  };
  if (family !== undefined) rule.family = family;
  if (protocol !== undefined) rule.protocol = protocol;
  if (spec.notProtocol !== undefined) rule.notProtocol = protocolNumber(spec.notProtocol);
  if (spec.icmp) rule.icmp = spec.icmp;
  if (spec.notICMP) rule.notIcmp = spec.notICMP;
  return rule;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** ICMP exists only in IPv4, ICMPv6 only in IPv6. */
export function impliedFamily(protocol: number | undefined): IpFamily | undefined {
  if (protocol === PROTOCOL_NUMBERS.ICMP) return 4;
  return protocol === PROTOCOL_NUMBERS.ICMPv6 ? 6 : undefined;
}

/** Most rules ask for one end alone, and of that for little: what they do not ask for is one value in all of them. */
const NONE: readonly never[] = [];
const ANYBODY: EntityMatch = { nets: NONE, notNets: NONE, ports: NONE, notPorts: NONE };

function entityFromSpec(spec: DeepReadonly<EntityRuleSpec>): EntityMatch {
  const match: Writable<EntityMatch> = {
    nets: spec.nets ?? NONE,
    notNets: spec.notNets ?? NONE,
    ports: spec.ports ? portRanges(spec.ports) : NONE,
    notPorts: spec.notPorts ? portRanges(spec.notPorts) : NONE,
  };
  if (spec.selector !== undefined) match.selector = spec.selector;
  if (spec.notSelector !== undefined) match.notSelector = spec.notSelector;
  if (spec.tag !== undefined) match.tag = spec.tag;
  if (spec.notTag !== undefined) match.notTag = spec.notTag;
  return match;
}

function portRanges(texts: readonly PortText[]): PortRange[] {
  return texts.map((text) => {
    const range = parsePortRange(text);
    if (!range) throw new TypeError(`Not a port or a range of ports: ${text}`);
    return range;
  });
}
