/** Sessions in one line each, so that a table of expectations reads like a drawing of the network. */
import { bgpModelFor } from '../../src/topology/bgp.js';
import type { BgpModel, BgpSession } from '../../src/topology/bgp-model.js';
import { type NetworkText, topologyInput } from './topology-fixture.js';

export function modelOf(node: string, network: NetworkText): BgpModel {
  const model = bgpModelFor(node, topologyInput(network));
  if (!model) throw new Error(`${node} has no BGP`);
  return model;
}

/** `Mesh 65001@10.0.0.1 -> 64512@10.0.0.2:179 passive` */
export function shortly(session: BgpSession): string {
  const { origin, localAs, localAddress, peerAs, peerAddress, peerPort, passive, reflectsFor } = session;
  const ends = `${origin} ${localAs}@${localAddress} -> ${peerAs}@${peerAddress}:${peerPort}`;
  return `${ends}${passive ? ' passive' : ''}${reflectsFor ? ` client of ${reflectsFor}` : ''}`;
}

/** The sessions of each of these hosts. */
export function sessionsOf(
  network: NetworkText,
  hosts: readonly string[],
): Record<string, readonly string[]> {
  return Object.fromEntries(hosts.map((host) => [host, modelOf(host, network).sessions.map(shortly)]));
}
