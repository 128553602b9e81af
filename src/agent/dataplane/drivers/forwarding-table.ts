/**
 * Driver of the forwarding tables of our VXLAN devices: which host a MAC address of the overlay is on (bridge(8)).
 *
 * They do not learn, so this table is all they know. Ours is every permanent entry on one of them.
 */
import { NUD } from '../../../kernel/netlink/constants.js';
import type { KernelForwarding, RouteOp, RtNetlink } from '../../../kernel/rtnetlink.js';
import type { ForwardingEntry } from '../intent.js';
import {
  type KernelObjects,
  KernelTable,
  type PendingObject,
  type StaleObject,
  type WriteOutcome,
} from './kernel-table.js';
import {
  applyGroups,
  interfaceLeft,
  interfaceNotReady,
  linksByName,
  namesByIndex,
  removalError,
} from './netlink-ops.js';
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

  async waitingFor(pending: readonly PendingEntry[]): Promise<readonly (string | undefined)[]> {
    const links = await linksByName(this.#rtnetlink);
    return pending.map(({ desired }) => interfaceNotReady(links, desired.interfaceName));
  }

  async write(pending: readonly PendingEntry[]): Promise<readonly WriteOutcome<InstalledForwarding>[]> {
    const links = await linksByName(this.#rtnetlink);
    const plans = pending.map(({ desired }) => {
      const waitingFor = interfaceNotReady(links, desired.interfaceName);
      const interfaceIndex = links.get(desired.interfaceName)?.index ?? 0;
      return { waitingFor, entry: { ...desired, interfaceIndex, state: NUD.PERMANENT } };
    });
    const answers = await applyGroups(
      this.#rtnetlink,
      plans.map(({ waitingFor, entry }): readonly RouteOp[] =>
        waitingFor === undefined ? [{ op: 'replace', object: 'forwarding', entry }] : [],
      ),
    );
    return plans.map(({ waitingFor, entry }, index) => {
      const error = answers[index]?.[0];
      if (waitingFor !== undefined) return { type: 'waiting', reason: waitingFor };
      if (error && interfaceLeft(error)) return { type: 'waiting', reason: error.message };
      return error ? { type: 'failed', error } : { type: 'written', actual: entry };
    });
  }

  async remove(stale: readonly StaleObject<string, InstalledForwarding>[]): Promise<readonly unknown[]> {
    const answers = await this.#rtnetlink.apply(
      stale.map(({ actual: entry }) => ({ op: 'delete', object: 'forwarding', entry })),
    );
    return answers.map(removalError);
  }
}
