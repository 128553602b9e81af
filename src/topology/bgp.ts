/**
 * The BGP of one host, worked out from the resources of the whole network.
 *
 * Every host runs the same function over the same input and picks its own part, so the two ends of a session agree
 * without talking to each other. Sessions come from BGPPeers (peers.ts), RouteReflectors (reflectors.ts) and the
 * mesh (mesh.ts), the more explicit before the less; who speaks BGP at all is in speaker.ts.
 */
import { addressBits, type Cidr, compareCidrs } from '../model/address.js';
import { advertisementsOf } from './advertisements.js';
import type { BgpFilter, BgpModel, BgpSession } from './bgp-model.js';
import { blocksOf } from './blocks.js';
import { meshSessions } from './mesh.js';
import { overlayPools } from './overlay.js';
import { peerSessions } from './peers.js';
import { reflectorSessions } from './reflectors.js';
import { allSpeakers } from './speaker.js';
import type { TopologyInput } from './topology-input.js';

/**
 * What BGP on the Node or RouteReflector of this name should look like; undefined when it takes no part in BGP: it is
 * unknown, or has no IPv4 address, which is where the router id comes from (a node with only an IPv6 address has none
 * yet).
 */
export function bgpModelFor(node: string, input: TopologyInput): BgpModel | undefined {
  const speakers = allSpeakers(input);
  const speaker = speakers.find(({ name }) => name === node);
  if (!speaker) return undefined;
  const { settings } = speaker;
  const sessions = distinctSessions([
    ...peerSessions(speaker, speakers, input),
    ...reflectorSessions(speaker, speakers),
    ...meshSessions(speaker, speakers),
  ]);
  return {
    node,
    routerId: speaker.routerId,
    asNumber: speaker.asNumber,
    listenPort: speaker.listenPort,
    bindsToAddress: settings.bindMode === 'NodeIP',
    ignoredInterfaces: [...new Set(settings.ignoredInterfaces)].sort(),
    logSeverity: settings.logSeverityScreen ?? 'Info',
    controlPlaneOnly: speaker.kind === 'RouteReflector',
    sessions,
    exportedPools: poolsWhere(input, (pool) => !pool.disableBGPExport),
    hiddenPools: poolsWhere(input, (pool) => pool.disableBGPExport),
    overlayPools: overlayPools(input.pools.values()),
    blocks: speaker.kind === 'Node' ? blocksOf(node, input) : [],
    advertisements: advertisementsOf(settings),
    filters: filtersOf(sessions, input),
    interfacePrefix: input.interfacePrefix,
  };
}

/** A session is known by the address and port that is dialled: of several that share them, the first is kept. */
function distinctSessions(sessions: readonly BgpSession[]): readonly BgpSession[] {
  const byEndpoint = new Map<string, BgpSession>();
  for (const session of sessions) {
    const endpoint = `${session.peerAddress} ${session.peerPort}`;
    if (!byEndpoint.has(endpoint)) byEndpoint.set(endpoint, session);
  }
  return sortedByAddress([...byEndpoint.values()]);
}

/** By family, address and port. Addresses are parsed once, not in every comparison: a mesh has thousands. */
function sortedByAddress(sessions: readonly BgpSession[]): readonly BgpSession[] {
  const keyed = sessions.map((session) => ({ session, bits: addressBits(session.peerAddress) }));
  keyed.sort(
    (a, b) =>
      a.session.family - b.session.family ||
      (a.bits < b.bits ? -1 : Number(a.bits > b.bits)) ||
      a.session.peerPort - b.session.peerPort,
  );
  return keyed.map(({ session }) => session);
}

function filtersOf(sessions: readonly BgpSession[], { bgpFilters }: TopologyInput): readonly BgpFilter[] {
  const names = new Set(sessions.flatMap(({ filters = [] }) => filters));
  return [...names].sort().map((name) => ({ name, spec: bgpFilters.get(name)?.spec }));
}

function poolsWhere(
  input: TopologyInput,
  accept: (pool: { readonly disableBGPExport: boolean }) => boolean,
): readonly Cidr[] {
  const cidrs = new Set<Cidr>();
  for (const pool of input.pools.values()) if (accept(pool.spec)) cidrs.add(pool.spec.cidr);
  return [...cidrs].sort(compareCidrs);
}
