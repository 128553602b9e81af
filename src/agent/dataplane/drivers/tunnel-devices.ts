/**
 * What is particular to each kind of tunnel (PURE): which device it is, and how it becomes one (ip-link(8)).
 *
 * A VXLAN device is bound to the interface underneath and is made whole. The IP in IP device has any other end, so that
 * packets go to the gateway of their route. The kernel allows one such device a namespace, and makes it by itself, as
 * `tunl0`, when its module is loaded (net/ipv4/ipip.c): it cannot be removed, so it is taken into use.
 */
import type { NetlinkError } from '../../../kernel/netlink/transport.js';
import type { Link, RouteOp } from '../../../kernel/rtnetlink.js';
import type { IpFamily } from '../../../model/address.js';
import { IPIP_ALIAS, type IpipTunnel, type Tunnel, type VxlanTunnel } from '../intent.js';
import { isOwnIpip } from './own-interfaces.js';

export interface TunnelDevice {
  /** What the headers of the encapsulation take of each packet, in octets. */
  readonly overhead: number;
  /** In what cannot be changed. */
  isMadeAs(link: Link, underlay: Link): boolean;
  /** In what can. */
  isSetAs(link: Link, mtu: number): boolean;
  make(underlay: Link, mtu: number): RouteOp;
  /** Of a device that is made as wished. */
  set(link: Link, mtu: number): RouteOp;
  /** Whether another device of this name may be removed to make room. */
  mayReplace(link: Link): boolean;
  /** Why no try can make it here, by what the kernel answered to the last one; undefined: one may. */
  impossible(error: NetlinkError | undefined): string | undefined;
  /** What keeps it from being made, for people. @param inTheWay - what has the name */
  explain(error: NetlinkError | undefined, inTheWay: Link | undefined): unknown;
}

export function deviceOf(tunnel: Tunnel): TunnelDevice {
  return tunnel.encapsulation === 'vxlan' ? vxlanDevice(tunnel) : ipipDevice(tunnel);
}

/** Ethernet, IP, UDP and VXLAN headers (RFC 7348 section 5). */
const VXLAN_OVERHEAD: Readonly<Record<IpFamily, number>> = { 4: 50, 6: 70 };
/** One IPv4 header without options (RFC 2003 section 3). */
const IPIP_OVERHEAD = 20;

function vxlanDevice({ family, name, mac, id, port, local }: VxlanTunnel): TunnelDevice {
  return {
    overhead: VXLAN_OVERHEAD[family],
    isMadeAs: ({ vxlan }, underlay) =>
      vxlan !== undefined &&
      vxlan.id === id &&
      vxlan.port === port &&
      vxlan.local === local &&
      vxlan.underlay === underlay.index &&
      !vxlan.learning,
    isSetAs: (link, mtu) => link.mac === mac && link.up && link.mtu === mtu,
    make: (underlay, mtu) => ({
      op: 'create',
      object: 'vxlan',
      link: { name, mac, mtu, vxlan: { id, port, local, underlay: underlay.index, learning: false } },
    }),
    set: ({ index }, mtu) => ({ op: 'change', object: 'link', link: { index, mac, mtu, up: true } }),
    mayReplace: () => true,
    impossible: () => undefined,
    explain: (error) => error ?? WENT_AWAY,
  };
}

function ipipDevice({ name, local }: IpipTunnel): TunnelDevice {
  return {
    overhead: IPIP_OVERHEAD,
    // The kernel's own sends from whichever address routing chooses.
    isMadeAs: ({ ipip }) =>
      ipip !== undefined && ipip.remote === undefined && (ipip.local ?? local) === local,
    isSetAs: (link, mtu) => link.up && link.mtu === mtu && isOwnIpip(link),
    // Only where the kernel was told to make none by itself does this one live to be used (fb_tunnels_only_for_init_net);
    // such a device receives by its local address.
    make: () => ({ op: 'create', object: 'ipip', link: { name, ipip: { local, remote: undefined } } }),
    set: ({ index }, mtu) => ({
      op: 'change',
      object: 'link',
      link: { index, mtu, up: true, alias: IPIP_ALIAS },
    }),
    mayReplace: isOwnIpip,
    impossible: (error) => (error?.code === 'EOPNOTSUPP' ? NO_IPIP : undefined),
    explain: (error, inTheWay) =>
      inTheWay
        ? `an interface of that name is in the way, which is no IP in IP device to any host: remove it (ip -d link show ${name})`
        : (error ?? WENT_AWAY),
  };
}

const NO_IPIP = 'this kernel has no IPIP (module ipip): use vxlanMode, or load the module';
const WENT_AWAY = 'the device went away again';
