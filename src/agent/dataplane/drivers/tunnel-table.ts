/**
 * Driver of our tunnels: the device, what can be set on it, its MTU and its one address.
 *
 * Ours is a VXLAN device by its name, and the IP in IP device by its alias (own-interfaces.ts). What a device was made with
 * cannot be changed, so a device that differs there is made anew; what goes with it is read back when its interface comes.
 * The MTU is that of the interface underneath less what the encapsulation takes, so an overlay adapts to jumbo frames by
 * itself. A device of the kernel's own stays when nobody wants it: it is left as we found it, down and without address.
 */
import type { NetlinkError } from '../../../kernel/netlink/transport.js';
import type { Link, RouteOp, RtNetlink } from '../../../kernel/rtnetlink.js';
import { addressLength, type InterfaceAddress } from '../../../model/address.js';
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
import { isOwnIpip, isOwnVxlan } from './own-interfaces.js';
import { deviceOf } from './tunnel-devices.js';
import { type InstalledTunnel, readTunnelHost, type TunnelHost } from './tunnel-host.js';

export interface TunnelTableOptions {
  readonly rtnetlink: RtNetlink;
}

/** By name. */
export function tunnelTable(options: TunnelTableOptions): KernelTable<string, Tunnel, InstalledTunnel> {
  return new KernelTable(new TunnelObjects(options));
}

type PendingTunnel = PendingObject<string, Tunnel, InstalledTunnel>;
type Answers = readonly (NetlinkError | undefined)[];

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
    if (!underlay) return false;
    const device = deviceOf(desired);
    const wanted = addressOf(desired);
    return (
      device.isMadeAs(link, underlay) &&
      device.isSetAs(link, underlay.mtu - device.overhead) &&
      addresses.length === (wanted === undefined ? 0 : 1) &&
      addresses[0] === wanted
    );
  }

  /** An IP in IP device that is not marked yet is ours to take into use, and nothing to sweep. */
  async readBack(
    desired: DesiredView<string, Tunnel>,
  ): Promise<Iterable<readonly [string, InstalledTunnel]>> {
    const host = await readTunnelHost(this.#rtnetlink);
    return [...host.links.values()]
      .filter((link) => isOwnVxlan(link.name) || isOwnIpip(link) || desired.has(link.name))
      .map((link) => [link.name, host.tunnel(link, desired.get(link.name))]);
  }

  async waitingFor(pending: readonly PendingTunnel[]): Promise<readonly (string | undefined)[]> {
    const host = await readTunnelHost(this.#rtnetlink);
    return pending.map(({ desired }) => noUnderlay(host, desired));
  }

  async write(pending: readonly PendingTunnel[]): Promise<readonly WriteOutcome<InstalledTunnel>[]> {
    const before = await readTunnelHost(this.#rtnetlink);
    const made = await applyGroups(
      this.#rtnetlink,
      pending.map(({ desired }) => makeOps(desired, before)),
    );
    // A new device has an index only now.
    const between = await readTunnelHost(this.#rtnetlink);
    const set = await applyGroups(
      this.#rtnetlink,
      pending.map(({ desired }) => settleOps(desired, between)),
    );
    const after = await readTunnelHost(this.#rtnetlink);
    return pending.map(({ desired }, index): WriteOutcome<InstalledTunnel> => {
      const reason = noUnderlay(before, desired);
      if (reason !== undefined) return { type: 'waiting', reason };
      const link = after.links.get(desired.name);
      // Who makes a device by itself while we ask for it has done what we asked for.
      if (!link || !isMade(desired, after)) return notMade(desired, firstError(made[index] ?? []), link);
      const error = firstError(set[index] ?? []);
      return error ? { type: 'failed', error } : { type: 'written', actual: after.tunnel(link, desired) };
    });
  }

  async remove(stale: readonly StaleObject<string, InstalledTunnel>[]): Promise<readonly unknown[]> {
    const before = await readTunnelHost(this.#rtnetlink);
    const answers = await applyGroups(
      this.#rtnetlink,
      stale.map(({ key }) => removeOps(key, before)),
    );
    const after = await readTunnelHost(this.#rtnetlink);
    const parked = await applyGroups(
      this.#rtnetlink,
      stale.map(({ key }) => parkOps(key, after)),
    );
    return stale.map((_, index) => {
      const errors = parked[index]?.length ? parked[index] : answers[index];
      return firstError((errors ?? []).map(removalError));
    });
  }
}

function noUnderlay(host: TunnelHost, tunnel: Tunnel): string | undefined {
  return host.underlayOf(tunnel) ? undefined : `no interface has the address ${tunnel.local} of this host`;
}

function isMade(desired: Tunnel, host: TunnelHost): boolean {
  const link = host.links.get(desired.name);
  const underlay = host.underlayOf(desired);
  return link !== undefined && underlay !== undefined && deviceOf(desired).isMadeAs(link, underlay);
}

function notMade(
  desired: Tunnel,
  error: NetlinkError | undefined,
  inTheWay: Link | undefined,
): WriteOutcome<InstalledTunnel> {
  const device = deviceOf(desired);
  const reason = device.impossible(error);
  return reason === undefined
    ? { type: 'failed', error: device.explain(error, inTheWay) }
    : { type: 'impossible', reason };
}

/** Has the device there, whatever is set on it. */
function makeOps(desired: Tunnel, host: TunnelHost): readonly RouteOp[] {
  const underlay = host.underlayOf(desired);
  if (!underlay || isMade(desired, host)) return [];
  const device = deviceOf(desired);
  const present = host.links.get(desired.name);
  const make = device.make(underlay, underlay.mtu - device.overhead);
  if (!present) return [make];
  return device.mayReplace(present) ? [{ op: 'delete', object: 'link', link: present }, make] : [];
}

function settleOps(desired: Tunnel, host: TunnelHost): readonly RouteOp[] {
  const link = host.links.get(desired.name);
  const underlay = host.underlayOf(desired);
  if (!link || !underlay || !isMade(desired, host)) return [];
  const device = deviceOf(desired);
  const mtu = underlay.mtu - device.overhead;
  const wanted = addressOf(desired);
  const { addresses } = host.tunnel(link, desired);
  return [
    ...(device.isSetAs(link, mtu) ? [] : [device.set(link, mtu)]),
    ...(wanted === undefined || addresses.includes(wanted) ? [] : [addressOp('replace', wanted, link)]),
    ...addresses.filter((one) => one !== wanted).map((one) => addressOp('delete', one, link)),
  ];
}

/** By what is there now: a device that has lost our mark since is somebody else's. */
function removeOps(name: string, host: TunnelHost): readonly RouteOp[] {
  const link = host.links.get(name);
  return link && (isOwnVxlan(name) || isOwnIpip(link)) ? [{ op: 'delete', object: 'link', link }] : [];
}

/** Asked to delete the device that it has made by itself, the kernel says yes, and leaves it (ip_tunnel_dellink). */
function parkOps(name: string, host: TunnelHost): readonly RouteOp[] {
  const link = host.links.get(name);
  if (!link || !isOwnIpip(link)) return [];
  const { addresses } = host.tunnel(link, undefined);
  return [
    ...addresses.map((one) => addressOp('delete', one, link)),
    { op: 'change', object: 'link', link: { index: link.index, up: false, alias: '' } },
  ];
}

function addressOp(
  op: 'replace' | 'delete',
  address: InterfaceAddress,
  { index: interfaceIndex }: { readonly index: number },
): RouteOp {
  return { op, object: 'address', address: { address, interfaceIndex } };
}

function addressOf({ address, family }: Tunnel): InterfaceAddress | undefined {
  return address && (`${address}/${addressLength(family)}` as InterfaceAddress);
}

function firstError(answers: Answers): NetlinkError | undefined {
  return answers.find((answer) => answer !== undefined);
}
