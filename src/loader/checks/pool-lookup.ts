/**
 * Whether an address lies in a pool, in a time that hardly grows with the number of pools.
 */
import { type Cidr, cidrContains, compareCidrs } from '../../model/address.js';

/** A function that tells whether one of the networks contains another. */
export function makePoolLookup(pools: readonly Cidr[]): (cidr: Cidr) => boolean {
  const sorted: Cidr[] = [];
  // One inside another adds nothing: the wider one comes first.
  for (const pool of [...pools].sort(compareCidrs)) {
    const last = sorted.at(-1);
    if (last === undefined || !cidrContains(last, pool)) sorted.push(pool);
  }
  return (cidr) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const pool = sorted[middle];
      if (pool && compareCidrs(pool, cidr) <= 0) low = middle + 1;
      else high = middle;
    }
    // None is inside another, so only the last one that begins at or before the address can contain it.
    const candidate = sorted[low - 1];
    return candidate !== undefined && cidrContains(candidate, cidr);
  };
}
