/**
 * Names inside etcd keys, and the ids made of them.
 *
 * A key is a path, so a name may not hold a slash. Calico's clients write `%2f` for it, and `%25` for the percent
 * sign that this makes special; nothing else is escaped. A CIDR is not escaped at all: its slash becomes a dash.
 */
import { type Address, addressPart, type Cidr, familyOf, parseCidr } from '../model/address.js';
import type { Kind } from '../model/resource.js';
import type { StoredId } from './layout.js';

export function escapeName(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2f');
}

/** The name in a segment of a key; a percent sign that starts no known escape stands for itself. */
export function unescapeName(segment: string): string {
  return segment.includes('%') ? segment.replaceAll(/%2f/gi, '/').replaceAll('%25', '%') : segment;
}

/** An id from segments as they stand in a key, that is: escaped. */
export function storedId(kind: Kind, ...segments: readonly string[]): StoredId {
  return [kind, ...segments].join('/') as StoredId;
}

/** The segments of an id after its kind, still escaped. */
export function idSegments(id: StoredId): readonly string[] {
  return id.split('/').slice(1);
}

/** `192.168.0.0-16` for 192.168.0.0/16. */
export function cidrSegment(cidr: Cidr): string {
  return cidr.replace('/', '-');
}

export function parseCidrSegment(segment: string): Cidr | undefined {
  const dash = segment.lastIndexOf('-');
  return dash < 0 ? undefined : parseCidr(`${segment.slice(0, dash)}/${segment.slice(dash + 1)}`);
}

/** `v4` or `v6`, as keys name the family. */
export function familySegment(value: Address | Cidr): 'v4' | 'v6' {
  return familyOf(value) === 4 ? 'v4' : 'v6';
}

/** The key that says that an address of a pool is taken. Path below the root. */
export function assignmentPath(pool: Cidr, address: Address | Cidr): string {
  const bare = address.includes('/') ? addressPart(address as Cidr) : address;
  return `/v1/ipam/${familySegment(pool)}/assignment/${cidrSegment(pool)}/${bare}`;
}
