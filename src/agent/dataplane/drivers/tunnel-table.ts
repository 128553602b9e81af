/**
 * Driver of our VXLAN devices: the device, its MAC address, its MTU and its one address (ip-link(8)).
 *
 * Ours is a device by its name. What a device was made with cannot be changed, so a device that differs there is made
 * anew; what goes with it is read back when its interface comes. The MTU is that of the interface underneath less what the
 * encapsulation takes, so an overlay adapts to jumbo frames by itself.
 */
import type { NetlinkError } from '../../../kernel/netlink/transport.js';
import type { KernelAddress, Link, RouteOp, RtNetlink } from '../../../kernel/rtnetlink.js';
import {
  addressLength,
  addressPart,
  type Cidr,
  cidrContains,
  type InterfaceAddress,
  type IpFamily,
} from '../../../model/address.js';
import type { DesiredView } from '../../../model/delta-tracker.js';
import type { Tunnel } from '../intent.js';
import {
  type KernelObjects,
  KernelTable,
  type PendingObject,
  type StaleObject,
  type WriteOutcome,
} from './kernel-table.js';
import { applyGroups, removalError } from './netlink-ops.js';
import { isTunnel } from './own-interfaces.js';

export interface TunnelTableOptions {
  readonly rtnetlink: RtNetlink;
}

export interface InstalledTunnel {
  readonly link: Link;
  readonly addresses: readonly InterfaceAddress[];
  /** Has the local address; undefined: none has. */
  readonly underlay: Link | undefined;
}

/** By name. */
export function tunnelTable(options: TunnelTableOptions): KernelTable<string, Tunnel, InstalledTunnel> {
  return new KernelTable(new TunnelObjects(options));
}

/** Ethernet, IP, UDP and VXLAN headers (RFC 7348 section 5). */
const OVERHEAD: Readonly<Record<IpFamily, number>> = { 4: 50, 6: 70 };
const LINK_LOCAL = 'fe80::/10' as Cidr;

type PendingTunnel = PendingObject<string, Tunnel, InstalledTunnel>;

class TunnelObjects implements KernelObjects<string, Tunnel, InstalledTunnel> {
  readonly name = 'tunnel-table';
  readonly #rtnetlink: RtNetlink;

  constructor({ rtnetlink }: TunnelTableOptions) {
    this.#rtnetlink = rtnetlink;
  }

  describe(name: string): string {
    return `tunnel ${name}`;
  }

  equal(desired: Tunnel, { link, addresses, underlay }: InstalledTunnel): boolean {
    const wanted = addressOf(desired);
    return (
      isMadeAs(desired, link, underlay) &&
      isSetAs(desired, link, underlay) &&
      addresses.length === (wanted === undefined ? 0 : 1) &&
      addresses[0] === wanted
    );
  }

  async readBack(
    desired: DesiredView<string, Tunnel>,
  ): Promise<Iterable<readonly [string, InstalledTunnel]>> {
    const host = await readHost(this.#rtnetlink);
    return [...host.links.values()]
      .filter(({ name }) => isTunnel(name))
      .map((link) => [link.name, host.tunnel(link, desired.get(link.name))]);
  }

  async waitingFor(pending: readonly PendingTunnel[]): Promise<readonly (string | undefined)[]> {
    const host = await readHost(this.#rtnetlink);
    return pending.map(({ desired }) => noUnderlay(host, desired));
  }

  async write(pending: readonly PendingTunnel[]): Promise<readonly WriteOutcome<InstalledTunnel>[]> {
    const before = await readHost(this.#rtnetlink);
    const made = await applyGroups(
      this.#rtnetlink,
      pending.map(({ desired }) => deviceOps(desired, before)),
    );
    // A new device has an index only now.
    const between = await readHost(this.#rtnetlink);
    const addressed = await applyGroups(
      this.#rtnetlink,
      pending.map(({ desired }) => addressOps(desired, between)),
    );
    const after = await readHost(this.#rtnetlink);
    return pending.map(({ desired }, index) => {
      const reason = noUnderlay(before, desired);
      if (reason !== undefined) return { type: 'waiting', reason };
      const error = firstError([...(made[index] ?? []), ...(addressed[index] ?? [])]);
      const link = after.links.get(desired.name);
      if (error || !link) return { type: 'failed', error: error ?? 'the device went away again' };
      return { type: 'written', actual: after.tunnel(link, desired) };
    });
  }

  async remove(stale: readonly StaleObject<string, InstalledTunnel>[]): Promise<readonly unknown[]> {
    const answers = await this.#rtnetlink.apply(
      stale.map(({ actual: { link } }) => ({ op: 'delete', object: 'link', link })),
    );
    return answers.map(removalError);
  }
}

interface HostLinks {
  readonly links: ReadonlyMap<string, Link>;
  underlayOf(tunnel: Tunnel): Link | undefined;
  tunnel(link: Link, desired: Tunnel | undefined): InstalledTunnel;
}

async function readHost(rtnetlink: RtNetlink): Promise<HostLinks> {
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

function noUnderlay(host: HostLinks, tunnel: Tunnel): string | undefined {
  return host.underlayOf(tunnel) ? undefined : `no interface has the address ${tunnel.local} of this host`;
}

/** In what cannot be changed. */
function isMadeAs(desired: Tunnel, { vxlan }: Link, underlay: Link | undefined): boolean {
  return (
    vxlan !== undefined &&
    vxlan.id === desired.id &&
    vxlan.port === desired.port &&
    vxlan.local === desired.local &&
    vxlan.underlay === underlay?.index &&
    !vxlan.learning
  );
}

function isSetAs(desired: Tunnel, { mac, mtu, up }: Link, underlay: Link | undefined): boolean {
  return mac === desired.mac && up && mtu === mtuOf(desired, underlay);
}

function mtuOf({ family }: Tunnel, underlay: Link | undefined): number {
  return (underlay?.mtu ?? 0) - OVERHEAD[family];
}

function deviceOps(desired: Tunnel, host: HostLinks): readonly RouteOp[] {
  const underlay = host.underlayOf(desired);
  const present = host.links.get(desired.name);
  if (!underlay) return [];
  const { name, mac, id, port, local } = desired;
  const mtu = mtuOf(desired, underlay);
  if (present && isMadeAs(desired, present, underlay))
    return isSetAs(desired, present, underlay)
      ? []
      : [{ op: 'change', object: 'link', link: { index: present.index, mac, mtu, up: true } }];
  const vxlan = { id, port, local, underlay: underlay.index, learning: false };
  return [
    ...(present ? [{ op: 'delete', object: 'link', link: present } as const] : []),
    { op: 'create', object: 'vxlan', link: { name, mac, mtu, vxlan } },
  ];
}

function addressOps(desired: Tunnel, host: HostLinks): readonly RouteOp[] {
  const link = host.links.get(desired.name);
  if (!link) return [];
  const wanted = addressOf(desired);
  const { addresses } = host.tunnel(link, desired);
  const address = (op: 'replace' | 'delete', one: InterfaceAddress): RouteOp => ({
    op,
    object: 'address',
    address: { address: one, interfaceIndex: link.index },
  });
  return [
    ...(wanted === undefined || addresses.includes(wanted) ? [] : [address('replace', wanted)]),
    ...addresses.filter((one) => one !== wanted).map((one) => address('delete', one)),
  ];
}

function addressOf({ address, family }: Tunnel): InterfaceAddress | undefined {
  return address && (`${address}/${addressLength(family)}` as InterfaceAddress);
}

function firstError(answers: readonly (NetlinkError | undefined)[]): NetlinkError | undefined {
  return answers.find((answer) => answer !== undefined);
}
