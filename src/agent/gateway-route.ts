/**
 * Whether this host can answer for the gateway of its workloads (PURE).
 *
 * By proxy ARP the kernel answers for 169.254.1.1 only while it has a unicast route to it (arp_process() in
 * net/ipv4/arp.c); a default route will do. Without one everything is programmed, reads back as wished, and no workload
 * reaches anybody over IPv4.
 */
import { RT_TABLE_MAIN, RTN } from '../kernel/netlink/constants.js';
import type { KernelRoute } from '../kernel/rtnetlink.js';
import { type Address, cidrContains } from '../model/address.js';
import type { DriverFailure } from './dataplane/driver.js';

const GATEWAY = '169.254.1.1' as Address;

/** @param routes - of IPv4 */
export function gatewayProblems(routes: readonly KernelRoute[]): readonly DriverFailure[] {
  const leads = ({ destination, type, table }: KernelRoute) =>
    type === RTN.UNICAST && table === RT_TABLE_MAIN && cidrContains(destination, GATEWAY);
  if (routes.some(leads)) return [];
  const message =
    `this host has no route to ${GATEWAY}, so it does not answer for it (proxy ARP) and its workloads reach nobody ` +
    'over IPv4: give it a default route';
  return [{ object: 'workload gateway', message }];
}
