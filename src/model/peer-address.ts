/**
 * The address of a BGP peer, as Calico v3 writes it: with a port when that is not 179.
 *
 * An IPv6 address with a port stands in brackets (RFC 3986, 3.2.2), because it is full of colons itself.
 */
import { type Address, familyOf, parseAddress } from './address.js';
import type { SpecOf } from './resource.js';

export interface PeerAddress {
  readonly address: Address;
  /** Absent: the port that the peer listens on, usually 179. */
  readonly port?: number;
  /** `192.0.2.1`, `192.0.2.1:1790` or `[2001:db8::1]:1790`, with the address in its canonical form. */
  readonly text: string;
}

/** Parses an address with or without port; undefined for anything else. */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const bare = parseAddress(text);
  if (bare) return { address: bare, text: bare };
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::([1-9]\d{0,4}))?$/.exec(text);
  const address = parseAddress(match?.[1] ?? match?.[2] ?? '');
  if (!match || !address || (match[1] !== undefined) !== (familyOf(address) === 6)) return undefined;
  if (match[3] === undefined) return { address, text: address };
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  return { address, port, text: `${familyOf(address) === 6 ? `[${address}]` : address}:${port}` };
}

/**
 * The address that is the whole identity of a peer in the v1 model, beside its node: there it has no name. Undefined for a
 * peer that v1 cannot say: one with a selector, with a port of its own, or without an AS number.
 */
export function v1PeerAddress(spec: SpecOf<'BGPPeer'>): Address | undefined {
  const { peerIP, asNumber: as, nodeSelector, peerSelector } = spec;
  if (peerIP === undefined || as === undefined) return undefined;
  return nodeSelector === undefined && peerSelector === undefined ? parseAddress(peerIP) : undefined;
}
