/**
 * Driver of the forwarding tables of our VXLAN devices: which host a MAC address of the overlay is on (bridge(8)).
 *
 * They do not learn, so this table is all they know. Ours is every permanent entry on one of them.
 */
import { NUD } from '../../../kernel/netlink/constants.js';
import type { KernelForwarding, RtNetlink } from '../../../kernel/rtnetlink.js';
import type { ForwardingEntry } from '../intent.js';
import { waitForInterfaces, writeOnInterfaces } from './interface-objects.js';
import {
  type KernelObjects,
  KernelTable,
  type PendingObject,
  type StaleObject,
  type WriteOutcome,
} from './kernel-table.js';
import { namesByIndex, removalError } from './netlink-ops.js';
import { isOwnVxlan } from './own-interfaces.js';

export interface ForwardingTableOptions {
  readonly rtnetlink: RtNetlink;
}

export interface InstalledForwarding extends KernelForwarding {
  readonly interfaceName: string;
}

/** Keyed `<interface>/<MAC address>`. */
export function forwardingTable(
  options: ForwardingTableOptions,
): KernelTable<string, ForwardingEntry, InstalledForwarding> {
  return new KernelTable(new ForwardingObjects(options));
}

type PendingEntry = PendingObject<string, ForwardingEntry, InstalledForwarding>;

class ForwardingObjects implements KernelObjects<string, ForwardingEntry, InstalledForwarding> {
  readonly name = 'forwarding-table';
  readonly #rtnetlink: RtNetlink;

  constructor({ rtnetlink }: ForwardingTableOptions) {
    this.#rtnetlink = rtnetlink;
  }

  describe(_key: string, { mac, interfaceName }: ForwardingEntry | InstalledForwarding): string {
    return `forwarding of ${mac} dev ${interfaceName}`;
  }

  equal(desired: ForwardingEntry, actual: InstalledForwarding): boolean {
    return desired.destination === actual.destination;
  }

  async readBack(): Promise<Iterable<readonly [string, InstalledForwarding]>> {
    const names = await namesByIndex(this.#rtnetlink);
    const installed: [string, InstalledForwarding][] = [];
    // On a host without them there is nothing to ask for.
    if (![...names.values()].some(isOwnVxlan)) return installed;
    for (const entry of await this.#rtnetlink.forwarding()) {
      const interfaceName = names.get(entry.interfaceIndex);
      if (interfaceName === undefined || !isOwnVxlan(interfaceName)) continue;
      if ((entry.state & NUD.PERMANENT) === 0) continue;
      installed.push([`${interfaceName}/${entry.mac}`, { ...entry, interfaceName }]);
    }
    return installed;
  }

  waitingFor(pending: readonly PendingEntry[]): Promise<readonly (string | undefined)[]> {
    return waitForInterfaces(this.#rtnetlink, pending);
  }

  write(pending: readonly PendingEntry[]): Promise<readonly WriteOutcome<InstalledForwarding>[]> {
    return writeOnInterfaces(this.#rtnetlink, pending, (desired, interfaceIndex) => {
      const entry = { ...desired, interfaceIndex, state: NUD.PERMANENT };
      return { op: { op: 'replace', object: 'forwarding', entry }, actual: entry };
    });
  }

  async remove(stale: readonly StaleObject<string, InstalledForwarding>[]): Promise<readonly unknown[]> {
    const answers = await this.#rtnetlink.apply(
      stale.map(({ actual: entry }) => ({ op: 'delete', object: 'forwarding', entry })),
    );
    return answers.map(removalError);
  }
}
