/**
 * All drivers of a host that do not belong to a packet filter, wired to each other: a route that goes tells whose flows to
 * look at, and before a tunnel goes its routes are held. In which order they work, apply-steps.ts says.
 */
import type { Conntrack } from '../../../kernel/conntrack.js';
import type { ProcSys } from '../../../kernel/proc-sys.js';
import type { RtNetlink } from '../../../kernel/rtnetlink.js';
import type { Address, Cidr, IpFamily } from '../../../model/address.js';
import type { AgentSettings } from '../../calc/agent-settings.js';
import { PolicedState } from '../flows/policed-state.js';
import type { KernelDrivers } from '../kernel-kinds.js';
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

export interface WiredDrivers extends KernelDrivers {
  readonly policed: PolicedState;
}

export function kernelDrivers(options: KernelDriversOptions): WiredDrivers {
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
    drivers: {
      flows: [flows],
      sysctls: [sysctls],
      tunnels: [tunnels],
      forwarding: [forwarding],
      neighbors: tables.map(({ neighbors }) => neighbors),
      routes: tables.map(({ routes }) => routes),
    },
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
