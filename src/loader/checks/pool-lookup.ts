import { type Cidr, cidrContains, compareCidrs } from '../../model/address.js';

/** Whether an address lies in one of the networks, in a time that does not grow with their number. */
export function makePoolLookup(pools: readonly Cidr[]): (cidr: Cidr) => boolean {
  const sorted = [...pools].sort(compareCidrs);
  return (cidr) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const pool = sorted[middle];
      if (pool && compareCidrs(pool, cidr) <= 0) low = middle + 1;
      else high = middle;
    }
    // Pools do not overlap, so only the last one that begins at or before the address can contain it.
    const candidate = sorted[low - 1];
    return candidate !== undefined && cidrContains(candidate, cidr);
  };
}
