/**
 * Which events tell that somebody else changed a route or a neighbour entry of ours (PURE).
 *
 * Our own writes lead to what is wished for, and are told by that: no message has to be matched to who sent it.
 */
import { NUD, RT_TABLE_MAIN } from '../../../kernel/netlink/constants.js';
import type { KernelRoute, PathEvent } from '../../../kernel/rtnetlink.js';
import { type Cidr, hostCidr, type IpFamily } from '../../../model/address.js';

export interface PathWishes {
  /** Protocol number of our routes. */
  readonly protocol: number;
  readonly families: readonly {
    readonly family: IpFamily;
    readonly routes: { has(cidr: Cidr): boolean };
  }[];
}

export function isTampering(event: PathEvent, wishes: PathWishes): boolean {
  if (event.type === 'overrun') return true;
  if (event.type === 'route') return isRouteTampering(event.route, event.gone, wishes);
  const { neighbor, gone } = event;
  // A workload that has a route of ours has a permanent entry of ours; what is behind a tunnel has none to lose.
  return (
    isWished(neighbor.family, hostCidr(neighbor.address), wishes) &&
    (gone || (neighbor.state & NUD.PERMANENT) === 0)
  );
}

function isRouteTampering(route: KernelRoute, gone: boolean, wishes: PathWishes): boolean {
  if (route.table !== RT_TABLE_MAIN) return false;
  const isOurs = route.protocol === wishes.protocol;
  const wished = isWished(route.family, route.destination, wishes);
  if (gone) return isOurs && wished;
  // Another one in its place, or one with our mark that leads nowhere of ours.
  return isOurs !== wished;
}

function isWished(family: IpFamily, cidr: Cidr, { families }: PathWishes): boolean {
  return families.some((one) => one.family === family && one.routes.has(cidr));
}
