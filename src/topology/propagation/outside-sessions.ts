/** Sessions with routers that are none of ours: how the network reaches the rest of the world. */
import type { Address, IpFamily } from '../../model/address.js';
import type { Amount } from './bgp-impact.js';
import type { LinkedNetwork } from './linked-network.js';

export interface OutsideSession {
  readonly host: string;
  /** The BGPPeer behind it. */
  readonly peer: string;
  readonly address: Address;
  readonly asNumber: number;
  readonly family: IpFamily;
}

/** In the order of hosts. @param node - of this host only */
export function outsideSessions(network: LinkedNetwork, node?: string): readonly OutsideSession[] {
  return network.speakers.flatMap(({ name }, place) =>
    node !== undefined && node !== name
      ? []
      : (network.outside[place] ?? []).map(({ peerName, peerAddress, peerAs, family }) => ({
          ...{ host: name, peer: peerName, address: peerAddress, asNumber: peerAs, family },
        })),
  );
}

const MAX_SHOWN = 50;

/** What there is in `after` and not in `before`. A session with another AS number is another session. */
export function newOutsideSessions(before: LinkedNetwork, after: LinkedNetwork): Amount<OutsideSession> {
  const keyOf = ({ host, address, asNumber }: OutsideSession) => `${host} ${address} ${asNumber}`;
  const known = new Set(outsideSessions(before).map(keyOf));
  const found = outsideSessions(after).filter((session) => !known.has(keyOf(session)));
  return { count: found.length, shown: found.slice(0, MAX_SHOWN) };
}

/** `host-1 - tor (10.0.0.254, AS 65000)`. */
export function describeOutside({ host, peer, address, asNumber }: OutsideSession): string {
  return `${host} - ${peer} (${address}, AS ${asNumber})`;
}
