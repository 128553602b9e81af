/**
 * The lab as a value: which namespaces, links and addresses a folder of manifests asks for. Pure.
 *
 * Every Node and RouteReflector becomes a namespace on a common fabric, a bridge whose namespace also routes between
 * the networks of the nodes and is their default gateway. (A host answers proxy ARP for 169.254.1.1 only while it has a
 * route to it that does not lead back to the workload: the default route is one.) Every WorkloadEndpoint becomes
 * a namespace with one leg: eth0 inside, the interface that the manifest names on its host.
 */
import { createHash } from 'node:crypto';
import {
  type Address,
  addressBits,
  addressFromBits,
  addressLength,
  addressPart,
  type Cidr,
  cidrContains,
  familyOf,
  type InterfaceAddress,
  linkLocalOf,
  type MacAddress,
  networkOf,
  prefixLength,
} from '../model/address.js';
import { encapsulationOf } from '../model/encapsulation.js';
import { addressesOfNode } from '../model/node-addresses.js';
import { type Resource, type ResourceOf, resourcesOf } from '../model/resource.js';

export interface LabPlan {
  /** The lab's own name: first part of every namespace's name. */
  readonly name: string;
  readonly fabric: LabFabric;
  readonly hosts: readonly LabHost[];
  readonly workloads: readonly LabWorkload[];
}

export interface LabFabric {
  readonly namespace: string;
  /** One address in each network of the nodes: their gateway, and where etcd listens. */
  readonly gateways: readonly InterfaceAddress[];
  readonly etcdAddress: Address;
}

export interface LabHost {
  readonly kind: 'Node' | 'RouteReflector';
  readonly name: string;
  readonly namespace: string;
  /** The host's leg on the fabric's side. */
  readonly fabricPort: string;
  readonly addresses: readonly InterfaceAddress[];
  readonly gateways: readonly Address[];
}

export interface LabWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly host: string;
  readonly interfaceName: string;
  /** Inside the workload. */
  readonly mac: MacAddress;
  /** On the host's side; the workload's IPv6 gateway is the link-local address made of it. */
  readonly hostMac: MacAddress;
  readonly gateway6: Address;
  readonly addresses: readonly Address[];
  /** Those that are routed outside of hosts too: an address of an overlay is none of the fabric's business. */
  readonly routedAddresses: readonly Address[];
}

const DEFAULT_WORKLOAD_MAC = 'ee:ee:ee:ee:ee:ee' as MacAddress;

/**
 * @param running - hosts that are there already, and keep the addresses that they found
 * @throws {LabPlanError} when the manifests do not describe a network that can be built here.
 */
export function planLab(
  name: string,
  resources: Iterable<Resource>,
  running: readonly LabHost[] = [],
): LabPlan {
  const all = [...resources];
  const nodes = resourcesOf(all, 'Node');
  if (nodes.length === 0) throw new LabPlanError('there is no Node: a lab needs at least one host');
  const reflectors = resourcesOf(all, 'RouteReflector');
  const networks = fabricNetworks(nodes, reflectors);
  const found = addressesToFind(nodes, reflectors, [...networks], running);
  const hosts = [...nodes, ...reflectors].map((host) =>
    planHost(name, host, networks, found.get(host.metadata.name)),
  );
  const etcdAddress =
    [...networks.values()].find((gateway) => familyOf(gateway) === 4) ?? [...networks.values()][0];
  if (etcdAddress === undefined) throw new LabPlanError('no Node has an address: set spec.bgp.ipv4Address');
  const overlays = resourcesOf(all, 'IPPool').flatMap(({ spec }) =>
    encapsulationOf(spec) ? [spec.cidr] : [],
  );
  return {
    name,
    fabric: {
      namespace: `${name}-fabric`,
      gateways: [...networks].map(
        ([network, gateway]) => `${gateway}/${prefixLength(network)}` as InterfaceAddress,
      ),
      etcdAddress,
    },
    hosts,
    workloads: resourcesOf(all, 'WorkloadEndpoint').map((endpoint) => planWorkload(name, endpoint, overlays)),
  };
}

/** The manifests cannot be built as a lab. */
export class LabPlanError extends Error {
  override readonly name = 'LabPlanError';
}

/** A stable, locally administered MAC for the host's end of a workload's veth. */
export function hostSideMac(interfaceName: string): MacAddress {
  const octets = [0x02, ...digestOf(interfaceName).subarray(0, 5)];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':') as MacAddress;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function planHost(
  lab: string,
  host: ResourceOf<'Node'> | ResourceOf<'RouteReflector'>,
  networks: ReadonlyMap<Cidr, Address>,
  found: readonly InterfaceAddress[] = [],
): LabHost {
  const { name } = host.metadata;
  const own = host.kind === 'Node' ? addressesOfNode(host) : addressesInNetworks(host, [...networks.keys()]);
  const addresses = own.length > 0 ? own : found;
  if (addresses.length === 0) {
    throw new LabPlanError(`Node "${name}" has no address: set spec.bgp.ipv4Address`);
  }
  return {
    kind: host.kind,
    name,
    namespace: `${lab}-${name}`,
    fabricPort: `port-${digestOf(`${host.kind}/${name}`).toString('hex').slice(0, 8)}`,
    addresses,
    gateways: addresses.flatMap((address) => networks.get(networkOf(address)) ?? []),
  };
}

function planWorkload(
  lab: string,
  endpoint: ResourceOf<'WorkloadEndpoint'>,
  overlays: readonly Cidr[],
): LabWorkload {
  const { name } = endpoint.metadata;
  const { interfaceName, node, mac, ipNetworks } = endpoint.spec;
  if (interfaceName === undefined) throw new LabPlanError(`WorkloadEndpoint "${name}" has no interfaceName`);
  const hostMac = hostSideMac(interfaceName);
  const addresses = ipNetworks.map(addressPart);
  return {
    name,
    namespace: `${lab}-w-${name}`,
    host: node,
    interfaceName,
    mac: mac ?? DEFAULT_WORKLOAD_MAC,
    hostMac,
    gateway6: linkLocalOf(hostMac),
    addresses,
    routedAddresses: addresses.filter((one) => !overlays.some((overlay) => cidrContains(overlay, one))),
  };
}

function reflectorAddresses({ spec }: ResourceOf<'RouteReflector'>): Address[] {
  return [spec.ipv4Address, ...(spec.ipv6Address === undefined ? [] : [spec.ipv6Address])];
}

/** For each Node without an address the next free one in every network: its agent finds and registers them. */
function addressesToFind(
  nodes: readonly ResourceOf<'Node'>[],
  reflectors: readonly ResourceOf<'RouteReflector'>[],
  networks: readonly (readonly [Cidr, Address])[],
  running: readonly LabHost[],
): ReadonlyMap<string, readonly InterfaceAddress[]> {
  const taken = new Set([
    ...nodes.flatMap(addressesOfNode).map(addressPart),
    ...reflectors.flatMap(reflectorAddresses),
    ...networks.map(([, gateway]) => gateway),
    ...running.flatMap(({ addresses }) => addresses).map(addressPart),
  ]);
  const found = new Map(running.map(({ name, addresses }) => [name, addresses]));
  const homeless = nodes.filter((one) => addressesOfNode(one).length === 0 && !found.has(one.metadata.name));
  for (const node of homeless) {
    const addresses = networks.map(([network]) => lowestFree(network, taken));
    for (const address of addresses) taken.add(addressPart(address));
    found.set(node.metadata.name, addresses);
  }
  return found;
}

function lowestFree(network: Cidr, taken: ReadonlySet<Address>): InterfaceAddress {
  const family = familyOf(network);
  const first = addressBits(addressPart(network));
  for (let offset = 1n; ; offset += 1n) {
    const candidate = addressFromBits(first + offset, family);
    if (!cidrContains(network, candidate))
      throw new LabPlanError(`${network} has no free address for a Node without one: use a larger network`);
    if (!taken.has(candidate)) return `${candidate}/${prefixLength(network)}` as InterfaceAddress;
  }
}

/** Reflectors have bare addresses: here each is in the network of the nodes that it lies in. */
function addressesInNetworks(
  reflector: ResourceOf<'RouteReflector'>,
  networks: readonly Cidr[],
): InterfaceAddress[] {
  return reflectorAddresses(reflector).map((address) => {
    const network = networks.find((candidate) => cidrContains(candidate, address));
    if (network === undefined)
      throw new LabPlanError(
        `RouteReflector "${reflector.metadata.name}": ${address} is in no network of the Nodes: give it an address beside theirs`,
      );
    return `${address}/${prefixLength(network)}` as InterfaceAddress;
  });
}

/** For each network of the nodes an address in it that nobody has: .254, ::fe, or the next lower one. */
function fabricNetworks(
  nodes: readonly ResourceOf<'Node'>[],
  reflectors: readonly ResourceOf<'RouteReflector'>[],
): Map<Cidr, Address> {
  const taken = new Set([
    ...nodes.flatMap(addressesOfNode).map(addressPart),
    ...reflectors.flatMap(reflectorAddresses),
  ]);
  const networks = new Map<Cidr, Address>();
  for (const address of nodes.flatMap(addressesOfNode)) {
    const network = networkOf(address);
    if (!networks.has(network)) networks.set(network, highestFree(network, taken));
  }
  return networks;
}

function highestFree(network: Cidr, taken: ReadonlySet<Address>): Address {
  const family = familyOf(network);
  const first = addressBits(addressPart(network));
  const hostBits = Math.min(8, addressLength(family) - prefixLength(network));
  for (let offset = (1n << BigInt(hostBits)) - 2n; offset > 0n; offset -= 1n) {
    const candidate = addressFromBits(first + offset, family);
    if (!taken.has(candidate)) return candidate;
  }
  throw new LabPlanError(`${network} has no free address for the fabric: use a larger network for the nodes`);
}
