/**
 * Reverse path filtering: a workload may send from its own address only (PURE; RFC 3704, ip-sysctl.rst).
 *
 * With 1 the kernel drops a packet unless the route back to its source leaves by the interface it came in on. The
 * route of a workload is a host route to its interface, so that leaves exactly its own addresses.
 *
 * The kernel takes the larger of the interface's value and that of `all`, and 2, loose, is larger than 1: `all` must
 * not be 2, which some distributions ship. With 0 each interface goes by its own value, so nothing changes for the
 * others; with 1 the operator has asked for more than we need, and is left alone.
 *
 * IPv6 has no rp_filter: there the raw table does it (rules/static-chains.ts).
 */
import type { IpFamily } from '../../../model/address.js';
import { hostSysctl, interfaceSysctl, type SysctlSetting } from './sysctl-path.js';

const STRICT = '1';
const ALL = hostSysctl(4, 'conf/all/rp_filter');

export function hostRpFilterSysctls(family: IpFamily): readonly SysctlSetting[] {
  return family === 6 ? [] : [{ path: ALL, value: '0' }];
}

export function rpFilterSysctls(interfaceName: string, family: IpFamily): readonly SysctlSetting[] {
  if (family === 6) return [];
  return [{ path: interfaceSysctl(family, 'conf', interfaceName, 'rp_filter'), value: STRICT }];
}

/** Whether a setting that differs from the one wished for serves as well. */
export function servesAsWell({ path }: SysctlSetting, actual: string): boolean {
  return path === ALL && actual === STRICT;
}
