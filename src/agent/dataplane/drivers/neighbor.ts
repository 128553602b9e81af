/**
 * Driver of permanent neighbour entries: a workload's address and the MAC address of its end of the pair, in one
 * family (ip-neighbour(8)).
 *
 * With them the host reaches a workload without asking, so that no workload can answer for another, and the
 * entries do not count against the size of the neighbour cache (gc_thresh3), which all namespaces share. Ours is a
 * permanent entry on an interface whose name has our prefix, or on a VXLAN device of ours, where it tells the MAC address
 * of the other end: nobody else has business there.
 *
 * The MAC addresses of the pair are not ours to change: who makes the interface chooses them. Changing the one of
 * the host's end later would flush these entries and move the link-local address that is the IPv6 gateway.
 */
import { NUD } from '../../../kernel/netlink/constants.js';
import type { KernelNeighbor, RtNetlink } from '../../../kernel/rtnetlink.js';
import type { IpFamily } from '../../../model/address.js';
import type { Neighbor } from '../intent.js';
import { waitForInterfaces, writeOnInterfaces } from './interface-objects.js';
import type { KernelObjects, PendingObject, StaleObject, WriteOutcome } from './kernel-table.js';
import { KernelTable } from './kernel-table.js';
import { namesByIndex, removalError } from './netlink-ops.js';
import { isOwnInterface } from './own-interfaces.js';

export interface NeighborTableOptions {
  readonly family: IpFamily;
  readonly rtnetlink: RtNetlink;
  /** Interfaces whose name begins so belong to workloads. */
  readonly interfacePrefix: string;
}

export interface InstalledNeighbor extends KernelNeighbor {
  readonly interfaceName: string;
}

/** Keyed `<interface>/<address>`. */
export function neighborTable(
  options: NeighborTableOptions,
): KernelTable<string, Neighbor, InstalledNeighbor> {
  return new KernelTable(new NeighborObjects(options));
}

/** The key of an entry in the desired view. */
export function neighborKey({ interfaceName, address }: Pick<Neighbor, 'interfaceName' | 'address'>): string {
  return `${interfaceName}/${address}`;
}

type PendingNeighbor = PendingObject<string, Neighbor, InstalledNeighbor>;

class NeighborObjects implements KernelObjects<string, Neighbor, InstalledNeighbor> {
  readonly name: string;
  readonly #options: NeighborTableOptions;

  constructor(options: NeighborTableOptions) {
    this.name = `neighbor-table-${options.family}`;
    this.#options = options;
  }

  describe(_key: string, { address, interfaceName }: Neighbor | InstalledNeighbor): string {
    return `neighbor ${address} dev ${interfaceName}`;
  }

  equal(desired: Neighbor, actual: InstalledNeighbor): boolean {
    return desired.mac === actual.mac;
  }

  async readBack(): Promise<Iterable<readonly [string, InstalledNeighbor]>> {
    const { family, rtnetlink, interfacePrefix } = this.#options;
    const names = await namesByIndex(rtnetlink);
    const installed: [string, InstalledNeighbor][] = [];
    for (const neighbor of await rtnetlink.neighbors(family)) {
      const interfaceName = names.get(neighbor.interfaceIndex);
      if ((neighbor.state & NUD.PERMANENT) === 0 || interfaceName === undefined) continue;
      if (!isOwnInterface(interfaceName, interfacePrefix)) continue;
      const named = { ...neighbor, interfaceName };
      installed.push([neighborKey(named), named]);
    }
    return installed;
  }

  waitingFor(pending: readonly PendingNeighbor[]): Promise<readonly (string | undefined)[]> {
    return waitForInterfaces(this.#options.rtnetlink, pending);
  }

  write(pending: readonly PendingNeighbor[]): Promise<readonly WriteOutcome<InstalledNeighbor>[]> {
    const { family, rtnetlink } = this.#options;
    return writeOnInterfaces(rtnetlink, pending, (desired, interfaceIndex) => {
      const neighbor = { ...desired, family, interfaceIndex, state: NUD.PERMANENT };
      return { op: { op: 'replace', object: 'neighbor', neighbor }, actual: neighbor };
    });
  }

  async remove(stale: readonly StaleObject<string, InstalledNeighbor>[]): Promise<readonly unknown[]> {
    const answers = await this.#options.rtnetlink.apply(
      stale.map(({ actual: neighbor }) => ({ op: 'delete', object: 'neighbor', neighbor })),
    );
    return answers.map(removalError);
  }
}
