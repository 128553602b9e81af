/**
 * What of a host matters to tunnels, in one reading: its links, their addresses, and how large a packet may be below.
 */
import type { KernelAddress, Link, RtNetlink } from '../../../kernel/rtnetlink.js';
import {
  type Address,
  addressPart,
  type Cidr,
  cidrContains,
  type InterfaceAddress,
} from '../../../model/address.js';
import { isOwnInterface } from './own-interfaces.js';

/** The MTU, in octets, of what leaves the host with this address; undefined: no interface has it. */
type MtuBelow = (local: Address) => number | undefined;

export interface InstalledTunnel {
  readonly link: Link;
  readonly addresses: readonly InterfaceAddress[];
  readonly mtuBelow: MtuBelow;
}

export interface TunnelHost {
  /** By name. */
  readonly links: ReadonlyMap<string, Link>;
  readonly mtuBelow: MtuBelow;
  tunnel(link: Link): InstalledTunnel;
}

const LINK_LOCAL = 'fe80::/10' as Cidr;
/** Whose address is good on every interface. */
const LOOPBACK = 'lo';
/** IPv6's least MTU (RFC 8200 section 5) and the largest of our headers: what is smaller carries no overlay. */
const LEAST_BELOW = 1280 + 70;

/**
 * @param interfacePrefix - of workloads: packets between hosts do not leave by their interfaces
 * @throws when the kernel cannot be read
 */
export async function readTunnelHost(rtnetlink: RtNetlink, interfacePrefix: string): Promise<TunnelHost> {
  const links = await rtnetlink.links();
  const addresses = await rtnetlink.addresses();
  const mayLeaveBy = ({ name, up, mtu }: Link) =>
    up && mtu >= LEAST_BELOW && name !== LOOPBACK && !isOwnInterface(name, interfacePrefix);
  const mtuBelow: MtuBelow = (local) => {
    const indexes = addresses
      .filter(({ address }) => addressPart(address) === local)
      .map(({ interfaceIndex }) => interfaceIndex);
    const holders = links.filter(({ index }) => indexes.includes(index));
    const below = holders.some(({ name }) => name === LOOPBACK) ? links.filter(mayLeaveBy) : holders;
    return below.length === 0 ? undefined : Math.min(...below.map(({ mtu }) => mtu));
  };
  return {
    links: new Map(links.map((link) => [link.name, link])),
    mtuBelow,
    tunnel: (link) => ({ link, addresses: addressesOn(link, addresses), mtuBelow }),
  };
}

/** Those that we give: the kernel makes link-local ones by itself. */
function addressesOn({ index }: Link, addresses: readonly KernelAddress[]): readonly InterfaceAddress[] {
  return addresses
    .filter(({ interfaceIndex }) => interfaceIndex === index)
    .map(({ address }) => address)
    .filter((address) => !cidrContains(LINK_LOCAL, addressPart(address)));
}
