/**
 * The addresses of this host, in the network namespace of this process.
 *
 * Node asks getifaddrs(3), which leaves out interfaces that are down or have no carrier.
 */
import { networkInterfaces } from 'node:os';
import {
  type Address,
  familyOf,
  type InterfaceAddress,
  type IpFamily,
  parseAddress,
  parseInterfaceAddress,
  prefixLength,
} from '../model/address.js';
import type { RtNetlink } from './rtnetlink.js';

export function hostAddresses(): ReadonlySet<Address> {
  const found = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ address }) => parseAddress(address) ?? []),
  );
  return new Set(found);
}

export interface HostInterface {
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
  /** The families whose default route leaves by it. */
  readonly defaultRouteOf: readonly IpFamily[];
}

/** In the order in which the kernel has them. */
export async function readHostInterfaces(
  rtnetlink: Pick<RtNetlink, 'links' | 'routes'>,
): Promise<readonly HostInterface[]> {
  const routes = [...(await rtnetlink.routes(4)), ...(await rtnetlink.routes(6))];
  const defaults = routes.filter(({ destination }) => prefixLength(destination) === 0);
  const indexes = new Map((await rtnetlink.links()).map(({ name, index }) => [name, index]));
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => ({
    name,
    addresses: addresses.flatMap(({ cidr }) => (cidr === null ? [] : (parseInterfaceAddress(cidr) ?? []))),
    defaultRouteOf: defaults
      .filter(({ interfaceIndex }) => interfaceIndex === indexes.get(name))
      .map(({ destination }) => familyOf(destination)),
  }));
}
