/**
 * Blocks of IPAM v2: /ipam/v2/host/<h>/ipv4|ipv6/block/<cidr>, a host's claim, and
 * /ipam/v2/assignment/ipv4|ipv6/block/<cidr>, the block itself. Both are read and never written: they belong to
 * whoever assigns addresses.
 *
 * A claim has three historic spellings: blank (Python), `{}` (Go), and with a state (v3); without a state it is
 * confirmed. When the block itself names a host, claims of others have lost and count for nothing: the block is
 * changed by compare-and-swap, the claims are not. Where it names none, or is not there, the claims decide.
 */
import { type Cidr, familyOf } from '../../model/address.js';
import type { BlockState, IpamBlock } from '../../model/ipam-block.js';
import type { StoreKey } from '../../model/store.js';
import { parseCidrSegment, unescapeName } from '../escape.js';
import { type Decoder, decodeJson, list, object, oneOf, text } from '../json-decoder.js';
import { type KeyOwner, LayoutError, type StoredId } from '../layout.js';

export type BlockKey = Extract<KeyOwner, { readonly type: 'block' }>;

/** What one key says of a block. */
export type BlockClaim =
  | { readonly from: 'host'; readonly node: string; readonly state: BlockState }
  | { readonly from: 'block'; readonly node: string | undefined };

/** The block that this path is about; undefined when it is about none. */
export function identifyBlock(path: string): BlockKey | undefined {
  const match = /^\/ipam\/v2\/(?:host\/([^/]+)|assignment)\/ipv([46])\/block\/([^/]+)$/.exec(path);
  const [, host, family, segment] = match ?? [];
  if (segment === undefined) return undefined;
  const found = parseCidrSegment(segment);
  const cidr = found && familyOf(found) === Number(family) ? found : undefined;
  const id = `IpamBlock/${cidr ?? `ipv${family}/${segment}`}` as StoredId;
  return { type: 'block', id, cidr, host: host === undefined ? undefined : unescapeName(host) };
}

/** What the value says; undefined when the key counts as deleted. @throws {LayoutError} for values without sense. */
export function readBlockClaim(
  { cidr, host }: BlockKey,
  key: StoreKey,
  value: string,
): BlockClaim | undefined {
  if (!cidr) throw new LayoutError(key, value, 'the last part of the key is not a network of that family');
  if (host !== undefined) {
    const { state = 'confirmed', deleted = false } = decodeJson(key, value, affinity);
    return deleted ? undefined : { from: 'host', node: host, state };
  }
  const { affinity: owner = '', deleted = false, hostAffinity } = decodeJson(key, value, block);
  if (deleted) return undefined;
  return { from: 'block', node: owner.startsWith('host:') ? owner.slice('host:'.length) : hostAffinity };
}

/** How many addresses of the block are taken; undefined when the value cannot be read. */
export function countAllocations(key: StoreKey, value: string): number | undefined {
  try {
    const { allocations = [], deleted = false } = decodeJson(key, value, block);
    return deleted ? 0 : allocations.filter((index) => index !== null).length;
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}

/** The block that these claims add up to, whatever their order. */
export function blockFrom(cidr: Cidr, claims: readonly BlockClaim[]): IpamBlock {
  const holder = claims.find(({ from, node }) => from === 'block' && node !== undefined)?.node;
  const states = new Map<string, BlockState>();
  if (holder !== undefined) states.set(holder, 'confirmed');
  for (const claim of claims)
    if (claim.from === 'host' && (holder === undefined || holder === claim.node))
      states.set(claim.node, claim.state);
  const affinities = [...states].map(([node, state]) => ({ node, state }));
  return { cidr, affinities: affinities.sort((a, b) => (a.node < b.node ? -1 : 1)) };
}

const knownState = oneOf('confirmed', 'pending', 'pendingDeletion');
/** Go leaves an empty state out, others may write it. */
const state: Decoder<BlockState> = (value, place) => (value === '' ? 'confirmed' : knownState(value, place));
/** v3 has had it as a boolean and as a string. */
const yes: Decoder<boolean> = (value, place) => oneOf('true', 'false')(value, place) === 'true';

const affinity = object({ state, deleted: yes });
const anything: Decoder<unknown> = (value) => value;
const block = object({ affinity: text, hostAffinity: text, deleted: yes, allocations: list(anything) });
