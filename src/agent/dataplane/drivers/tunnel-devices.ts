/**
 * What is particular to each kind of tunnel (PURE): how it is made, and what can be set on it (ip-link(8)).
 *
 * No device is bound to an interface: routing decides which one packets leave by, so that the address of a host may be on
 * `lo`. No device is bound to another end either: the route (IPIP) or the forwarding table (VXLAN) says which host is
 * next. Packets leave with the local address, by which the other hosts know us.
 */
import type { Link, RouteOp } from '../../../kernel/rtnetlink.js';
import { ENCAPSULATION_OCTETS, type Encapsulation } from '../../../model/encapsulation.js';
import type { IpipTunnel, Tunnel, VxlanTunnel } from '../intent.js';

export interface TunnelDevice {
  /** What the headers of the encapsulation take of each packet, in octets. */
  readonly overhead: number;
  /** In what cannot be changed. */
  isMadeAs(link: Link): boolean;
  /** In what can. */
  isSetAs(link: Link, mtu: number): boolean;
  make(mtu: number): RouteOp;
  /** Of a device that is made as desired. */
  set(link: Link, mtu: number): RouteOp;
  /** Why the kernel does not make one, for people: it has none of this kind (EOPNOTSUPP), or one like it (EEXIST). */
  readonly unsupported: string;
  readonly exists: string;
}

export function deviceOf(tunnel: Tunnel): TunnelDevice {
  return tunnel.encapsulation === 'vxlan' ? vxlanDevice(tunnel) : ipipDevice(tunnel);
}

function vxlanDevice({ family, name, mac, id, port, local }: VxlanTunnel): TunnelDevice {
  const vxlan = { id, port, local, underlay: undefined, learning: false };
  return {
    overhead: ENCAPSULATION_OCTETS.vxlan[family],
    isMadeAs: (link) =>
      link.vxlan?.id === id &&
      link.vxlan.port === port &&
      link.vxlan.local === local &&
      link.vxlan.underlay === undefined &&
      !link.vxlan.learning,
    isSetAs: (link, mtu) => link.mac === mac && link.up && link.mtu === mtu,
    make: (mtu) => ({ op: 'create', object: 'vxlan', link: { name, mac, mtu, vxlan } }),
    set: ({ index }, mtu) => ({ op: 'change', object: 'link', link: { index, mac, mtu, up: true } }),
    unsupported: unsupported('vxlan', 'load the module'),
    exists: `another device has VNI ${id} on UDP port ${port}: remove it (ip -d link show type vxlan)`,
  };
}

function ipipDevice({ name, local }: IpipTunnel): TunnelDevice {
  const ipip = { local, remote: undefined };
  return {
    overhead: ENCAPSULATION_OCTETS.ipip[4],
    isMadeAs: (link) => link.ipip?.local === local && link.ipip.remote === undefined,
    isSetAs: (link, mtu) => link.up && link.mtu === mtu,
    make: (mtu) => ({ op: 'create', object: 'ipip', link: { name, mtu, ipip } }),
    set: ({ index }, mtu) => ({ op: 'change', object: 'link', link: { index, mtu, up: true } }),
    unsupported: unsupported('ipip', 'use vxlanMode, or load the module'),
    exists: `another device is IP in IP from ${local} to any host: remove it (ip -d link show type ipip)`,
  };
}

function unsupported(module: Encapsulation, remedy: string): string {
  return `this kernel has no ${module.toUpperCase()} (module ${module}): ${remedy}`;
}
