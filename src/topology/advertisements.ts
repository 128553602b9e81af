/**
 * The communities that announced routes are given (RFC 1997, RFC 8092), with names replaced by what they stand for.
 *
 * A name that nobody defined, or that stands for no community, is an error when manifests are loaded; here it adds
 * nothing.
 */
import { compareCidrs } from '../model/address.js';
import { isCommunity } from '../model/community.js';
import type { SpecOf } from '../model/resource.js';
import type { Advertisement } from './bgp-model.js';

/** Sorted by network, each network once. */
export function advertisementsOf(settings: SpecOf<'BGPConfiguration'>): readonly Advertisement[] {
  const named = new Map(
    (settings.communities ?? []).flatMap(({ name, value }) =>
      isCommunity(value) ? [[name, value] as const] : [],
    ),
  );
  const byNetwork = new Map<Advertisement['cidr'], Set<string>>();
  for (const { cidr, communities } of settings.prefixAdvertisements ?? []) {
    const values = byNetwork.get(cidr) ?? new Set();
    byNetwork.set(cidr, values);
    for (const text of communities) {
      const value = named.get(text) ?? (isCommunity(text) ? text : undefined);
      if (value !== undefined) values.add(value);
    }
  }
  return [...byNetwork]
    .filter(([, values]) => values.size > 0)
    .sort(([a], [b]) => compareCidrs(a, b))
    .map(([cidr, values]) => ({ cidr, communities: [...values] }));
}
