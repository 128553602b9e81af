/**
 * Forwarding: what makes the host a router (PURE; ip-sysctl.rst).
 *
 * The host's switch comes first: turning it on sets every interface, and the default for new ones. The switch of
 * the interface is set as well, because another program may have turned it off there.
 *
 * route_localnet stays off. It would let a workload reach what listens on the host's 127.0.0.1 (CVE-2020-8558),
 * and only address translation to a loopback address, which we do not do, needs it.
 */
import type { IpFamily } from '../../../model/address.js';
import { hostSysctl, interfaceSysctl, type SysctlSetting } from './sysctl-path.js';

export function hostForwardingSysctls(family: IpFamily): readonly SysctlSetting[] {
  return [{ path: hostSysctl(family, family === 4 ? 'ip_forward' : 'conf/all/forwarding'), value: '1' }];
}

export function forwardingSysctls(interfaceName: string, family: IpFamily): readonly SysctlSetting[] {
  return [{ path: interfaceSysctl(family, 'conf', interfaceName, 'forwarding'), value: '1' }];
}
