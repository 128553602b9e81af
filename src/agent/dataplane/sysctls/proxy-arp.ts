/**
 * Proxy ARP: how a workload finds its gateway (PURE).
 *
 * A workload's IPv4 gateway is 169.254.1.1, an address that nobody has. The host answers the ARP request for it
 * with the MAC address of its own end of the pair, and so receives whatever the workload sends. The kernel does
 * so only where it has a route to the address that does not lead back out of the same interface: a default route
 * will do, a blackhole route will not. A host without any finds its workloads cut off.
 *
 * The answer is delayed by up to proxy_delay, 0.8 s as shipped, which a new workload would feel.
 *
 * IPv6 needs nothing here: the gateway is the link-local address of the host's end, which is a real address.
 */
import type { IpFamily } from '../../../model/address.js';
import { interfaceSysctl, type SysctlSetting } from './sysctl-path.js';

export function proxyArpSysctls(interfaceName: string, family: IpFamily): readonly SysctlSetting[] {
  if (family === 6) return [];
  return [
    { path: interfaceSysctl(family, 'conf', interfaceName, 'proxy_arp'), value: '1' },
    { path: interfaceSysctl(family, 'neigh', interfaceName, 'proxy_delay'), value: '0' },
  ];
}
