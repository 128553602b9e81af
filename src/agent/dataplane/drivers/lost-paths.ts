/**
 * Notices which addresses lose their path to a workload when managers change what they want (PURE).
 *
 * The route table tells of routes that it found in the kernel and removed. That is not enough: the kernel has taken
 * down the route by itself when the interface went before the endpoint.
 */
import type { Cidr } from '../../../model/address.js';
import type { DesiredView } from '../../../model/delta-tracker.js';
import type { Route } from '../intent.js';

/** The same view; an address that is taken back, or moved to another interface, is told. */
export function tellLostPaths(
  routes: DesiredView<Cidr, Route>,
  onPathLost: (cidr: Cidr) => void,
): DesiredView<Cidr, Route> {
  return {
    set(cidr, route) {
      const before = routes.get(cidr);
      if (before && toWorkload(before) && before.interfaceName !== route.interfaceName) onPathLost(cidr);
      routes.set(cidr, route);
    },
    delete(cidr) {
      const before = routes.get(cidr);
      if (before && toWorkload(before)) onPathLost(cidr);
      routes.delete(cidr);
    },
    get: (cidr) => routes.get(cidr),
    has: (cidr) => routes.has(cidr),
    keys: () => routes.keys(),
    entries: () => routes.entries(),
    get size() {
      return routes.size;
    },
  };
}

/** And not to another host. */
function toWorkload({ interfaceName, gateway }: Route): boolean {
  return interfaceName !== undefined && gateway === undefined;
}
