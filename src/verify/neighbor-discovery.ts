/**
 * The ICMPv6 types that the fixed chains of an agent look at (agent/dataplane/rules/static-chains.ts).
 */
/** What a workload may always say to its own host: RFC 4861, and MLD (RFC 2710), which is 130 to 132. */
export const NEIGHBOR_DISCOVERY: ReadonlySet<number> = new Set([130, 131, 132, 133, 135, 136]);
/** What no workload may say: by it a workload becomes its host's gateway (CVE-2020-13597). */
export const ROUTER_ADVERTISEMENT = 134;
