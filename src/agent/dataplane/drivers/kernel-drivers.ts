/**
 * All drivers of a host that do not belong to a packet filter, wired to each other, in the order of their work.
 *
 * Updates run from first to last, deletions in reverse: the host forwards before a route invites traffic, and the
 * flows of an address go after its route.
 */
import type { Conntrack } from '../../../kernel/conntrack.js';
import type { ProcSys } from '../../../kernel/proc-sys.js';
import type { RtNetlink } from '../../../kernel/rtnetlink.js';
import type { Address, Cidr, IpFamily } from '../../../model/address.js';
import type { AgentSettings } from '../../calc/agent-settings.js';
import type { Driver } from '../driver.js';
import { PolicedState } from '../flows/policed-state.js';
import type { DesiredDataplane, DesiredFamily } from '../intent.js';
import { FlowTable } from './flow-table.js';
import { forwardingTable } from './forwarding-table.js';
import { tellLostPaths } from './lost-paths.js';
import { neighborTable } from './neighbor.js';
import { blackholeTo, routeTable } from './route-table.js';
import { sysctlTable } from './sysctl-table.js';
import { tunnelTable } from './tunnel-table.js';

export interface KernelDriversOptions {
  readonly families: readonly IpFamily[];
  readonly settings: Pick<AgentSettings, 'deviceRouteProtocol' | 'interfacePrefix'>;
  readonly rtnetlink: RtNetlink;
  readonly procSys: ProcSys;
  readonly conntrack: Pick<Conntrack, 'flowsOf' | 'delete'>;
  /** The addresses of this host at the moment. */
  readonly hostAddresses: () => ReadonlySet<Address>;
}

export interface KernelDrivers {
  readonly drivers: readonly Driver[];
  /** Those of them by which others bring packets in. */
  readonly closedFirst: readonly Driver[];
  /** Told what the managers are told: by it flows are judged. */
  readonly policed: PolicedState;
  readonly families: readonly Pick<DesiredFamily, 'family' | 'routes' | 'neighbors'>[];
  readonly sysctls: DesiredDataplane['sysctls'];
  readonly tunnels: DesiredDataplane['tunnels'];
  readonly forwarding: DesiredDataplane['forwarding'];
}

export function kernelDrivers(options: KernelDriversOptions): KernelDrivers {
  const { rtnetlink, settings, conntrack, hostAddresses } = options;
  const { interfacePrefix, deviceRouteProtocol: protocol } = settings;
  const policed = new PolicedState(options.families);
  const flows = new FlowTable({ conntrack, policed, hostAddresses });
  const onPathLost = (cidr: Cidr) => flows.addressLeft(cidr);
  const sysctls = sysctlTable(options.procSys);
  const forwarding = forwardingTable({ rtnetlink });
  const tables = options.families.map((family) => ({
    family,
    neighbors: neighborTable({ family, rtnetlink, interfacePrefix }),
    routes: routeTable({ family, rtnetlink, interfacePrefix, protocol, onPathLost }),
  }));
  /**
   * Routes over a tunnel become blackholes before it goes (law 5): by the default route their packets would leave the
   * host as they are. What the kernel drops with the tunnel is to be written anew.
   */
  const beforeRemoval = async (interfaceName: string) => {
    const failures = await Promise.all(
      tables.map(({ routes }) =>
        routes.overwrite((cidr, actual) =>
          actual.some((route) => route.interfaceName === interfaceName) ? blackholeTo(cidr) : undefined,
        ),
      ),
    );
    for (const table of [forwarding, ...tables.map(({ neighbors }) => neighbors)])
      table.forget((key) => key.startsWith(`${interfaceName}/`));
    return failures.flat()[0];
  };
  const tunnels = tunnelTable({ rtnetlink, interfacePrefix, beforeRemoval });
  return {
    drivers: [
      flows,
      sysctls,
      tunnels,
      forwarding,
      ...tables.map(({ neighbors }) => neighbors),
      ...tables.map(({ routes }) => routes),
    ],
    closedFirst: [tunnels],
    policed,
    families: tables.map(({ family, neighbors, routes }) => ({
      family,
      neighbors: neighbors.desired,
      routes: tellLostPaths(routes.desired, onPathLost),
    })),
    sysctls: sysctls.desired,
    tunnels: tunnels.desired,
    forwarding: forwarding.desired,
  };
}
