/**
 * What changes between workloads and the hosts that they are on, which classes do not tell: there a setting of the
 * host has a say besides policy, and it is another host for each workload.
 *
 * A pair counts here when it is one of these in either network, so that a workload that moves is compared as what it
 * was with what it is. What holds between the two whatever anybody writes (a host reaches its workloads, neighbours
 * are discovered) comes and goes with them and is no change.
 */
import type { Network } from '../network.js';
import { hostOf, type Party } from '../parties.js';
import { type ConnectionSet, NO_CONNECTIONS } from './connection-sets.js';
import type { FamilyConnectivity } from './family-connectivity.js';
import type { Point } from './points.js';

export interface OwnHostChange {
  /** Positions of points. */
  readonly workload: number;
  readonly host: number;
  readonly direction: 'to-host' | 'from-host';
  readonly gained: ConnectionSet;
  readonly lost: ConnectionSet;
}

const BEFORE = 0;
const AFTER = 1;

/** @param networks - the two that the connectivity is of. */
export function* ownHostChanges(
  connectivity: FamilyConnectivity,
  networks: readonly [before: Network, after: Network],
): Generator<OwnHostChange, void> {
  const { points } = connectivity;
  const hosts = hostPoints(points);
  if (hosts.size === 0) return;
  for (const [workload, { type, parties }] of points.entries()) {
    if (type !== 'workload') continue;
    const [before, after] = [hostOf(parties[BEFORE]), hostOf(parties[AFTER])];
    const isSettled = isUnchanged(connectivity, networks, workload);
    for (const name of before === after ? [before] : [before, after]) {
      for (const host of (name !== undefined && hosts.get(name)) || []) {
        if (isSettled && isInBoth(points[host])) continue;
        yield* compare(connectivity, workload, host);
      }
    }
  }
}

function hostPoints(points: readonly Point[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  points.forEach(({ type, name }, position) => {
    if (type === 'host') found.set(name, [...(found.get(name) ?? []), position]);
  });
  return found;
}

/** Cheap, and true of nearly all: nothing that has a say between it and its host has changed. */
function isUnchanged(
  { points, classes, classOf }: FamilyConnectivity,
  networks: readonly [Network, Network],
  workload: number,
): boolean {
  const [before, after] = points[workload]?.parties ?? [];
  if (before?.type !== 'workload' || after?.type !== 'workload') return false;
  const chains = classes[classOf[workload] ?? -1]?.chains;
  const { node, active } = before.endpoint;
  return (
    node === after.endpoint.node &&
    active === after.endpoint.active &&
    chains?.[BEFORE]?.egress === chains?.[AFTER]?.egress &&
    networks[BEFORE].settingsOf(node).defaultEndpointToHostAction ===
      networks[AFTER].settingsOf(node).defaultEndpointToHostAction
  );
}

function* compare(
  connectivity: FamilyConnectivity,
  workload: number,
  host: number,
): Generator<OwnHostChange, void> {
  const { points, sets } = connectivity;
  const isThere = isInBoth(points[workload]) && isInBoth(points[host]);
  const between = isThere ? connectivity.between.bind(connectivity) : connectivity.decided.bind(connectivity);
  for (const direction of ['to-host', 'from-host'] as const) {
    const [from, to] = direction === 'to-host' ? [workload, host] : [host, workload];
    const [before, after] = [between(BEFORE, from, to), between(AFTER, from, to)];
    const gained = sets.difference(after, before);
    const lost = sets.difference(before, after);
    if (gained !== NO_CONNECTIONS || lost !== NO_CONNECTIONS)
      yield { workload, host, direction, gained, lost };
  }
}

function isInBoth(point: Point | undefined): boolean {
  return point?.parties.every((party: Party | undefined) => party !== undefined) ?? false;
}
