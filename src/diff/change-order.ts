/**
 * The order in which changes are made and shown: what is referred to first, what refers to it after.
 *
 * A plan that fits one transaction happens at one revision, and its order is only for the reader. In a series of
 * transactions it is what keeps every step on the way meaningful: a pool is there before an endpoint takes an
 * address from it, and goes after it. Deletions come last, in reverse.
 */
import { compareText } from '../model/compare-text.js';
import type { Kind } from '../model/resource.js';
import type { Change } from './plan-types.js';

export const CHANGE_ORDER: readonly Kind[] = [
  'IPPool',
  'IPReservation',
  'Node',
  'RouteReflector',
  'BGPConfiguration',
  'BGPFilter',
  'BGPPeer',
  'AgentConfiguration',
  'GlobalNetworkSet',
  'Profile',
  'Tier',
  'GlobalNetworkPolicy',
  'HostEndpoint',
  'WorkloadEndpoint',
  'ConnectivityTest',
];

const RANK = new Map(CHANGE_ORDER.map((kind, index) => [kind, index]));

/** Sorts changes into the order in which they are applied. What is left alone (`unmanaged`) closes the list. */
export function orderChanges(changes: Iterable<Change>): Change[] {
  return [...changes].sort(
    (a, b) =>
      phase(a) - phase(b) ||
      (phase(a) === 1 ? -1 : 1) * (rank(a.kind) - rank(b.kind) || compareText(a.name, b.name)),
  );
}

/** 0: what is written, 1: what is deleted, 2: what is left alone. */
function phase(change: Change): 0 | 1 | 2 {
  if (change.action === 'unmanaged') return 2;
  return change.action === 'delete' ? 1 : 0;
}

function rank(kind: Kind): number {
  return RANK.get(kind) ?? RANK.size;
}

/** By code unit, so that the order does not depend on anybody's locale. */
