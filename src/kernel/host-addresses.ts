/**
 * The addresses of this host, in the network namespace of this process.
 *
 * Node asks getifaddrs(3), which leaves out interfaces that are down or have no carrier.
 */
import { networkInterfaces } from 'node:os';
import { type Address, parseAddress } from '../model/address.js';

export function hostAddresses(): ReadonlySet<Address> {
  const found = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ address }) => parseAddress(address) ?? []),
  );
  return new Set(found);
}
