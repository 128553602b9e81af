/**
 * Which interfaces are our business (PURE), by their very names: those of workloads, by their prefix, and our tunnels.
 */
import { IPIP_NAME, VXLAN_NAMES } from '../intent.js';

export function isOwnInterface(name: string, interfacePrefix: string): boolean {
  return name.startsWith(interfacePrefix) || isOwnTunnel(name);
}

export function isOwnTunnel(name: string): boolean {
  return isOwnVxlan(name) || name === IPIP_NAME;
}

export function isOwnVxlan(name: string): boolean {
  return Object.values(VXLAN_NAMES).includes(name);
}
