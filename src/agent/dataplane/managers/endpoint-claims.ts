/**
 * Who gets an interface or an address that several endpoints name.
 *
 * The store may hold two endpoints with one interface (a workload that was made anew before the old one was
 * forgotten) or one address. The endpoint whose id comes first has it, whatever came first in time (law 1); the
 * others are named as problems. An interface outside the prefix is nobody's: no chain of ours sees its packets, so
 * giving it a route would leave it open.
 */
import { type Cidr, hostCidr } from '../../../model/address.js';
import type { LocalEndpoint } from '../../calc/updates.js';
import type { DriverFailure } from '../driver.js';

export interface EndpointClaims {
  readonly byInterface: ReadonlyMap<string, LocalEndpoint>;
  /** Only of active endpoints that have their interface. */
  readonly byAddress: ReadonlyMap<Cidr, LocalEndpoint>;
  readonly problems: readonly DriverFailure[];
}

export function settleClaims(endpoints: Iterable<LocalEndpoint>, interfacePrefix: string): EndpointClaims {
  const byInterface = new Map<string, LocalEndpoint>();
  const byAddress = new Map<Cidr, LocalEndpoint>();
  const problems: DriverFailure[] = [];
  for (const endpoint of [...endpoints].sort(byId)) {
    const { id, interfaceName } = endpoint;
    const holder = byInterface.get(interfaceName);
    if (!isWorkloadInterface(interfaceName, interfacePrefix)) {
      problems.push(badInterface(endpoint, interfacePrefix));
    } else if (holder) {
      problems.push(taken(id, `interface ${interfaceName}`, holder));
    } else {
      byInterface.set(interfaceName, endpoint);
      if (endpoint.active) problems.push(...claimAddresses(endpoint, byAddress));
    }
  }
  return { byInterface, byAddress, problems };
}

function claimAddresses(endpoint: LocalEndpoint, byAddress: Map<Cidr, LocalEndpoint>): DriverFailure[] {
  return endpoint.addresses.flatMap((address) => {
    const cidr = hostCidr(address);
    const holder = byAddress.get(cidr);
    if (holder && holder !== endpoint) return [taken(endpoint.id, `address ${address}`, holder)];
    byAddress.set(cidr, endpoint);
    return [];
  });
}

/** IFNAMSIZ leaves 15 characters; one at least must follow the prefix. */
function isWorkloadInterface(name: string, prefix: string): boolean {
  return (
    name.startsWith(prefix) &&
    name.length > prefix.length &&
    name.length <= 15 &&
    /^[A-Za-z0-9_.-]+$/.test(name)
  );
}

function badInterface({ id, interfaceName }: LocalEndpoint, prefix: string): DriverFailure {
  return {
    object: id,
    message:
      `interface ${JSON.stringify(interfaceName)} is not connected: the name of a workload's interface begins ` +
      `with ${prefix} (interfacePrefix) and has at most 15 letters, digits, dots, dashes or underscores`,
  };
}

function taken(id: string, what: string, holder: LocalEndpoint): DriverFailure {
  return { object: id, message: `${what} is not connected: ${holder.id} has it; remove one of the two` };
}

function byId(a: LocalEndpoint, b: LocalEndpoint): number {
  return a.id < b.id ? -1 : 1;
}
