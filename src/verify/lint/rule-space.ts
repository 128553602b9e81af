/**
 * A rule as a set of packets: for each IP version, intervals in each dimension, and who is at both ends.
 *
 * A header that a packet does not have is a value of its own in the dimension of that header, because a condition on
 * it is not met, negated or not (policy/match-rule.ts). Every packet that a rule matches lies in its space, and what
 * lies in the space of a rule, and is a packet at all, the rule matches.
 */
import { type Cidr, familyOf, IP_FAMILIES, type IpFamily } from '../../model/address.js';
import {
  cidrInterval,
  type Interval,
  type IntervalSet,
  intervalSet,
  subtractIntervals,
} from '../../model/interval-set.js';
import { type EntityMatch, hasPorts, type IcmpMatch, PROTOCOL_NUMBERS, type Rule } from '../../model/rule.js';
import { ruleFamilies } from '../../policy/rule-families.js';
import { icmpProtocol } from '../packets.js';

export const DIMENSIONS = [
  'protocols',
  'icmp',
  'sourceAddresses',
  'destinationAddresses',
  'sourcePorts',
  'destinationPorts',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface RuleSpace extends Readonly<Record<Dimension, IntervalSet>> {
  readonly source: EntityMatch;
  readonly destination: EntityMatch;
}

/** The space of a rule in each IP version in which it exists. */
export type RuleSpaces = Readonly<Partial<Record<IpFamily, RuleSpace>>>;

export function ruleSpaces(rule: Rule): RuleSpaces {
  const spaces = ruleFamilies(rule).map((family) => [family, ruleSpace(rule, family)] as const);
  return Object.fromEntries(spaces);
}

/** True when nothing of the first is outside the second. */
export function isSubset(inner: IntervalSet, outer: IntervalSet): boolean {
  let at = 0;
  return inner.every(({ first, last }) => {
    while ((outer[at]?.last ?? last) < first) at += 1;
    const around = outer[at];
    return around !== undefined && around.first <= first && last <= around.last;
  });
}

function ruleSpace(rule: Rule, family: IpFamily): RuleSpace {
  const { source, destination } = rule;
  const protocols = protocolsOf(rule);
  return {
    protocols,
    icmp: icmpOf(rule, protocols, family),
    sourceAddresses: addressesOf(source, family),
    destinationAddresses: addressesOf(destination, family),
    sourcePorts: portsOf(source, protocols),
    destinationPorts: portsOf(destination, protocols),
    source,
    destination,
  };
}

const ALL_PROTOCOLS: IntervalSet = [{ first: 0n, last: 255n }];
/** The header is not there. */
const NONE: Interval = { first: -1n, last: -1n };
/** All ports; and all types of ICMP with all codes, 256 to a type. */
const ANY: Interval = { first: 0n, last: 65_535n };
const EVERYWHERE: Readonly<Record<IpFamily, IntervalSet>> = {
  4: [{ first: 0n, last: 2n ** 32n - 1n }],
  6: [{ first: 0n, last: 2n ** 128n - 1n }],
};

function only(value: number): IntervalSet {
  return [{ first: BigInt(value), last: BigInt(value) }];
}

function protocolsOf({ protocol, notProtocol }: Rule): IntervalSet {
  const wanted = protocol === undefined ? ALL_PROTOCOLS : only(protocol);
  return notProtocol === undefined ? wanted : subtractIntervals(wanted, only(notProtocol));
}

function icmpOf({ icmp, notIcmp }: Rule, protocols: IntervalSet, family: IpFamily): IntervalSet {
  if (!icmp && !notIcmp) return headersOf(protocols, [icmpProtocol(family)]);
  const wanted = icmp ? [icmpInterval(icmp)] : [ANY];
  return notIcmp ? subtractIntervals(wanted, [icmpInterval(notIcmp)]) : wanted;
}

function icmpInterval({ type, code }: IcmpMatch): Interval {
  const start = BigInt(type * 256);
  return { first: start + BigInt(code ?? 0), last: start + BigInt(code ?? 255) };
}

const PORT_PROTOCOLS = Object.values(PROTOCOL_NUMBERS).filter(hasPorts);

function portsOf({ ports, notPorts }: EntityMatch, protocols: IntervalSet): IntervalSet {
  if (ports.length === 0 && notPorts.length === 0) return headersOf(protocols, PORT_PROTOCOLS);
  const toSet = (ranges: EntityMatch['ports']): IntervalSet =>
    intervalSet(ranges.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) })));
  return subtractIntervals(ports.length === 0 ? [ANY] : toSet(ports), toSet(notPorts));
}

/** What a header may hold when nothing is asked of it, and these protocols have it. */
function headersOf(protocols: IntervalSet, having: readonly number[]): IntervalSet {
  const [always, sometimes] = [
    isSubset(protocols, intervalSet(having.flatMap(only))),
    having.some((protocol) => isSubset(only(protocol), protocols)),
  ];
  if (always) return [ANY];
  return sometimes ? intervalSet([NONE, ANY]) : [NONE];
}

function addressesOf({ nets, notNets }: EntityMatch, family: IpFamily): IntervalSet {
  const toSet = (list: readonly Cidr[]): IntervalSet =>
    intervalSet(list.filter((net) => familyOf(net) === family).map(cidrInterval));
  const wanted = nets.length === 0 ? EVERYWHERE[family] : toSet(nets);
  return notNets.length === 0 ? wanted : subtractIntervals(wanted, toSet(notNets));
}

/** In the order of IP_FAMILIES. */
export function entriesOf(spaces: RuleSpaces): readonly (readonly [IpFamily, RuleSpace])[] {
  return IP_FAMILIES.flatMap((family) => {
    const space = spaces[family];
    return space ? [[family, space] as const] : [];
  });
}
