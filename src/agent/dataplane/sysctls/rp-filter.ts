/**
 * Reverse path filtering: a workload may send from its own address only (PURE; RFC 3704, ip-sysctl.rst).
 *
 * With 1 the kernel drops a packet unless the route back to its source leaves by the interface it came in on. The
 * route of a workload is a host route to its interface, so that leaves exactly its own addresses.
 *
 * It is the second lock. The kernel takes the larger of the interface's value and that of `all`, so where an operator
 * (or a distribution) has set `all` to 2, loose, ours does not count; and `all` is not ours to change, because
 * other interfaces live by it. The first lock is in the raw table, in both families (rules/static-chains.ts). IPv6 has
 * no rp_filter.
 */
import type { IpFamily } from '../../../model/address.js';
import { interfaceSysctl, type SysctlSetting } from './sysctl-path.js';

export function rpFilterSysctls(interfaceName: string, family: IpFamily): readonly SysctlSetting[] {
  if (family === 6) return [];
  return [{ path: interfaceSysctl(family, 'conf', interfaceName, 'rp_filter'), value: '1' }];
}
