/**
 * What a host has to announce, when nobody knows yet which addresses its workloads will have.
 *
 * Any address of a pool may be on any host, so one address stands for the pool. Where a filter or an advertisement looks
 * at a part of a pool, that part has an address of its own to stand for it; a block of the host is announced as a whole.
 */
import {
  type Address,
  addressBits,
  addressFromBits,
  addressLength,
  addressPart,
  type Cidr,
  cidrContains,
  familyOf,
  hostCidr,
  prefixLength,
} from '../../model/address.js';
import { blocksOf } from '../blocks.js';
import type { TopologyInput } from '../topology-input.js';

export interface Destination {
  /** The pool, the part of it or the block, for people. */
  readonly network: Cidr;
  /** The route that BGP carries for it. */
  readonly route: Cidr;
}

/** What every host may have to announce: a destination for each pool and for each part that somebody looks at. */
export function poolDestinations(input: TopologyInput): readonly Destination[] {
  const pools = [...new Set([...input.pools.values()].map(({ spec }) => spec.cidr))];
  const parts = [
    ...new Set([...networksLookedAt(input), ...[...input.blocks.values()].map(({ cidr }) => cidr)]),
  ];
  const blocks = new Set([...input.blocks.values()].map(({ cidr }) => cidr));
  return pools.flatMap((pool) => {
    const inside = parts.filter((part) => part !== pool && cidrContains(pool, part));
    const shown = [pool, ...inside.filter((part) => !blocks.has(part))];
    return shown.flatMap((network) => {
      const smaller = inside.filter((part) => part !== network && cidrContains(network, part));
      const address = addressOutside(network, smaller);
      return address === undefined ? [] : [{ network, route: hostCidr(address) }];
    });
  });
}

/** What this host announces for its blocks. */
export function blockDestinations(node: string, input: TopologyInput): readonly Destination[] {
  return blocksOf(node, input).map(({ cidr, aggregated }) => ({
    network: cidr,
    route: aggregated ? cidr : hostCidr(addressPart(cidr)),
  }));
}

function networksLookedAt({ bgpFilters, bgpConfigurations }: TopologyInput): readonly Cidr[] {
  const filtered = [...bgpFilters.values()].flatMap(({ spec }) =>
    [spec.exportV4, spec.importV4, spec.exportV6, spec.importV6].flatMap((rules) =>
      (rules ?? []).flatMap(({ cidr }) => cidr ?? []),
    ),
  );
  const advertised = [...bgpConfigurations.values()].flatMap(({ spec }) =>
    (spec.prefixAdvertisements ?? []).map(({ cidr }) => cidr),
  );
  return [...filtered, ...advertised];
}

/** An address of the network that is in none of its parts; undefined: they are all of it. */
function addressOutside(network: Cidr, parts: readonly Cidr[]): Address | undefined {
  const family = familyOf(network);
  const ends = [network, ...parts].map((cidr) => {
    const first = addressBits(addressPart(cidr));
    return { first, last: first + (1n << BigInt(addressLength(family) - prefixLength(cidr))) - 1n };
  });
  const candidates = ends.flatMap(({ first, last }, index) =>
    index === 0 ? [last, first] : [last + 1n, first - 1n],
  );
  const limit = 1n << BigInt(addressLength(family));
  return candidates
    .filter((bits) => bits >= 0n && bits < limit)
    .map((bits) => addressFromBits(bits, family))
    .find((address) => cidrContains(network, address) && !parts.some((part) => cidrContains(part, address)));
}
