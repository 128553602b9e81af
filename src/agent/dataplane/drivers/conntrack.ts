/**
 * Flows of addresses that left (conntrack(8)).
 *
 * An established flow is not judged again, and its entry outlives the workload: whoever is given the address next
 * would inherit what the last one was allowed. So the flows of an address are deleted when its route goes or moves
 * to another interface, after the route itself. The address may stand at either end, and before or after address
 * translation: four questions, one run of the program each.
 *
 * There is nothing to read back: the kernel does not know whose flow it is. What is not deleted yet is all the
 * state that this driver has.
 */
import type { Exec } from '../../../kernel/exec.js';
import { addressLength, addressPart, type Cidr, familyOf, prefixLength } from '../../../model/address.js';
import type { DesiredView } from '../../../model/delta-tracker.js';
import type { ApplyReport, Driver, DriverFailure } from '../driver.js';
import type { Route } from '../intent.js';
import { messageOf } from './kernel-table.js';

/** A flow as its first packet had it, and as its answers have it. conntrack takes a network for the former only. */
const ORIGINAL_ENDS = ['--orig-src', '--orig-dst'];
const REPLY_ENDS = ['--reply-src', '--reply-dst'];
const RUNS_AT_ONCE = 8;

export class ConntrackTable implements Driver {
  readonly name = 'conntrack';
  readonly #exec: Exec;
  readonly #left = new Set<Cidr>();

  constructor(exec: Exec) {
    this.#exec = exec;
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
    let changed = 0;
    const failures: DriverFailure[] = [];
    const left = [...this.#left];
    for (let start = 0; start < left.length; start += RUNS_AT_ONCE) {
      const some = left.slice(start, start + RUNS_AT_ONCE);
      const results = await Promise.allSettled(some.map((cidr) => deleteFlows(this.#exec, cidr)));
      for (const [index, cidr] of some.entries()) {
        const result = results[index];
        if (result?.status === 'fulfilled') {
          this.#left.delete(cidr);
          changed += result.value;
        } else failures.push({ object: describe(cidr), message: messageOf(result?.reason) });
      }
    }
    return { changed, failures };
  }

  async verify(): Promise<readonly DriverFailure[]> {
    return [...this.#left].map((cidr) => ({ object: describe(cidr), message: 'not deleted yet' }));
  }
}

/** The same wishes for routes; an address that is taken back, or moved, is told. */
export function tellWhatLeft(
  routes: DesiredView<Cidr, Route>,
  onLeft: (cidr: Cidr) => void,
): DesiredView<Cidr, Route> {
  return {
    set(cidr, route) {
      const before = routes.get(cidr);
      if (before && before.interfaceName !== route.interfaceName) onLeft(cidr);
      routes.set(cidr, route);
    },
    delete(cidr) {
      if (routes.has(cidr)) onLeft(cidr);
      routes.delete(cidr);
    },
    get: (cidr) => routes.get(cidr),
    has: (cidr) => routes.has(cidr),
    keys: () => routes.keys(),
    entries: () => routes.entries(),
    get size() {
      return routes.size;
    },
  };
}

/** @returns how many flows were deleted. @throws when the program cannot be run, or did not finish its work */
async function deleteFlows(exec: Exec, cidr: Cidr): Promise<number> {
  const family = familyOf(cidr);
  const isHost = prefixLength(cidr) === addressLength(family);
  let deleted = 0;
  for (const end of isHost ? [...ORIGINAL_ENDS, ...REPLY_ENDS] : ORIGINAL_ENDS) {
    const args = ['-D', '-f', `ipv${family}`, end, isHost ? addressPart(cidr) : cidr];
    const { code, stderr } = await exec('conntrack', args);
    // 1 is both "there was none" and "it did not work"; the count is printed only when it did.
    const count = /(\d+) flow entries have been deleted/.exec(stderr);
    if (count === null) throw new Error(`conntrack ${args.join(' ')}: exit ${code}: ${stderr.trim()}`);
    deleted += Number(count[1]);
  }
  return deleted;
}

function describe(cidr: Cidr): string {
  return `flows of ${cidr}`;
}
