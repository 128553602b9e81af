/**
 * One end of a session between two speakers of ours.
 *
 * Both ends decide alone and must agree, so who is passive follows from the two addresses: two daemons that restart
 * gracefully and dial each other at once can end up closing both connections. Where only one end is made by us, it
 * dials: nobody here knows what the other one does.
 */
import { compareAddresses, type IpFamily } from '../model/address.js';
import type { BgpSession, SessionOptions } from './bgp-model.js';
import type { Speaker } from './speaker.js';

/** What is particular to a session; absent: as the two speakers are. */
export interface Link {
  readonly origin: BgpSession['origin'];
  readonly localAs?: number | undefined;
  readonly peerAs?: number | undefined;
  /** Whether the other end is made by us as well. */
  readonly hasOtherEnd: boolean;
  readonly options?: SessionOptions;
}

/** undefined: they do not both have an address of this family, or it is the same. */
export function sessionWith(
  local: Speaker,
  peer: Speaker,
  family: IpFamily,
  link: Link,
): BgpSession | undefined {
  const localAddress = local.addresses.get(family);
  const peerAddress = peer.addresses.get(family);
  // Two speakers with one address are a mistake elsewhere; a daemon must not be told to dial itself.
  if (localAddress === undefined || peerAddress === undefined || localAddress === peerAddress)
    return undefined;
  const { origin, localAs = local.asNumber, peerAs = peer.asNumber, hasOtherEnd } = link;
  return {
    origin,
    peerName: peer.name,
    family,
    localAddress,
    localAs,
    peerAddress,
    peerPort: peer.listenPort,
    peerAs,
    isOurs: true,
    passive: hasOtherEnd && compareAddresses(localAddress, peerAddress) < 0,
    ...reflectionFor(local, peer, localAs === peerAs),
    ...link.options,
  };
}

/**
 * Reflection of RFC 4456: an iBGP peer of another cluster, or of none, is a client. RouteReflectors mesh with each
 * other instead, as non-clients: each has its own clients' routes for the others.
 */
export function reflectionFor(
  local: Speaker,
  peer: Pick<Speaker, 'kind' | 'clusterId'> | undefined,
  isInternal: boolean,
): { readonly reflectsFor?: NonNullable<BgpSession['reflectsFor']> } {
  const { clusterId } = local;
  if (clusterId === undefined || !isInternal || peer?.clusterId === clusterId) return {};
  if (local.kind === 'RouteReflector' && peer?.kind === 'RouteReflector') return {};
  return { reflectsFor: clusterId };
}
