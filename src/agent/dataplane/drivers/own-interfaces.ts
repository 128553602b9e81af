/**
 * Which interfaces are our business (PURE): those of workloads, by the prefix of their names, and our tunnels.
 *
 * The names of VXLAN devices are ours alone. The one of the IP in IP device is the kernel's as well: every namespace has
 * a `tunl0` as soon as anybody has loaded the module, so ours is the one that carries our alias.
 */
import type { Link } from '../../../kernel/rtnetlink.js';
import { IP_FAMILIES } from '../../../model/address.js';
import { IPIP_ALIAS, IPIP_NAME, VXLAN_NAMES } from '../intent.js';

/** By its very name. */
export function isOwnInterface(name: string, interfacePrefix: string): boolean {
  return name.startsWith(interfacePrefix) || isOwnVxlan(name);
}

export function isOwnVxlan(name: string): boolean {
  return IP_FAMILIES.some((family) => VXLAN_NAMES[family] === name);
}

export function isOwnIpip({ name, alias }: Pick<Link, 'name' | 'alias'>): boolean {
  return name === IPIP_NAME && alias === IPIP_ALIAS;
}

/** Ours, or to become ours as soon as a pool asks for it. */
export function concernsUs(name: string, interfacePrefix: string): boolean {
  return isOwnInterface(name, interfacePrefix) || name === IPIP_NAME;
}
