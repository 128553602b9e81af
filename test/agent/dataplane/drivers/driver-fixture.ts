/** Values and steps that the driver tests share. */

import type { ApplyReport, Driver } from '../../../../src/agent/dataplane/driver.js';
import type { Neighbor, Route } from '../../../../src/agent/dataplane/intent.js';
import { RT_SCOPE, RT_TABLE_MAIN, RTN, RTPROT } from '../../../../src/kernel/netlink/constants.js';
import type { KernelNeighbor, KernelRoute } from '../../../../src/kernel/rtnetlink.js';
import {
  type Address,
  type Cidr,
  familyOf,
  hostCidr,
  type MacAddress,
} from '../../../../src/model/address.js';

export const PROTOCOL = 80;
export const PREFIX = 'cali';
export const MAC = 'ee:ee:ee:ee:ee:ee' as MacAddress;

/** Updates, then deletions, as the agent does. */
export async function applyAll(driver: Driver): Promise<ApplyReport> {
  const [updates, deletions] = [await driver.applyUpdates(), await driver.applyDeletions()];
  return {
    changed: updates.changed + deletions.changed,
    failures: [...updates.failures, ...deletions.failures],
    waiting: updates.waiting ?? [],
  };
}

export function route(address: string, interfaceName: string): Route {
  return { cidr: hostCidr(address as Address), interfaceName };
}

export function neighbor(address: string, interfaceName: string, mac: MacAddress = MAC): Neighbor {
  return { address: address as Address, interfaceName, mac };
}

/** A route as somebody may have left it in the kernel. */
export function kernelRoute(
  cidr: string,
  interfaceIndex: number,
  rest: Partial<KernelRoute> = {},
): KernelRoute {
  const family = familyOf(cidr as Cidr);
  return {
    family,
    destination: cidr as Cidr,
    interfaceIndex,
    gateway: undefined,
    table: RT_TABLE_MAIN,
    protocol: RTPROT.BOOT,
    scope: family === 4 ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE,
    type: RTN.UNICAST,
    priority: undefined,
    ...rest,
  };
}

export function kernelNeighbor(
  address: string,
  interfaceIndex: number,
  rest: Partial<KernelNeighbor> = {},
): KernelNeighbor {
  return {
    family: familyOf(address as Address),
    address: address as Address,
    interfaceIndex,
    mac: MAC,
    state: 0x80,
    ...rest,
  };
}
