/**
 * Routing advice from workloads, which the host does not take (PURE; ip-sysctl.rst).
 *
 * A workload that is believed when it sends a router advertisement, or a redirect, could draw the host's own
 * traffic to itself. Forwarding implies some of this (accept_ra=1 is ignored while forwarding is on); these
 * settings do not depend on it.
 */
import type { IpFamily } from '../../../model/address.js';
import { interfaceSysctl, type SysctlSetting } from './sysctl-path.js';

export function routerAdvertisementSysctls(
  interfaceName: string,
  family: IpFamily,
): readonly SysctlSetting[] {
  const keys = family === 4 ? ['accept_redirects'] : ['accept_redirects', 'accept_ra'];
  return keys.map((key) => ({ path: interfaceSysctl(family, 'conf', interfaceName, key), value: '0' }));
}
