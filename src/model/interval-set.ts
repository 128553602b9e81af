/**
 * Sets of addresses as intervals: what is left of a network when others are taken out of it.
 *
 * A set is a list of intervals of one family in ascending order that neither overlap nor touch.
 */
import { addressBits, addressLength, addressPart, type Cidr, familyOf, prefixLength } from './address.js';

/** Both ends belong to it. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}
export type IntervalSet = readonly Interval[];

/** All addresses of a network. */
export function cidrInterval(cidr: Cidr): Interval {
  const first = addressBits(addressPart(cidr));
  const hostBits = BigInt(addressLength(familyOf(cidr)) - prefixLength(cidr));
  return { first, last: first + (1n << hostBits) - 1n };
}

/** The set of everything that one of the intervals holds. */
export function intervalSet(intervals: Iterable<Interval>): IntervalSet {
  const sorted = [...intervals].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const set: Interval[] = [];
  for (const { first, last } of sorted) {
    const before = set.at(-1);
    if (before && first <= before.last + 1n) {
      if (last > before.last) set[set.length - 1] = { first: before.first, last };
    } else {
      set.push({ first, last });
    }
  }
  return set;
}

/** What is in the first set and not in the second. */
export function subtractIntervals(from: IntervalSet, taken: IntervalSet): IntervalSet {
  const left: Interval[] = [];
  let next = 0;
  for (const { first, last } of from) {
    while ((taken[next]?.last ?? first) < first) next += 1;
    let start = first;
    for (let index = next; (taken[index]?.first ?? last + 1n) <= last; index += 1) {
      const hole = taken[index];
      if (!hole) break;
      if (hole.first > start) left.push({ first: start, last: hole.first - 1n });
      start = hole.last + 1n;
    }
    if (start <= last) left.push({ first: start, last });
  }
  return left;
}

/** What is in both sets. */
export function intersectIntervals(a: IntervalSet, b: IntervalSet): IntervalSet {
  return subtractIntervals(a, subtractIntervals(a, b));
}
