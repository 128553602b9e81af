/**
 * Links, routes and neighbour entries as values: what drivers see of netlink.
 */
import type { Address, Cidr, InterfaceAddress, IpFamily, MacAddress } from '../model/address.js';
import type { NetlinkError } from './netlink/transport.js';

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mac: MacAddress | undefined;
  readonly mtu: number;
  /** IFF_UP: administratively up. */
  readonly up: boolean;
  /** IFF_LOWER_UP: carrier. */
  readonly running: boolean;
  /** Of VXLAN devices only. */
  readonly vxlan?: VxlanSettings;
  /** Of IP in IP devices only. */
  readonly ipip?: IpipSettings;
}

/** What a VXLAN device is made with; to change it is to make another one. */
export interface VxlanSettings {
  readonly id: number;
  /** Of UDP, at either end. */
  readonly port: number;
  /** Where packets come from, and by which family the underlay is chosen; undefined: any. */
  readonly local: Address | undefined;
  /** The index of the link that packets leave by; undefined: routing decides. */
  readonly underlay: number | undefined;
  /** Whether the device learns who is where from what it receives. */
  readonly learning: boolean;
}

export interface NewVxlan {
  readonly name: string;
  readonly mac: MacAddress;
  readonly mtu: number;
  readonly vxlan: VxlanSettings;
}

/** The two ends of an IP in IP device (RFC 2003); undefined: any. */
export interface IpipSettings {
  /** Where packets come from; undefined: routing decides. */
  readonly local: Address | undefined;
  /** Where they go to; undefined: to the gateway of their route. */
  readonly remote: Address | undefined;
}

export interface NewIpip {
  readonly name: string;
  readonly mtu: number;
  readonly ipip: IpipSettings;
}

export interface KernelAddress {
  readonly address: InterfaceAddress;
  readonly interfaceIndex: number;
}

/** A line of a tunnel's forwarding table: frames to this MAC address go to that host. */
export interface KernelForwarding {
  readonly interfaceIndex: number;
  readonly mac: MacAddress;
  readonly destination: Address;
  /** NUD_*: 128 is permanent. */
  readonly state: number;
}

export interface KernelRoute {
  readonly family: IpFamily;
  readonly destination: Cidr;
  readonly interfaceIndex: number | undefined;
  readonly gateway: Address | undefined;
  readonly table: number;
  readonly protocol: number;
  /** RT_SCOPE_*: 253 is link, 0 is universe. */
  readonly scope: number;
  /** RTN_*: 1 is unicast, 6 is blackhole. */
  readonly type: number;
  readonly priority: number | undefined;
  /** The gateway is behind the interface, although no route says so. */
  readonly onlink?: true;
}

export interface KernelNeighbor {
  readonly family: IpFamily;
  readonly address: Address;
  readonly interfaceIndex: number;
  readonly mac: MacAddress | undefined;
  /** NUD_*: 128 is permanent. */
  readonly state: number;
}

/** `create` is refused with EEXIST where `replace` overwrites: the place is that of destination and metric. */
export type RouteOp =
  | { readonly op: 'create' | 'replace' | 'delete'; readonly object: 'route'; readonly route: KernelRoute }
  | { readonly op: 'replace' | 'delete'; readonly object: 'neighbor'; readonly neighbor: KernelNeighbor }
  | { readonly op: 'replace' | 'delete'; readonly object: 'forwarding'; readonly entry: KernelForwarding }
  | { readonly op: 'replace' | 'delete'; readonly object: 'address'; readonly address: KernelAddress }
  | LinkOp;

export type LinkOp =
  /** Up at once. */
  | { readonly op: 'create'; readonly object: 'vxlan'; readonly link: NewVxlan }
  | { readonly op: 'create'; readonly object: 'ipip'; readonly link: NewIpip }
  | { readonly op: 'change'; readonly object: 'link'; readonly link: LinkChange }
  | { readonly op: 'delete'; readonly object: 'link'; readonly link: Pick<Link, 'index'> };

/** What is absent stays as it is. */
export interface LinkChange extends Pick<Link, 'index'>, Partial<Pick<Link, 'mtu' | 'up'>> {
  readonly mac?: MacAddress;
}

export type LinkEvent =
  | { readonly type: 'link'; readonly link: Link; readonly gone: boolean }
  | { readonly type: 'overrun' };

export type PathEvent =
  | { readonly type: 'route'; readonly route: KernelRoute; readonly gone: boolean }
  | { readonly type: 'neighbor'; readonly neighbor: KernelNeighbor; readonly gone: boolean }
  | { readonly type: 'overrun' };

export interface RtNetlink extends AsyncDisposable {
  links(): Promise<readonly Link[]>;
  /** Routes of the main table. `protocol` filters in the kernel where it can. */
  routes(family: IpFamily, filter?: { readonly protocol?: number }): Promise<readonly KernelRoute[]>;
  neighbors(family: IpFamily): Promise<readonly KernelNeighbor[]>;
  /** Of all interfaces, in both families. */
  addresses(): Promise<readonly KernelAddress[]>;
  /** The forwarding tables of tunnels. */
  forwarding(): Promise<readonly KernelForwarding[]>;
  /** Applies in order; the answer at the same place is undefined on success. */
  apply(ops: readonly RouteOp[]): Promise<readonly (NetlinkError | undefined)[]>;
  /** Link changes as they happen; undefined where the transport has no events. */
  linkEvents(signal: AbortSignal): AsyncIterable<LinkEvent> | undefined;
  /** Routes and neighbour entries likewise, whoever changed them. */
  pathEvents(signal: AbortSignal): AsyncIterable<PathEvent> | undefined;
  close(): Promise<void>;
}
