/**
 * Paths below /proc/sys, for one interface of one family or for the host (ip-sysctl.rst).
 *
 * An interface name comes from the store. One that could lead elsewhere in the tree, or that no interface can
 * have (dev_valid_name in the kernel), is refused here, whatever was checked before. Dots are fine: this is the
 * path, not the dotted name of sysctl(8).
 */
import type { IpFamily } from '../../../model/address.js';
import type { SysctlPath } from '../../../model/sysctl.js';

/** A sysctl and the value that it should have. */
export interface SysctlSetting {
  readonly path: SysctlPath;
  readonly value: string;
}

/** `net/ipv4/conf/cali123/proxy_arp`. @throws {RangeError} for a name that no interface can have */
export function interfaceSysctl(
  family: IpFamily,
  group: 'conf' | 'neigh',
  interfaceName: string,
  key: string,
): SysctlPath {
  if (!/^[^/:\s]{1,15}$/.test(interfaceName) || interfaceName === '.' || interfaceName === '..')
    throw new RangeError(
      `No interface can be named ${JSON.stringify(interfaceName)}: 1 to 15 characters, no slash, colon or blank`,
    );
  return `net/ipv${family}/${group}/${interfaceName}/${key}` as SysctlPath;
}

/** `net/ipv4/ip_forward`. */
export function hostSysctl(family: IpFamily, key: string): SysctlPath {
  return `net/ipv${family}/${key}` as SysctlPath;
}
