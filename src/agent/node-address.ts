/**
 * The addresses of a Node: which of them a host registers, and whether those that it has are the host's (PURE).
 *
 * Who gives the address owns its keys. A Node with one, whoever wrote it, is only compared with the host. A Node
 * without one is given what the host finds on itself, as Calico's first-found does: the interface of the default
 * route first, then any other that is no container's or tunnel's.
 */
import type { HostInterface } from '../kernel/host-addresses.js';
import {
  type Address,
  addressLength,
  addressPart,
  cidrContains,
  familyOf,
  type InterfaceAddress,
  IP_FAMILIES,
  type IpFamily,
  parseCidr,
} from '../model/address.js';
import { addressesOfNode } from '../model/node-addresses.js';
import type { ResourceOf } from '../model/resource.js';
import type { DriverFailure } from './dataplane/driver.js';

export interface NodeAddresses {
  readonly ipv4Address?: InterfaceAddress;
  readonly ipv6Address?: InterfaceAddress;
}

export type Registration =
  | { readonly type: 'none' }
  | { readonly type: 'register'; readonly addresses: NodeAddresses }
  | { readonly type: 'impossible'; readonly problem: DriverFailure };

/**
 * @param given - what the operator told the agent, which is believed
 * @param workloadPrefix - interfaces whose name begins so belong to workloads
 */
export function registrationOf(
  node: ResourceOf<'Node'>,
  interfaces: readonly HostInterface[],
  { given, workloadPrefix }: { readonly given: readonly Address[]; readonly workloadPrefix: string },
): Registration {
  if (addressesOfNode(node).length > 0) return { type: 'none' };
  const [ipv4Address, ipv6Address] = IP_FAMILIES.map((family) => {
    const told = given.find((address) => familyOf(address) === family);
    return told === undefined ? firstFound(interfaces, family, workloadPrefix) : asOn(interfaces, told);
  });
  if (ipv4Address === undefined) {
    const message =
      'has no address, and this host has no IPv4 address to register: give it spec.bgp.ipv4Address in the repository, or start the agent with --ip';
    return { type: 'impossible', problem: { object: `Node ${node.metadata.name}`, message } };
  }
  return { type: 'register', addresses: { ipv4Address, ...(ipv6Address && { ipv6Address }) } };
}

/** Addresses of the Node that are not this host's. */
export function addressMismatches(
  node: ResourceOf<'Node'>,
  own: ReadonlySet<Address>,
): readonly DriverFailure[] {
  return addressesOfNode(node)
    .map(addressPart)
    .filter((address) => !own.has(address))
    .map((address) => ({
      object: `Node ${node.metadata.name}`,
      message:
        `AddressMismatch: ${address} is on no interface of this host that is up: ` +
        'mend spec.bgp in the repository, --node, or the address of the host',
    }));
}

/** As docker, bridges, virtual machines and tunnels name theirs. */
const NOT_A_HOSTS =
  /^(?:lo|docker|br-|cbr|cni|dummy|veth|virbr|lxc|lxd|tunl|ipip|vxlan|flannel|kube-|nodelocal)/;
const NOT_GLOBAL = ['127.0.0.0/8', '169.254.0.0/16', '0.0.0.0/8', '::/127', 'fe80::/10'].flatMap(
  (text) => parseCidr(text) ?? [],
);

function firstFound(
  interfaces: readonly HostInterface[],
  family: IpFamily,
  workloadPrefix: string,
): InterfaceAddress | undefined {
  const hasDefault = ({ defaultRouteOf }: HostInterface) => defaultRouteOf.includes(family);
  const others = interfaces.filter(
    (one) => !hasDefault(one) && !NOT_A_HOSTS.test(one.name) && !one.name.startsWith(workloadPrefix),
  );
  return [...interfaces.filter(hasDefault), ...others]
    .flatMap(({ addresses }) => addresses)
    .find((address) => familyOf(address) === family && isGlobal(addressPart(address)));
}

function isGlobal(address: Address): boolean {
  return !NOT_GLOBAL.some(
    (network) => familyOf(network) === familyOf(address) && cidrContains(network, address),
  );
}

/** With the prefix length that it has on the host; alone in its network where it is not on it. */
function asOn(interfaces: readonly HostInterface[], told: Address): InterfaceAddress {
  const found = interfaces.flatMap(({ addresses }) => addresses).find((one) => addressPart(one) === told);
  return found ?? (`${told}/${addressLength(familyOf(told))}` as InterfaceAddress);
}
