/**
 * Which packets can be the first of a connection, as conntrack of the Linux kernel sees it.
 *
 * The chains of an endpoint let answers and errors of known connections pass and drop what conntrack calls INVALID,
 * before any rule is asked (agent/dataplane/rules/endpoint-chains.ts). An answer without a question, an error about
 * nothing, and ICMP of the other family are that. Neighbor discovery is not tracked, and rules decide on it.
 * test/netns/first-packets.test.ts sends every type and every protocol through the kernel.
 */
import { PROTOCOL_NUMBERS } from '../model/rule.js';
import type { Packet } from '../policy/match-rule.js';

/** Echo, timestamp, information and address mask requests: RFC 792, RFC 950; echo and node information: RFC 4443, 4620. */
const REQUESTS = { 4: [8, 13, 15, 17], 6: [128, 139] } as const;
/** Neighbor discovery (RFC 4861) but redirects, MLD (RFC 2710, RFC 3810), multicast router discovery (RFC 4286). */
const UNTRACKED = [130, 131, 132, 133, 134, 135, 136, 143, 151, 152] as const;
/** RFC 8200: nothing follows, so there is nothing to track. */
const NO_NEXT_HEADER = 59;

/** The ICMP types that a packet may have of which rules are asked. */
export const FIRST_ICMP_TYPES: Readonly<Record<4 | 6, readonly number[]>> = {
  4: REQUESTS[4],
  6: [...REQUESTS[6], ...UNTRACKED],
};

/** False: the packet is dropped at every endpoint, whatever rules say. */
export function canBeFirst({
  family,
  protocol,
  icmp,
}: Pick<Packet, 'family' | 'protocol' | 'icmp'>): boolean {
  const { ICMP, ICMPv6 } = PROTOCOL_NUMBERS;
  if (family === 6 && protocol === NO_NEXT_HEADER) return false;
  if (protocol !== ICMP && protocol !== ICMPv6) return true;
  return icmp !== undefined && FIRST_ICMP_TYPES[family].includes(icmp.type);
}
