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
  ipv4Number,
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
  const widestFirst = Array.from(new Set(nets), (cidr) => ({ cidr, length: prefixLength(cidr) }));
  widestFirst.sort((a, b) => a.length - b.length);
  const outermost: Region = { id: 0, cidr: undefined, parent: undefined };
  const all: Region[] = [outermost];
  const byCidr = new Map<Cidr, Region>();
  /** Regions by their leading bits, one level for each prefix length, the narrowest first. */
  const levels: { readonly hostBits: number; readonly regions: Map<Bits, Region> }[] = [];
  const bitsOf: (address: Address) => Bits = family === 4 ? ipv4Number : addressBits;
  const narrowest = (bits: Bits): Region => {
    for (let index = 0; index < levels.length; index += 1) {
      const level = levels[index];
      const region = level?.regions.get(networkBits(bits, level.hostBits));
      if (region) return region;
    }
    return outermost;
  };
  for (const { cidr, length } of widestFirst) {
    const bits = bitsOf(addressPart(cidr));
    const hostBits = addressLength(family) - length;
    const region: Region = { id: all.length, cidr, parent: narrowest(bits) };
    all.push(region);
    byCidr.set(cidr, region);
    if (levels[0]?.hostBits !== hostBits) levels.unshift({ hostBits, regions: new Map() });
    levels[0]?.regions.set(networkBits(bits, hostBits), region);
  }
  return {
    family,
    all,
    regionOf: (address) => (levels.length === 0 ? outermost : narrowest(bitsOf(address))),
    regionFor: (net) => byCidr.get(net),
  };
}

/** Numbers for IPv4: they cost far less. */
type Bits = number | bigint;

function networkBits(bits: Bits, hostBits: number): Bits {
  if (typeof bits === 'bigint') return bits >> BigInt(hostBits);
  // A shift by 32 would be one by nothing.
  return hostBits === 32 ? 0 : bits >>> hostBits;
}
