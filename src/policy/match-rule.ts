/**
 * Whether a rule matches a packet: every field that is present is a condition, and all must hold.
 */
import { type Address, cidrContains, type IpFamily } from '../model/address.js';
import { matchesIcmp, matchesPort } from '../model/header-match.js';
import type { EntityMatch, IcmpMatch, Rule } from '../model/rule.js';
import type { SelectorText } from '../model/selector/selector.js';
import { isInFamily } from './rule-families.js';

/** The first packet of a connection. */
export interface Packet {
  readonly family: IpFamily;
  /** IANA protocol number. */
  readonly protocol: number;
  readonly source: PacketEnd;
  readonly destination: PacketEnd;
  /** Type and code of an ICMP or ICMPv6 packet. */
  readonly icmp?: Required<IcmpMatch>;
}

export interface PacketEnd {
  readonly address: Address;
  /** Only in protocols that have ports. */
  readonly port?: number;
}

/** To whom an address belongs: to the endpoints and network sets that have it. */
export interface Membership {
  /** True when one that the selector picks has the address. */
  inSelector(address: Address, selector: SelectorText): boolean;
  /** True when an endpoint with the tag has the address. */
  inTag(address: Address, tag: string): boolean;
}

export function matchesRule(rule: Rule, packet: Packet, membership: Membership): boolean {
  return (
    isInFamily(rule, packet.family) &&
    (rule.protocol === undefined || rule.protocol === packet.protocol) &&
    rule.notProtocol !== packet.protocol &&
    matchesIcmp(rule, packet.icmp) &&
    matchesEntity(rule.source, packet.source, membership) &&
    matchesEntity(rule.destination, packet.destination, membership)
  );
}

function matchesEntity(match: EntityMatch, end: PacketEnd, membership: Membership): boolean {
  return matchesAddress(match, end.address, membership) && matchesPort(match, end.port);
}

function matchesAddress(match: EntityMatch, address: Address, membership: Membership): boolean {
  const { nets, notNets, selector, notSelector, tag, notTag } = match;
  return (
    (nets.length === 0 || nets.some((net) => cidrContains(net, address))) &&
    !notNets.some((net) => cidrContains(net, address)) &&
    (selector === undefined || membership.inSelector(address, selector)) &&
    (notSelector === undefined || !membership.inSelector(address, notSelector)) &&
    (tag === undefined || membership.inTag(address, tag)) &&
    (notTag === undefined || !membership.inTag(address, notTag))
  );
}
