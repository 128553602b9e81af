/**
 * Which interfaces are our business (PURE): those of workloads, by the prefix of their names, and our tunnels.
 */
import { IP_FAMILIES } from '../../../model/address.js';
import { TUNNEL_NAMES } from '../intent.js';

export function isOwnInterface(name: string, interfacePrefix: string): boolean {
  return name.startsWith(interfacePrefix) || isTunnel(name);
}

export function isTunnel(name: string): boolean {
  return IP_FAMILIES.some((family) => TUNNEL_NAMES[family] === name);
}
