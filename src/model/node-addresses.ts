/** The addresses of a Node on the network between hosts: what others route by, and what it encapsulates from. */
import type { InterfaceAddress } from './address.js';
import type { ResourceOf } from './resource.js';

/** At most one a family. Addresses of tunnels are inside packets, never around them. */
export function addressesOfNode({ spec: { bgp } }: ResourceOf<'Node'>): readonly InterfaceAddress[] {
  return [bgp?.ipv4Address, bgp?.ipv6Address].flatMap((address) => address ?? []);
}
