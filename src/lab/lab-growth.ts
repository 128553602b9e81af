/**
 * What a running lab lacks of the network that was pushed last. PURE.
 *
 * A lab only grows, as machines do not vanish when they are taken out of a repository: what is named no longer stays
 * where it is, and shows what heddle makes of it. A workload that is to stand elsewhere, or under another address, is
 * made anew, and one whose interface or address another has now goes. Hosts keep the addresses that they were started
 * with: another one is another lab.
 */
import { isDeepStrictEqual } from 'node:util';
import { addressPart, type InterfaceAddress, networkOf } from '../model/address.js';
import { type LabHost, type LabPlan, LabPlanError, type LabWorkload } from './lab-plan.js';

export interface LabGrowth {
  /** The lab afterwards. */
  readonly plan: LabPlan;
  /** Of networks that the fabric is not in yet. */
  readonly gateways: readonly InterfaceAddress[];
  readonly hosts: readonly LabHost[];
  readonly workloads: readonly LabWorkload[];
  /** As they are now: to be taken down before they are among `workloads` again. */
  readonly moved: readonly LabWorkload[];
}

/** @throws {LabPlanError} when a host, or the fabric, would have to change while it runs */
export function planGrowth(now: LabPlan, wanted: LabPlan): LabGrowth {
  refuseChangedHosts(now, wanted);
  const hosts = newOnes(now.hosts, wanted.hosts);
  const moved = now.workloads.filter((running) => {
    const workload = wanted.workloads.find(({ name }) => name === running.name);
    if (workload !== undefined) return !isDeepStrictEqual(placeOf(workload), placeOf(running));
    return wanted.workloads.some((other) => isInTheWay(running, other));
  });
  const kept = now.workloads.filter((one) => !moved.includes(one));
  const workloads = newOnes(kept, wanted.workloads);
  const gateways = newGateways(now, wanted);
  return {
    plan: {
      ...now,
      fabric: { ...now.fabric, gateways: [...now.fabric.gateways, ...gateways] },
      hosts: [...now.hosts, ...hosts],
      workloads: [
        // Where the fabric routes them to may have changed with their pool.
        ...kept.map((one) => wanted.workloads.find(({ name }) => name === one.name) ?? one),
        ...workloads,
      ],
    },
    ...{ gateways, hosts, workloads, moved },
  };
}

/** What cannot change while a workload runs. */
function placeOf({ host, interfaceName, mac, addresses }: LabWorkload): object {
  return { host, interfaceName, mac, addresses };
}

function isInTheWay(running: LabWorkload, wanted: LabWorkload): boolean {
  const hasInterface = running.host === wanted.host && running.interfaceName === wanted.interfaceName;
  return hasInterface || wanted.addresses.some((address) => running.addresses.includes(address));
}

function newOnes<T extends { readonly name: string }>(now: readonly T[], wanted: readonly T[]): readonly T[] {
  return wanted.filter(({ name }) => !now.some((one) => one.name === name));
}

function refuseChangedHosts(now: LabPlan, wanted: LabPlan): void {
  for (const { kind, name, addresses } of wanted.hosts) {
    const running = now.hosts.find((host) => host.name === name);
    if (running && !isDeepStrictEqual(running.addresses, addresses))
      throw new LabPlanError(
        `${kind} "${name}" runs with ${running.addresses.join(', ')} and is to have ${addresses.join(', ')}: ${RESTART}`,
      );
  }
}

function newGateways(now: LabPlan, wanted: LabPlan): readonly InterfaceAddress[] {
  return wanted.fabric.gateways.filter((gateway) => {
    const running = now.fabric.gateways.find((one) => networkOf(one) === networkOf(gateway));
    if (running !== undefined && running !== gateway)
      throw new LabPlanError(`${addressPart(running)} is the gateway of the hosts here: ${RESTART}`);
    return running === undefined;
  });
}

const RESTART = 'a running lab cannot change that; heddle lab up --replace starts it again';
