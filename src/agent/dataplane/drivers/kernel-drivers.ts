/**
 * All drivers of a host that do not belong to a packet filter, wired to each other, in the order of their work.
 *
 * Updates run from first to last, deletions in reverse: the host forwards before a route invites traffic, and the
 * flows of an address go after its route.
 */
import type { Exec } from '../../../kernel/exec.js';
import type { ProcSys } from '../../../kernel/proc-sys.js';
import type { RtNetlink } from '../../../kernel/rtnetlink.js';
import type { Cidr, IpFamily } from '../../../model/address.js';
import type { AgentSettings } from '../../calc/agent-settings.js';
import type { Driver } from '../driver.js';
import type { DesiredDataplane, DesiredFamily } from '../intent.js';
import { ConntrackTable, tellWhatLeft } from './conntrack.js';
import { neighborTable } from './neighbor.js';
import { routeTable } from './route-table.js';
import { sysctlTable } from './sysctl-table.js';

export interface KernelDriversOptions {
  readonly families: readonly IpFamily[];
  readonly settings: Pick<AgentSettings, 'deviceRouteProtocol' | 'interfacePrefix'>;
  readonly rtnetlink: RtNetlink;
  readonly procSys: ProcSys;
  readonly exec: Exec;
}

export interface KernelDrivers {
  readonly drivers: readonly Driver[];
  readonly conntrack: ConntrackTable;
  readonly families: readonly Pick<DesiredFamily, 'family' | 'routes' | 'neighbors'>[];
  readonly sysctls: DesiredDataplane['sysctls'];
}

export function kernelDrivers(options: KernelDriversOptions): KernelDrivers {
  const { rtnetlink, settings } = options;
  const { interfacePrefix, deviceRouteProtocol: protocol } = settings;
  const conntrack = new ConntrackTable(options.exec);
  const onPathLost = (cidr: Cidr) => conntrack.addressLeft(cidr);
  const sysctls = sysctlTable(options.procSys);
  const tables = options.families.map((family) => ({
    family,
    neighbors: neighborTable({ family, rtnetlink, interfacePrefix }),
    routes: routeTable({ family, rtnetlink, interfacePrefix, protocol, onPathLost }),
  }));
  return {
    drivers: [
      conntrack,
      sysctls,
      ...tables.map(({ neighbors }) => neighbors),
      ...tables.map(({ routes }) => routes),
    ],
    conntrack,
    families: tables.map(({ family, neighbors, routes }) => ({
      family,
      neighbors: neighbors.desired,
      routes: tellWhatLeft(routes.desired, onPathLost),
    })),
    sysctls: sysctls.desired,
  };
}
