/**
 * Builds and removes the namespaces, links and addresses of a lab plan.
 *
 * Only what a machine's own setup would do is done here: interfaces, addresses, default routes. Routes to
 * workloads, proxy ARP, sysctls of workload interfaces and packet filters are the agent's work, and the lab
 * leaves them to it.
 */
import type { Exec } from '../kernel/exec.js';
import { addNamespace, deleteNamespace, ipBatch, namespaceExists, setSysctls } from '../kernel/namespaces.js';
import {
  type Address,
  addressLength,
  addressPart,
  familyOf,
  hostCidr,
  type InterfaceAddress,
} from '../model/address.js';
import type { LabHost, LabPlan, LabWorkload } from './lab-plan.js';

const BRIDGE = 'fabric0';

/** Duplicate address detection would hold IPv6 addresses back for a second, with nobody there to collide. */
const NO_DAD = ['net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0'];
const FORWARDING = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];

export async function buildFabric(exec: Exec, plan: LabPlan): Promise<void> {
  const { namespace, gateways } = plan.fabric;
  await addNamespace(exec, namespace);
  await setSysctls(exec, namespace, [...NO_DAD, ...FORWARDING]);
  await ipBatch(exec, namespace, [
    `link add ${BRIDGE} type bridge stp_state 0 forward_delay 0`,
    `link set ${BRIDGE} up`,
    ...gateways.map((gateway) => addAddress(gateway, BRIDGE)),
  ]);
}

/** Brings the fabric into more networks of hosts, or leaves it there. */
export async function extendFabric(
  exec: Exec,
  { fabric }: LabPlan,
  gateways: readonly InterfaceAddress[],
): Promise<void> {
  if (gateways.length === 0) return;
  await ipBatch(
    exec,
    fabric.namespace,
    gateways.map((gateway) => addAddress(gateway, BRIDGE).replace('addr add', 'addr replace')),
  );
}

export async function buildHost(exec: Exec, plan: LabPlan, host: LabHost): Promise<void> {
  await addNamespace(exec, host.namespace);
  await setSysctls(exec, host.namespace, NO_DAD);
  await ipBatch(exec, plan.fabric.namespace, [
    `link add ${host.fabricPort} type veth peer name eth0 netns ${host.namespace}`,
    `link set ${host.fabricPort} master ${BRIDGE} up`,
  ]);
  await ipBatch(exec, host.namespace, [
    'link set eth0 up',
    ...host.addresses.map((address) => addAddress(address, 'eth0')),
    ...host.gateways.map((gateway) => `route add ${everything(gateway)} via ${gateway}`),
  ]);
}

/** Makes the workload's namespace and its leg on the host, as a CNI plugin would. */
export async function buildWorkload(
  exec: Exec,
  plan: LabPlan,
  host: LabHost,
  workload: LabWorkload,
): Promise<void> {
  await addNamespace(exec, workload.namespace);
  await setSysctls(exec, workload.namespace, [...NO_DAD, 'net.ipv6.conf.default.accept_ra=0']);
  await ipBatch(exec, plan.fabric.namespace, routesFromOutside(host, workload));
  await connectWorkload(exec, host, workload);
}

/** Takes a host's leg and namespace down, if they are there. */
export async function removeHost(exec: Exec, { fabric }: LabPlan, host: LabHost): Promise<void> {
  await exec('ip', ['-n', fabric.namespace, 'link', 'delete', host.fabricPort]);
  await deleteNamespace(exec, host.namespace);
}

/** Tells the fabric where all workloads are, also of what it was told otherwise before. */
export async function routeFromOutside(exec: Exec, plan: LabPlan): Promise<void> {
  for (const workload of plan.workloads) {
    const host = plan.hosts.find(({ name }) => name === workload.host);
    if (!host) continue;
    await ipBatch(exec, plan.fabric.namespace, routesFromOutside(host, workload));
    // There may be none.
    for (const address of workload.addresses.filter((one) => !workload.routedAddresses.includes(one)))
      await exec('ip', ['-n', plan.fabric.namespace, 'route', 'delete', hostCidr(address)]);
  }
}

/** Takes a workload's leg and namespace down. The leg first: with the namespace it goes in its own time. */
export async function removeWorkload(exec: Exec, host: LabHost, workload: LabWorkload): Promise<void> {
  // It may be gone already, by other hands.
  await exec('ip', ['-n', host.namespace, 'link', 'delete', workload.interfaceName]);
  await deleteNamespace(exec, workload.namespace);
}

/** Makes the pair of interfaces alone, for a workload whose pair was deleted. */
export async function connectWorkload(exec: Exec, host: LabHost, workload: LabWorkload): Promise<void> {
  await ipBatch(exec, host.namespace, [
    `link add ${workload.interfaceName} type veth peer name eth0 netns ${workload.namespace}`,
    // The address first: the kernel makes the link-local address, the workload's gateway, when the link comes up.
    `link set ${workload.interfaceName} address ${workload.hostMac}`,
    `link set ${workload.interfaceName} up`,
  ]);
  const hasFamily = (family: 4 | 6) => workload.addresses.some((address) => familyOf(address) === family);
  await ipBatch(exec, workload.namespace, [
    `link set eth0 address ${workload.mac}`,
    'link set eth0 up',
    ...workload.addresses.map((address) =>
      addAddress(`${address}/${addressLength(familyOf(address))}` as InterfaceAddress, 'eth0'),
    ),
    ...(hasFamily(4)
      ? ['route add 169.254.1.1 dev eth0 scope link', 'route add default via 169.254.1.1 dev eth0']
      : []),
    ...(hasFamily(6) ? [`route add ::/0 via ${workload.gateway6} dev eth0`] : []),
  ]);
}

/** The namespaces of a plan that are there: those that a lab of it made, and may remove. */
export async function namespacesOf(plan: LabPlan): Promise<readonly string[]> {
  const planned = [plan.fabric, ...plan.hosts, ...plan.workloads].map(({ namespace }) => namespace);
  const there = await Promise.all(planned.map(namespaceExists));
  return planned.filter((_, index) => there[index]);
}

/** The fabric stands for everybody outside, and takes no part in BGP: it is told where workloads are. */
function routesFromOutside({ addresses }: LabHost, workload: LabWorkload): string[] {
  return workload.routedAddresses.flatMap((address) => {
    const via = addresses.map(addressPart).find((own) => familyOf(own) === familyOf(address));
    return via === undefined ? [] : [`route replace ${hostCidr(address)} via ${via}`];
  });
}

/** A batch has one family for all its lines: the destination, spelled out, tells it. */
function everything(gateway: Address): string {
  return familyOf(gateway) === 4 ? '0.0.0.0/0' : '::/0';
}

function addAddress(address: InterfaceAddress, device: string): string {
  const nodad = familyOf(addressPart(address)) === 6 ? ' nodad' : '';
  return `addr add ${address} dev ${device}${nodad}`;
}
