/**
 * The overlay of one host: which tunnels it has, who is at their other ends, and which networks lie behind whom.
 *
 * For pools with VXLAN or IP in IP. A network behind a host is a block that is confirmed as that host's and, where no such block covers
 * it, the single address of a workload; the more specific wins, so a workload that took its address out of another
 * host's block is still found. `CrossSubnet` encapsulates only what leaves the subnet: who is in ours is reached by its own
 * address. Every host works this out for itself, from the same Nodes, so the two ends of a tunnel agree.
 */
import { createHash } from 'node:crypto';
import {
  type Address,
  addressLength,
  addressPart,
  type Cidr,
  cidrContains,
  compareCidrs,
  familyOf,
  hostCidr,
  type InterfaceAddress,
  IP_FAMILIES,
  type IpFamily,
  linkLocalOf,
  type MacAddress,
  maskCidr,
  networkOf,
  prefixLength,
} from '../model/address.js';
import {
  ENCAPSULATIONS,
  type Encapsulation,
  encapsulationOf,
  type PoolEncapsulation,
} from '../model/encapsulation.js';
import type { ResourceOf } from '../model/resource.js';
import type { TopologyInput } from './topology-input.js';

export interface OverlayInput extends Pick<TopologyInput, 'nodes' | 'pools' | 'blocks'> {
  /** By whatever tells them apart: workloads with an address in a pool that is encapsulated. */
  readonly workloads: ReadonlyMap<string, OverlayWorkload>;
  /** Whether a BGP daemon keeps the blackholes of this host's blocks. */
  readonly hasBgp: boolean;
}

export interface OverlayWorkload {
  readonly node: string;
  readonly addresses: readonly Address[];
}

export type OverlayTunnel = VxlanOverlayTunnel | IpipOverlayTunnel;

interface TunnelEnds<Peer extends OverlayPeer> {
  /** Of this host; where packets leave from. */
  readonly hostAddress: Address;
  /** On the device; undefined: none, and packets of the host itself carry its own address. */
  readonly tunnelAddress: Address | undefined;
  readonly peers: readonly Peer[];
}

export interface VxlanOverlayTunnel extends TunnelEnds<VxlanOverlayPeer> {
  readonly encapsulation: 'vxlan';
  readonly family: IpFamily;
  readonly mac: MacAddress;
}

/** IP in IP (RFC 2003): no frames, so no MAC addresses, and IPv4 only. */
export interface IpipOverlayTunnel extends TunnelEnds<OverlayPeer> {
  readonly encapsulation: 'ipip';
  readonly family: 4;
}

/** Another host, as it is seen through the tunnel. */
export interface OverlayPeer {
  readonly node: string;
  readonly hostAddress: Address;
  /** What routes through the tunnel name as their gateway. */
  readonly gateway: Address;
}

export interface VxlanOverlayPeer extends OverlayPeer {
  readonly mac: MacAddress;
}

export type OverlayRoute =
  | {
      readonly type: 'tunnel';
      readonly encapsulation: Encapsulation;
      readonly cidr: Cidr;
      readonly gateway: Address;
    }
  | { readonly type: 'direct'; readonly cidr: Cidr; readonly gateway: Address }
  /** Of this host: what no workload of it has ends here. */
  | { readonly type: 'blackhole'; readonly cidr: Cidr };

export interface OverlayModel {
  /** At most one a family and encapsulation. */
  readonly tunnels: readonly OverlayTunnel[];
  /** Sorted, one a network. */
  readonly routes: readonly OverlayRoute[];
}

/** undefined when no pool asks for one. */
export function overlayFor(node: string, input: OverlayInput): OverlayModel | undefined {
  if (overlayPools(input.pools.values()).length === 0) return undefined;
  const parts = IP_FAMILIES.flatMap((family) => familyOverlay(family, node, input) ?? []);
  return {
    tunnels: parts.flatMap(({ tunnels }) => tunnels),
    routes: parts.flatMap(({ routes }) => routes).sort((a, b) => compareCidrs(a.cidr, b.cidr)),
  };
}

/** The networks whose packets travel encapsulated, or would if they left the subnet. */
export function overlayPools(pools: Iterable<ResourceOf<'IPPool'>>): readonly Cidr[] {
  const cidrs = [...pools].flatMap(({ spec }) => (encapsulationOf(spec) ? [spec.cidr] : []));
  return [...new Set(cidrs)].sort(compareCidrs);
}

/** A host at an end of tunnels: what the Node says, and what follows from its name where it says nothing. */
interface End {
  readonly node: string;
  readonly mac: MacAddress;
  readonly hostAddress: Address;
  readonly tunnelAddresses: Readonly<Record<Encapsulation, Address | undefined>>;
  readonly subnet: Cidr;
}

function familyOverlay(
  family: IpFamily,
  node: string,
  input: OverlayInput,
): { readonly tunnels: readonly OverlayTunnel[]; readonly routes: readonly OverlayRoute[] } | undefined {
  const pools = [...input.pools.values()].flatMap(({ spec }): EncapsulatedPool[] => {
    const encapsulated = familyOf(spec.cidr) === family ? encapsulationOf(spec) : undefined;
    return encapsulated ? [{ cidr: spec.cidr, ...encapsulated }] : [];
  });
  const ends = new Map<string, End | undefined>();
  const endOf = (name: string): End | undefined => {
    if (!ends.has(name)) ends.set(name, describeEnd(input.nodes.get(name), family));
    return ends.get(name);
  };
  const own = endOf(node);
  if (pools.length === 0 || !own) return undefined;
  const peers = { vxlan: new Map<string, End>(), ipip: new Map<string, End>() };
  const routes = new Map<Cidr, OverlayRoute>();
  for (const { cidr, node: owner } of networksBehindHosts(family, input)) {
    const pool = poolOf(cidr, pools);
    if (!pool) continue;
    if (owner === node) {
      if (!input.hasBgp && prefixLength(cidr) < addressLength(family))
        routes.set(cidr, { type: 'blackhole', cidr });
      continue;
    }
    const end = endOf(owner);
    if (!end) continue;
    const { encapsulation, isCrossSubnet } = pool;
    if (isCrossSubnet && cidrContains(own.subnet, end.hostAddress)) {
      routes.set(cidr, { type: 'direct', cidr, gateway: end.hostAddress });
      continue;
    }
    peers[encapsulation].set(owner, end);
    routes.set(cidr, { type: 'tunnel', encapsulation, cidr, gateway: GATEWAYS[encapsulation](end) });
  }
  const wanted = ENCAPSULATIONS.filter((one) => pools.some(({ encapsulation }) => encapsulation === one));
  return {
    tunnels: wanted.map((one) => tunnelOf(one, family, own, peers[one])),
    routes: [...routes.values()],
  };
}

/** A host that encapsulates to nobody is still one that others encapsulate to. */
function tunnelOf(
  encapsulation: Encapsulation,
  family: IpFamily,
  own: End,
  peers: ReadonlyMap<string, End>,
): OverlayTunnel {
  const { mac, hostAddress } = own;
  const tunnelAddress = own.tunnelAddresses[encapsulation];
  const ends = [...peers.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  const peerOf = (end: End): OverlayPeer => ({
    node: end.node,
    hostAddress: end.hostAddress,
    gateway: GATEWAYS[encapsulation](end),
  });
  if (encapsulation === 'ipip')
    return { encapsulation, family: 4, hostAddress, tunnelAddress, peers: ends.map(peerOf) };
  const withMac = ends.map((end) => ({ ...peerOf(end), mac: end.mac }));
  return { encapsulation, family, mac, hostAddress, tunnelAddress, peers: withMac };
}

const NOWHERE: OverlayWorkload = { node: '', addresses: [] };

/** Blocks first; then the workloads that no block of their host covers. */
function* networksBehindHosts(
  family: IpFamily,
  { blocks, workloads }: OverlayInput,
): Generator<{ readonly cidr: Cidr; readonly node: string }> {
  const byNode = new Map<string, Cidr[]>();
  for (const { cidr, affinities } of blocks.values()) {
    if (familyOf(cidr) !== family) continue;
    const owner = affinities.find(({ state }) => state === 'confirmed')?.node;
    if (owner === undefined) continue;
    const others = byNode.get(owner);
    if (others) others.push(cidr);
    else byNode.set(owner, [cidr]);
    yield { cidr, node: owner };
  }
  const taken = new Set<Address>();
  // Whoever is named first has an address that two have: the order in which they came may be another on each host.
  for (const id of [...workloads.keys()].sort()) {
    const { node, addresses } = workloads.get(id) ?? NOWHERE;
    for (const address of addresses) {
      if (familyOf(address) !== family || taken.has(address)) continue;
      taken.add(address);
      const isCovered = byNode.get(node)?.some((block) => cidrContains(block, address));
      if (!isCovered) yield { cidr: hostCidr(address), node };
    }
  }
}

interface EncapsulatedPool extends PoolEncapsulation {
  readonly cidr: Cidr;
}

/** The most specific of the pools that hold a network. */
function poolOf(network: Cidr, pools: readonly EncapsulatedPool[]): EncapsulatedPool | undefined {
  return pools
    .filter(({ cidr }) => cidrContains(cidr, network))
    .sort((a, b) => prefixLength(b.cidr) - prefixLength(a.cidr))[0];
}

/** undefined: the host cannot be reached in this family. */
function describeEnd(node: ResourceOf<'Node'> | undefined, family: IpFamily): End | undefined {
  const { spec, metadata } = node ?? {};
  const host = family === 4 ? spec?.bgp?.ipv4Address : spec?.bgp?.ipv6Address;
  if (host === undefined || metadata === undefined) return undefined;
  return {
    node: metadata.name,
    mac:
      (family === 4 ? spec?.vxlanTunnelMACAddr : spec?.vxlanTunnelMACAddrV6) ??
      derivedMac(metadata.name, family),
    hostAddress: addressPart(host),
    tunnelAddresses: {
      vxlan: family === 4 ? spec?.ipv4VXLANTunnelAddr : spec?.ipv6VXLANTunnelAddr,
      ipip: family === 4 ? spec?.bgp?.ipv4IPIPTunnelAddr : undefined,
    },
    subnet: subnetOf(host),
  };
}

/**
 * VXLAN: without an address of its own, the tunnel of a host is reached by one that is good on the tunnel alone. In IPv6
 * that is the link-local one: the kernel refuses a gateway that is in the subnet of another interface. In IPv4 it does not
 * mind. IP in IP: the device names no other end, and sends to whatever the gateway of the route is.
 */
const GATEWAYS: Readonly<Record<Encapsulation, (end: End) => Address>> = {
  vxlan: ({ tunnelAddresses, hostAddress, mac }) =>
    tunnelAddresses.vxlan ?? (familyOf(hostAddress) === 4 ? hostAddress : linkLocalOf(mac)),
  ipip: ({ hostAddress }) => hostAddress,
};

/** The store does not keep the prefix length of an IPv6 address. A link has a /64 (RFC 4291 section 2.5.4). */
function subnetOf(host: InterfaceAddress): Cidr {
  if (familyOf(host) === 4 || prefixLength(host) < addressLength(6)) return networkOf(host);
  return maskCidr(`${addressPart(host)}/64`) ?? networkOf(host);
}

/** The same on every host, and locally administered. */
function derivedMac(node: string, family: IpFamily): MacAddress {
  const digest = createHash('sha256').update(`vxlan ${family} ${node}`).digest();
  const octets = [0x66, ...digest.subarray(0, 5)];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':') as MacAddress;
}
