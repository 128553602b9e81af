/**
 * The particulars of a session, from a BGPPeer or, for the mesh, from the BGPConfiguration.
 *
 * Whoever asks and whoever is asked get the same ones, so that passwords, timers and TTL security match at both ends;
 * the gateway alone belongs to the side that wrote it down. Times are whole seconds, as BGP counts them.
 */
import { familyOf, type IpFamily } from '../model/address.js';
import { unfitForBgp } from '../model/bgp-address.js';
import { parseDurationMs } from '../model/duration.js';
import type { SpecOf } from '../model/resource.js';
import type { SessionOptions } from './bgp-model.js';

/** The longest time that RFC 4724 has room for: 12 bits. */
const LONGEST_RESTART_SECONDS = 4095;
/** A third of the longest hold time (RFC 4271, section 4.2). */
const LONGEST_KEEPALIVE_SECONDS = 21_845;

export function peerOptions(
  spec: SpecOf<'BGPPeer'>,
  role: 'asker' | 'asked',
  family: IpFamily,
): SessionOptions {
  const { password, sourceAddress, keepaliveTime, maxRestartTime, bfd, ttlSecurity, reachableBy } = spec;
  const nextHop = spec.keepOriginalNextHop ? 'Keep' : spec.nextHopMode;
  const keepaliveSeconds = seconds(keepaliveTime, LONGEST_KEEPALIVE_SECONDS);
  const restartSeconds = seconds(maxRestartTime, LONGEST_RESTART_SECONDS);
  return {
    ...(password && { password }),
    // BFD across routers is between two addresses, and BIRD wants to know ours.
    ...(sourceAddress === 'None' && !bfd && { sourceAddress }),
    ...(keepaliveSeconds !== undefined && { keepaliveSeconds }),
    ...(restartSeconds !== undefined && { restartSeconds }),
    ...(bfd && { bfd }),
    ...(ttlSecurity !== undefined && { ttlSecurity }),
    ...(nextHop !== undefined && nextHop !== 'Auto' && { nextHop }),
    ...(spec.numAllowedLocalASNumbers && { allowedLocalAs: spec.numAllowedLocalASNumbers }),
    ...(spec.filters && spec.filters.length > 0 && { filters: spec.filters }),
    // Of peers by selector only the sessions of the gateway's own family are behind it.
    ...(reachableBy !== undefined &&
      role === 'asker' &&
      familyOf(reachableBy) === family &&
      unfitForBgp(reachableBy) === undefined && { gateway: reachableBy }),
  };
}

export function meshOptions(settings: SpecOf<'BGPConfiguration'>): SessionOptions {
  const { nodeMeshPassword, nodeMeshMaxRestartTime } = settings;
  const restartSeconds = seconds(nodeMeshMaxRestartTime, LONGEST_RESTART_SECONDS);
  return {
    ...(nodeMeshPassword && { password: nodeMeshPassword }),
    ...(restartSeconds !== undefined && { restartSeconds }),
  };
}

function seconds(duration: string | undefined, longest: number): number | undefined {
  const ms = duration === undefined ? undefined : parseDurationMs(duration);
  return ms === undefined ? undefined : Math.min(Math.max(Math.ceil(ms / 1000), 1), longest);
}
