import type { Brand } from './brand.js';

/** A file below /proc/sys, without that prefix: `net/ipv4/conf/cali123/proxy_arp`. */
export type SysctlPath = Brand<string, 'SysctlPath'>;
