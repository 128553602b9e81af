/**
 * Driver of our tunnels: the device, what can be set on it, its MTU and its one address.
 *
 * Ours is a device by its name (own-interfaces.ts). What a device was made with cannot be changed, so one that differs
 * there is made anew; what goes with it is read back when its interface comes. The MTU is that of the interface
 * underneath less what the encapsulation takes, so an overlay adapts to jumbo frames by itself; where the host's address
 * is on `lo`, it is the smallest that its packets may meet on their way out.
 */
import type { NetlinkError } from '../../../kernel/netlink/transport.js';
import type { Link, RouteOp, RtNetlink } from '../../../kernel/rtnetlink.js';
import { addressLength, type InterfaceAddress } from '../../../model/address.js';
import type { DriverFailure } from '../driver.js';
import type { Tunnel } from '../intent.js';
import {
  type KernelObjects,
  KernelTable,
  type PendingObject,
  type StaleObject,
  type WriteOutcome,
} from './kernel-table.js';
import { applyGroups, removalError } from './netlink-ops.js';
import { isOwnTunnel } from './own-interfaces.js';
import { deviceOf } from './tunnel-devices.js';
import { type InstalledTunnel, readTunnelHost, type TunnelHost } from './tunnel-host.js';

export interface TunnelTableOptions {
  readonly rtnetlink: RtNetlink;
  /** Interfaces whose name begins so belong to workloads. */
  readonly interfacePrefix: string;
  /** Told before one of our devices goes; it stays for now when this fails. */
  readonly beforeRemoval: (interfaceName: string) => Promise<DriverFailure | undefined>;
}

/** By name. */
export function tunnelTable(options: TunnelTableOptions): KernelTable<string, Tunnel, InstalledTunnel> {
  return new KernelTable(new TunnelObjects(options));
}

type PendingTunnel = PendingObject<string, Tunnel, InstalledTunnel>;

class TunnelObjects implements KernelObjects<string, Tunnel, InstalledTunnel> {
  readonly name = 'tunnel-table';
  readonly #options: TunnelTableOptions;

  constructor(options: TunnelTableOptions) {
    this.#options = options;
  }

  describe(name: string): string {
    return `tunnel ${name}`;
  }

  equal(desired: Tunnel, { link, addresses, mtuBelow }: InstalledTunnel): boolean {
    const below = mtuBelow(desired.local);
    if (below === undefined) return false;
    const device = deviceOf(desired);
    const wanted = addressOf(desired);
    return (
      device.isMadeAs(link) &&
      device.isSetAs(link, below - device.overhead) &&
      addresses.length === (wanted === undefined ? 0 : 1) &&
      addresses[0] === wanted
    );
  }

  async readBack(): Promise<Iterable<readonly [string, InstalledTunnel]>> {
    const host = await this.#read();
    return [...host.links.values()]
      .filter(({ name }) => isOwnTunnel(name))
      .map((link) => [link.name, host.tunnel(link)]);
  }

  async waitingFor(pending: readonly PendingTunnel[]): Promise<readonly (string | undefined)[]> {
    const host = await this.#read();
    return pending.map(({ desired }) => noAddress(host, desired));
  }

  async write(pending: readonly PendingTunnel[]): Promise<readonly WriteOutcome<InstalledTunnel>[]> {
    const { rtnetlink } = this.#options;
    const before = await this.#read();
    const plans = pending.map(({ desired }) => createOps(desired, before));
    const kept = await this.#keptBy(
      pending.map(({ key }, index) => (removes(plans[index]) ? key : undefined)),
    );
    const made = await applyGroups(
      rtnetlink,
      plans.map((ops, index) => (kept[index] ? [] : ops)),
    );
    // A new device has an index only now.
    const between = await this.#read();
    const set = await applyGroups(
      rtnetlink,
      pending.map(({ desired }) => adjustOps(desired, between)),
    );
    const after = await this.#read();
    return pending.map(({ desired }, index): WriteOutcome<InstalledTunnel> => {
      const reason = noAddress(before, desired);
      if (reason !== undefined) return { type: 'waiting', reason };
      if (kept[index]) return { type: 'failed', error: kept[index] };
      const refusal = firstError((made[index] ?? []).map(removalError));
      if (refusal) return notMade(desired, refusal);
      const link = after.links.get(desired.name);
      const error = firstError(set[index] ?? []) ?? (link ? undefined : WENT_AWAY);
      return error || !link ? { type: 'failed', error } : { type: 'written', actual: after.tunnel(link) };
    });
  }

  async remove(stale: readonly StaleObject<string, InstalledTunnel>[]): Promise<readonly unknown[]> {
    const { links } = await this.#read();
    const kept = await this.#keptBy(stale.map(({ key }) => key));
    const answers = await applyGroups(
      this.#options.rtnetlink,
      stale.map(({ key }, index) => {
        const link = links.get(key);
        return link && !kept[index] ? [removal(link)] : [];
      }),
    );
    return answers.map(([answer], index) => kept[index] ?? removalError(answer));
  }

  /** Why devices may not go yet, at the places of their names. */
  async #keptBy(leaving: readonly (string | undefined)[]): Promise<readonly (string | undefined)[]> {
    const reasons: (string | undefined)[] = [];
    for (const name of leaving) {
      const failure = name === undefined ? undefined : await this.#options.beforeRemoval(name);
      reasons.push(failure && `kept, because of ${failure.object}: ${failure.message}`);
    }
    return reasons;
  }

  #read(): Promise<TunnelHost> {
    return readTunnelHost(this.#options.rtnetlink, this.#options.interfacePrefix);
  }
}

const WENT_AWAY = 'the device went away again';

function noAddress(host: TunnelHost, { local }: Tunnel): string | undefined {
  return host.mtuBelow(local) === undefined
    ? `no interface has the address ${local} of this host`
    : undefined;
}

function notMade(desired: Tunnel, error: NetlinkError): WriteOutcome<InstalledTunnel> {
  const { unsupported, exists } = deviceOf(desired);
  if (error.code === 'EOPNOTSUPP') return { type: 'impossible', reason: unsupported };
  return { type: 'failed', error: error.code === 'EEXIST' ? exists : error };
}

/** Has the device there, whatever is set on it. */
function createOps(desired: Tunnel, host: TunnelHost): readonly RouteOp[] {
  const device = deviceOf(desired);
  const below = host.mtuBelow(desired.local);
  const present = host.links.get(desired.name);
  if (below === undefined || (present && device.isMadeAs(present))) return [];
  return [...(present ? [removal(present)] : []), device.make(below - device.overhead)];
}

function adjustOps(desired: Tunnel, host: TunnelHost): readonly RouteOp[] {
  const device = deviceOf(desired);
  const below = host.mtuBelow(desired.local);
  const link = host.links.get(desired.name);
  if (below === undefined || !link || !device.isMadeAs(link)) return [];
  const wanted = addressOf(desired);
  const { addresses } = host.tunnel(link);
  const mtu = below - device.overhead;
  const address = (op: 'replace' | 'delete', one: InterfaceAddress): RouteOp => ({
    ...{ op, object: 'address' },
    address: { address: one, interfaceIndex: link.index },
  });
  return [
    ...(device.isSetAs(link, mtu) ? [] : [device.set(link, mtu)]),
    ...(wanted === undefined || addresses.includes(wanted) ? [] : [address('replace', wanted)]),
    ...addresses.filter((one) => one !== wanted).map((one) => address('delete', one)),
  ];
}

function removes(ops: readonly RouteOp[] = []): boolean {
  return ops.some(({ op }) => op === 'delete');
}

function removal(link: Link): RouteOp {
  return { op: 'delete', object: 'link', link };
}

function addressOf({ address, family }: Tunnel): InterfaceAddress | undefined {
  return address && (`${address}/${addressLength(family)}` as InterfaceAddress);
}

function firstError(answers: readonly (NetlinkError | undefined)[]): NetlinkError | undefined {
  return answers.find((answer) => answer !== undefined);
}
