/**
 * Whether what a rule asks of a packet's headers is met (PURE).
 *
 * A condition on a header that the packet does not have is not met, negated or not, as in netfilter: `notPorts` matches no
 * ICMP packet, and `notICMP` nothing but ICMP.
 */
import type { EntityMatch, IcmpMatch, PortRange, Rule } from './rule.js';

/** @param actual - of an ICMP or ICMPv6 packet; undefined: it is none */
export function matchesIcmp(
  { icmp, notIcmp }: Pick<Rule, 'icmp' | 'notIcmp'>,
  actual: Required<IcmpMatch> | undefined,
): boolean {
  if (!icmp && !notIcmp) return true;
  if (!actual) return false;
  const is = ({ type, code }: IcmpMatch): boolean =>
    type === actual.type && (code === undefined || code === actual.code);
  return (!icmp || is(icmp)) && !(notIcmp && is(notIcmp));
}

/** @param port - undefined: the protocol has none */
export function matchesPort(
  { ports, notPorts }: Pick<EntityMatch, 'ports' | 'notPorts'>,
  port: number | undefined,
): boolean {
  if (ports.length === 0 && notPorts.length === 0) return true;
  if (port === undefined) return false;
  const isIn = ({ first, last }: PortRange): boolean => first <= port && port <= last;
  return (ports.length === 0 || ports.some(isIn)) && !notPorts.some(isIn);
}
