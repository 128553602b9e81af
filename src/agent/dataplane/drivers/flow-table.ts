/**
 * Flows that policy has turned against, and those of addresses that left (nf_conntrack).
 *
 * The kernel does not judge an established flow again, and keeps its entry when the workload is gone: whoever is given
 * the address next would inherit what the last one was allowed. So the flows of an address are deleted when its
 * route goes, or moves to another interface; and when an allow may have gone, the flows of those concerned are
 * judged again (flows/policed-state.ts) and deleted where policy denies them. What comes next is judged as new, in its
 * own direction: conntrack picks up a TCP connection in the middle (nf_conntrack_tcp_loose), so one whose server may
 * open connections to its client can come back that way round.
 *
 * Both come last, after the rules and the routes: else a packet could bring the flow back. There is nothing to read
 * back. Whose flows are still to be looked at is all the state that this driver has.
 */
import type { Conntrack, Flow } from '../../../kernel/conntrack.js';
import { type Address, type Cidr, hostCidr } from '../../../model/address.js';
import type { ApplyReport, Driver, DriverFailure } from '../driver.js';
import { deniedFlows } from '../flows/judge-flows.js';
import { NetworkSet } from '../flows/network-set.js';
import type { PolicedState } from '../flows/policed-state.js';
import { messageOf } from './kernel-table.js';

export interface FlowTableOptions {
  readonly conntrack: Pick<Conntrack, 'flowsOf' | 'delete'>;
  readonly policed: PolicedState;
  /** The addresses of this host at the moment. */
  readonly hostAddresses: () => ReadonlySet<Address>;
}

export class FlowTable implements Driver {
  readonly name = 'flows';
  readonly #options: FlowTableOptions;
  readonly #left = new Set<Cidr>();

  constructor(options: FlowTableOptions) {
    this.#options = options;
  }

  /** The flows of this network are to be deleted. */
  addressLeft(cidr: Cidr): void {
    this.#left.add(cidr);
  }

  queueResync(): void {}

  async applyUpdates(): Promise<ApplyReport> {
    return { changed: 0, failures: [] };
  }

  async applyDeletions(): Promise<ApplyReport> {
    const { conntrack, policed, hostAddresses } = this.#options;
    const left = [...this.#left];
    const suspects = [...policed.suspects];
    if (left.length + suspects.length === 0) return { changed: 0, failures: [] };
    try {
      const flows = await conntrack.flowsOf([...new Set([...left, ...suspects.map(hostCidr)])]);
      const gone = new NetworkSet(left);
      const isOrphan = ({ original, reply }: Flow) =>
        gone.contains(original.source) || gone.contains(reply.source);
      const denied = [
        ...flows.filter(isOrphan),
        ...deniedFlows(
          flows.filter((flow) => !isOrphan(flow)),
          policed,
          hostAddresses(),
        ),
      ];
      const failures = failuresOf(denied, await conntrack.delete(denied));
      if (failures.length === 0) {
        for (const cidr of left) this.#left.delete(cidr);
        policed.acquit(suspects);
      }
      return { changed: denied.length - failures.length, failures };
    } catch (error) {
      return { changed: 0, failures: [{ object: this.name, message: messageOf(error) }] };
    }
  }

  async verify(): Promise<readonly DriverFailure[]> {
    return [
      ...[...this.#left].map((cidr) => ({ object: `flows of ${cidr}`, message: 'not deleted yet' })),
      ...[...this.#options.policed.suspects].map((address) => ({
        object: `flows of ${address}`,
        message: 'not judged yet',
      })),
    ];
  }
}

function failuresOf(flows: readonly Flow[], answers: readonly (Error | undefined)[]): DriverFailure[] {
  return flows.flatMap(({ original: { protocol, source, destination } }, index) => {
    const error = answers[index];
    const object = `flow ${source} > ${destination}, protocol ${protocol}`;
    return error ? [{ object, message: messageOf(error) }] : [];
  });
}
