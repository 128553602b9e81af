/**
 * Who stands at the ends of a change: an endpoint or a host counts once, whatever addresses it has, and all of outside
 * counts as one. Sets of ends have numbers, equal for equal sets, by which changes of both IP versions are joined.
 */
import type { Point } from './classes/points.js';
import { TupleInterner } from './classes/tuple-interner.js';
import { hostOf } from './parties.js';

export class Ends {
  readonly #numbers = new Map<string, number>();
  readonly #groups = new TupleInterner();

  endOf({ type, name }: Point): number {
    const key = `${type} ${name}`;
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }

  of(points: readonly Point[]): ReadonlySet<number> {
    return new Set(points.map((point) => this.endOf(point)));
  }

  groupOf(ends: ReadonlySet<number>): number {
    return this.#groups.intern([...ends].sort((a, b) => a - b));
  }

  /** Pairs of one side with the other: without anybody and himself, or a workload and its own host. */
  countPairs(from: readonly Point[], to: readonly Point[]): number {
    const [sources, destinations] = [this.of(from), this.of(to)];
    let same = 0;
    for (const end of sources) if (destinations.has(end)) same += 1;
    return sources.size * destinations.size - same - countOwnHosts(from, to) - countOwnHosts(to, from);
  }
}

function countOwnHosts(workloads: readonly Point[], hosts: readonly Point[]): number {
  const names = new Set(hosts.filter(({ type }) => type === 'host').map(({ name }) => name));
  if (names.size === 0) return 0;
  const pairs = new Set<string>();
  for (const workload of workloads)
    for (const host of ownHosts(workload)) if (names.has(host)) pairs.add(`${workload.name} ${host}`);
  return pairs.size;
}

/** A workload and a host that it is on, in either network: what passes there is told by itself. */
export function isOwnHost(source: Point, destination: Point): boolean {
  return (
    (destination.type === 'host' && ownHosts(source).includes(destination.name)) ||
    (source.type === 'host' && ownHosts(destination).includes(source.name))
  );
}

/** The hosts that a workload is on, in either network. */
export function ownHosts({ type, parties }: Point): readonly string[] {
  return type === 'workload' ? parties.flatMap((party) => hostOf(party) ?? []) : [];
}
