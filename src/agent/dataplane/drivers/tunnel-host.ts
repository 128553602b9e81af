/**
 * What of a host matters to tunnels, in one reading: its links, their addresses, and which link is underneath.
 */
import type { KernelAddress, Link, RtNetlink } from '../../../kernel/rtnetlink.js';
import { addressPart, type Cidr, cidrContains, type InterfaceAddress } from '../../../model/address.js';
import type { Tunnel } from '../intent.js';

export interface InstalledTunnel {
  readonly link: Link;
  readonly addresses: readonly InterfaceAddress[];
  /** Has the local address; undefined: none has. */
  readonly underlay: Link | undefined;
}

export interface TunnelHost {
  /** By name. */
  readonly links: ReadonlyMap<string, Link>;
  underlayOf(tunnel: Tunnel): Link | undefined;
  tunnel(link: Link, desired: Tunnel | undefined): InstalledTunnel;
}

const LINK_LOCAL = 'fe80::/10' as Cidr;

/** @throws when the kernel cannot be read */
export async function readTunnelHost(rtnetlink: RtNetlink): Promise<TunnelHost> {
  const links = await rtnetlink.links();
  const addresses = await rtnetlink.addresses();
  const underlayOf = ({ local }: Tunnel): Link | undefined => {
    const holder = addresses.find(({ address }) => addressPart(address) === local);
    return links.find(({ index }) => index === holder?.interfaceIndex);
  };
  return {
    links: new Map(links.map((link) => [link.name, link])),
    underlayOf,
    tunnel: (link, desired) => ({
      link,
      addresses: addressesOn(link, addresses),
      underlay: desired && underlayOf(desired),
    }),
  };
}

/** Those that we give: the kernel makes link-local ones by itself. */
function addressesOn({ index }: Link, addresses: readonly KernelAddress[]): readonly InterfaceAddress[] {
  return addresses
    .filter(({ interfaceIndex }) => interfaceIndex === index)
    .map(({ address }) => address)
    .filter((address) => !cidrContains(LINK_LOCAL, addressPart(address)));
}
