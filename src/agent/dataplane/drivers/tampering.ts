/**
 * Which events tell that somebody else changed a route or a neighbour entry of ours (PURE).
 *
 * Our own writes lead to what is desired, and are told by that: no message has to be matched to who sent it.
 */
import { NUD, RT_TABLE_MAIN } from '../../../kernel/netlink/constants.js';
import type { KernelRoute, PathEvent } from '../../../kernel/rtnetlink.js';
import { type Cidr, hostCidr, type IpFamily } from '../../../model/address.js';

export interface DesiredPaths {
  /** Protocol number of our routes. */
  readonly protocol: number;
  readonly families: readonly {
    readonly family: IpFamily;
    readonly routes: { has(cidr: Cidr): boolean };
  }[];
}

export function isTampering(event: PathEvent, paths: DesiredPaths): boolean {
  if (event.type === 'overrun') return true;
  if (event.type === 'route') return isRouteTampering(event.route, event.gone, paths);
  const { neighbor, gone } = event;
  // A workload that has a route of ours has a permanent entry of ours; what is behind a tunnel has none to lose.
  return (
    isDesired(neighbor.family, hostCidr(neighbor.address), paths) &&
    (gone || (neighbor.state & NUD.PERMANENT) === 0)
  );
}

function isRouteTampering(route: KernelRoute, gone: boolean, paths: DesiredPaths): boolean {
  if (route.table !== RT_TABLE_MAIN) return false;
  const isOurs = route.protocol === paths.protocol;
  const isWanted = isDesired(route.family, route.destination, paths);
  if (gone) return isOurs && isWanted;
  // Another one in its place, or one with our mark that leads nowhere of ours.
  return isOurs !== isWanted;
}

function isDesired(family: IpFamily, cidr: Cidr, { families }: DesiredPaths): boolean {
  return families.some((one) => one.family === family && one.routes.has(cidr));
}
