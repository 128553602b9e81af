/** Names of kernel parameters (sysctl(8), proc(5)). */
import type { Brand } from './brand.js';

/** A file below /proc/sys, without that prefix: `net/ipv4/conf/cali123/proxy_arp`. */
export type SysctlPath = Brand<string, 'SysctlPath'>;
