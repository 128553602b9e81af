/**
 * All sysctls of a host and of a workload's interface, in both families (PURE).
 */
import type { IpFamily } from '../../../model/address.js';
import { forwardingSysctls, hostForwardingSysctls } from './ip-forwarding.js';
import { proxyArpSysctls } from './proxy-arp.js';
import { routerAdvertisementSysctls } from './router-advertisements.js';
import { rpFilterSysctls } from './rp-filter.js';
import type { SysctlSetting } from './sysctl-path.js';

/** What the host needs once. */
export function hostSysctls(families: readonly IpFamily[]): readonly SysctlSetting[] {
  return families.flatMap(hostForwardingSysctls);
}

/** What the host's end of a workload's pair needs. @throws {RangeError} for a name that no interface can have */
export function workloadSysctls(
  interfaceName: string,
  families: readonly IpFamily[],
): readonly SysctlSetting[] {
  return families.flatMap((family) => [
    ...proxyArpSysctls(interfaceName, family),
    ...rpFilterSysctls(interfaceName, family),
    ...forwardingSysctls(interfaceName, family),
    ...routerAdvertisementSysctls(interfaceName, family),
  ]);
}
