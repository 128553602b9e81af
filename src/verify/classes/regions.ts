/**
 * Addresses by the networks that rules name.
 *
 * Networks never overlap by halves: two of them are apart, or one holds the other. So which networks an address lies
 * in is said by the narrowest of them alone, and that network is the address's region.
 */
import {
  type Address,
  addressBits,
  addressLength,
  addressPart,
  type Cidr,
  type IpFamily,
  prefixLength,
} from '../../model/address.js';

export interface Region {
  /** Position among all regions. */
  readonly id: number;
  /** undefined: what lies in no network. */
  readonly cidr: Cidr | undefined;
  /** The region around; undefined for the outermost. */
  readonly parent: Region | undefined;
}

export interface Regions {
  readonly family: IpFamily;
  /** The outermost first; a region comes after its parent. */
  readonly all: readonly Region[];
  regionOf(address: Address): Region;
  /** The region that is exactly this network. */
  regionFor(net: Cidr): Region | undefined;
}

/** @param nets - of one family, in any order, each as often as it likes. */
export function regionsOf(family: IpFamily, nets: Iterable<Cidr>): Regions {
  const widestFirst = [...new Set(nets)].sort((a, b) => prefixLength(a) - prefixLength(b));
  const outermost: Region = { id: 0, cidr: undefined, parent: undefined };
  const all: Region[] = [outermost];
  const byCidr = new Map<Cidr, Region>();
  /** Regions by their leading bits, one level for each prefix length, the narrowest first. */
  const levels: { readonly shift: bigint; readonly regions: Map<bigint, Region> }[] = [];
  const narrowest = (bits: bigint): Region => {
    for (const { shift, regions } of levels) {
      const region = regions.get(bits >> shift);
      if (region) return region;
    }
    return outermost;
  };
  for (const cidr of widestFirst) {
    const bits = addressBits(addressPart(cidr));
    const shift = BigInt(addressLength(family) - prefixLength(cidr));
    const region: Region = { id: all.length, cidr, parent: narrowest(bits) };
    all.push(region);
    byCidr.set(cidr, region);
    if (levels[0]?.shift !== shift) levels.unshift({ shift, regions: new Map() });
    levels[0]?.regions.set(bits >> shift, region);
  }
  return {
    family,
    all,
    regionOf: (address) => (levels.length === 0 ? outermost : narrowest(addressBits(address))),
    regionFor: (net) => byCidr.get(net),
  };
}
