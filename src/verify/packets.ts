/**
 * What packets are taken to be where a question leaves it open, and how they are called.
 */
import type { IpFamily } from '../model/address.js';
import { PROTOCOL_NUMBERS, protocolText } from '../model/rule.js';

/** The first of those that RFC 6335 leaves to clients. */
export const DEFAULT_SOURCE_PORT = 49_152;

/** The type that ping sends, with code 0: RFC 792, RFC 4443. */
export const ECHO_REQUEST: Readonly<Record<IpFamily, number>> = { 4: 8, 6: 128 };

/** The protocol whose packets have a type and a code. */
export function icmpProtocol(family: IpFamily): number {
  return family === 4 ? PROTOCOL_NUMBERS.ICMP : PROTOCOL_NUMBERS.ICMPv6;
}

/** `tcp`, `icmpv6`, or the number of a protocol that has no name here. */
export function protocolLabel(protocol: number): string | number {
  const text = protocolText(protocol);
  return typeof text === 'number' ? text : text.toLowerCase();
}
