/**
 * The full mesh: each node that takes part has a session with every other, one per family that both have.
 *
 * Where the AS numbers differ the session is eBGP, otherwise iBGP; it is in the mesh all the same. Both ends decide
 * alone and must agree, so who is passive follows from the two addresses: two daemons that restart gracefully and
 * dial each other at once can end up closing both connections.
 */
import { type Address, compareAddresses, type IpFamily } from '../model/address.js';
import type { BgpSession } from './bgp-model.js';
import { type Speaker, speakerOf } from './speaker.js';
import type { TopologyInput } from './topology-input.js';

/** The sessions of `speaker` in the mesh, in no particular order; none where either end has the mesh turned off. */
export function meshSessions(speaker: Speaker, input: TopologyInput): readonly BgpSession[] {
  if (!speaker.meshEnabled) return [];
  const sessions: BgpSession[] = [];
  for (const name of [...input.nodes.keys()].sort()) {
    const peer = name === speaker.name ? undefined : speakerOf(name, input);
    if (!peer?.meshEnabled) continue;
    for (const [family, localAddress] of speaker.addresses) {
      const peerAddress = peer.addresses.get(family);
      // Two nodes with one address are a mistake elsewhere; a daemon must not be told to dial itself.
      if (peerAddress === undefined || peerAddress === localAddress) continue;
      sessions.push(meshSession(speaker, peer, { family, localAddress, peerAddress }));
    }
  }
  return sessions;
}

interface Ends {
  readonly family: IpFamily;
  readonly localAddress: Address;
  readonly peerAddress: Address;
}

function meshSession(local: Speaker, peer: Speaker, ends: Ends): BgpSession {
  return {
    origin: 'Mesh',
    peerName: peer.name,
    ...ends,
    localAs: local.asNumber,
    peerPort: peer.listenPort,
    peerAs: peer.asNumber,
    passive: compareAddresses(ends.localAddress, ends.peerAddress) < 0,
  };
}
