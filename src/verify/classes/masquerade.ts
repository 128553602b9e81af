/**
 * Where masquerading hides a sender: from a pool with natOutgoing to an address in no pool, on another host, a packet
 * arrives with the address of its own host.
 *
 * That matters only where such an address is policed at all, which is rare: endpoints outside every pool, and host
 * endpoints. Where it matters, hosts tell points apart that rules do not.
 */

import { isBeyondPools, isMasqueradedSource } from '../nat-outgoing.js';
import type { Network } from '../network.js';
import { hostOf, type Party } from '../parties.js';
import type { Point } from './points.js';

export interface Masquerade {
  /** The point whose address a packet bears when it arrives: the sender, or its host. */
  senderSeen(from: number, to: number): number;
  /** What else tells points apart; '' where that makes no difference. */
  markOf(point: number): string;
}

/** Nobody is hidden, or nobody cares. */
export const NO_MASQUERADE: Masquerade = { senderSeen: (from) => from, markOf: () => '' };

export function masqueradeIn(network: Network, version: number, points: readonly Point[]): Masquerade {
  const { pools } = network;
  if (!pools.some(({ natOutgoing }) => natOutgoing)) return NO_MASQUERADE;
  const parties = points.map((point) => point.parties[version]);
  const beyond = parties.map((party) => isPoliced(party) && isBeyondPools(pools, party.address));
  if (!beyond.includes(true)) return NO_MASQUERADE;
  const hidden = parties.map(
    (party) => party?.type === 'workload' && isMasqueradedSource(pools, party.address),
  );
  const hostPoints = new Map<string, number>();
  for (const [point, party] of parties.entries())
    if (party?.type === 'host' && !hostPoints.has(party.name)) hostPoints.set(party.name, point);
  return {
    senderSeen(from, to) {
      if (!hidden[from] || !beyond[to] || hostOf(parties[from]) === hostOf(parties[to])) return from;
      return hostPoints.get(hostOf(parties[from]) ?? '') ?? from;
    },
    markOf(point) {
      if (!hidden[point] && !beyond[point]) return '';
      return `${hidden[point]} ${beyond[point]} ${hostOf(parties[point])}`;
    },
  };
}

function isPoliced(party: Party | undefined): party is Party {
  return party?.type === 'workload' || (party?.type === 'host' && party.hostEndpoint !== undefined);
}
