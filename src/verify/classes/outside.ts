/**
 * Who is outside: for each region, the addresses in it that nobody of ours has.
 *
 * Only where somebody can be: loopback, link-local, multicast and reserved addresses (RFC 6890) open no connection
 * to us from elsewhere. Of the addresses of a region one is picked as a sample; a region all of whose addresses are
 * taken, or cut out by narrower regions, has no outside.
 */
import {
  type Address,
  addressBits,
  addressFromBits,
  type IpFamily,
  parseAddress,
} from '../../model/address.js';
import {
  cidrInterval,
  type Interval,
  type IntervalSet,
  intersectIntervals,
  intervalSet,
  subtractIntervals,
} from '../../model/interval-set.js';
import type { Region, Regions } from './regions.js';

export interface OutsideRegion {
  readonly region: Region;
  readonly sample: Address;
}

/** The addresses that somebody of ours has. */
export type Taken = Pick<ReadonlySet<Address>, 'has'>;

export function outsideRegions(regions: Regions, taken: Taken): readonly OutsideRegion[] {
  const { family, all } = regions;
  const inner = new Map<Region | undefined, Interval[]>(all.map((region) => [region, []]));
  for (const { cidr, parent } of all) if (cidr !== undefined) inner.get(parent)?.push(cidrInterval(cidr));
  return all.flatMap((region) => {
    const whole = region.cidr === undefined ? UNICAST[family] : unicastOf(cidrInterval(region.cidr), family);
    const holes = inner.get(region) ?? [];
    const own = holes.length === 0 ? whole : subtractIntervals(whole, intervalSet(holes));
    const sample = pickAddress(own, taken, family);
    return sample === undefined ? [] : [{ region, sample }];
  });
}

const UNICAST: Readonly<Record<IpFamily, IntervalSet>> = {
  4: [
    between('1.0.0.0', '126.255.255.255'),
    between('128.0.0.0', '169.253.255.255'),
    between('169.255.0.0', '223.255.255.255'),
  ],
  6: [
    between('2000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
    between('fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
  ],
};

/** Reserved for documentation (RFC 5737, RFC 3849): nobody takes them for somebody's. */
const PREFERRED: Readonly<Record<IpFamily, bigint>> = { 4: bitsOf('203.0.113.1'), 6: bitsOf('2001:db8::1') };

function unicastOf(interval: Interval, family: IpFamily): IntervalSet {
  const isAll = UNICAST[family].some(({ first, last }) => first <= interval.first && interval.last <= last);
  return isAll ? [interval] : intersectIntervals([interval], UNICAST[family]);
}

function between(first: string, last: string): Interval {
  return { first: bitsOf(first), last: bitsOf(last) };
}

function bitsOf(text: string): bigint {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`Not an address: ${text}`);
  return addressBits(address);
}

function pickAddress(own: IntervalSet, taken: Taken, family: IpFamily): Address | undefined {
  const freeAt = (bits: bigint): Address | undefined => {
    const address = addressFromBits(bits, family);
    return taken.has(address) ? undefined : address;
  };
  const preferred = PREFERRED[family];
  if (own.some(({ first, last }) => first <= preferred && preferred <= last)) {
    const address = freeAt(preferred);
    if (address) return address;
  }
  for (const { first, last } of own) {
    // The first address of a network is its name, not somebody in it.
    for (let bits = first + 1n; bits <= last; bits += 1n) {
      const address = freeAt(bits);
      if (address) return address;
    }
    const address = freeAt(first);
    if (address) return address;
  }
  return undefined;
}
