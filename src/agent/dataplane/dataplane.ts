/**
 * The dataplane of a host: takes what the calculation graph says, and makes the kernel so.
 *
 * A batch leads from one whole state to the next; all of it is desired before anything is written. What fails
 * stays desired, and the next apply tries it again, with an empty batch too. While a packet filter is not in
 * force nothing new is connected (law 5), and stopping removes nothing: there is no stop.
 */
import { Turns } from '../../model/turns.js';
import { ALL_HOSTS_SET } from '../calc/ip-set-definition.js';
import type { DataplaneUpdate } from '../calc/updates.js';
import { type ApplyStep, applySteps, merged, runSteps } from './apply-steps.js';
import type { PacketFilter } from './backends/backend.js';
import type { Driver, DriverFailure, KernelCountName, KernelCounts, VerifyScope } from './driver.js';
import type { DesiredDataplane } from './intent.js';
import { type KernelDrivers, kernelDriversOf } from './kernel-kinds.js';
import { createManagers, type Managers } from './managers/index.js';

export interface DataplaneOptions {
  /** One for each family. */
  readonly packetFilters: readonly PacketFilter[];
  /** For the same families. */
  readonly kernel: KernelDrivers;
  /** A clock that never goes back, in ms. */
  readonly now: () => number;
}

export interface ApplySummary {
  /** Kernel objects written or removed. */
  readonly changed: number;
  readonly failures: readonly DriverFailure[];
  /** Not there yet, because their interfaces are not. */
  readonly waiting: readonly DriverFailure[];
  /** Not to be had on this host: what its kernel lacks, and what an endpoint claims that another one has. */
  readonly impossible: readonly DriverFailure[];
  /** What was found otherwise than it was left, for people. */
  readonly drift: readonly string[];
  readonly durationMs: number;
}

export interface Dataplane {
  /** Calls wait for each other. An empty batch tries again what had failed, and repairs after a resync. */
  apply(batch: readonly DataplaneUpdate[]): Promise<ApplySummary>;
  /** The next apply reads everything back first. */
  resync(): void;
  /** Reads the kernel back; empty when the host is as the store says. Default: everything. */
  verify(scope?: VerifyScope): Promise<readonly DriverFailure[]>;
  /** How much of ours is in the kernel, as of the last read-back and the writes since. */
  counts(): KernelCounts;
}

export function createDataplane(options: DataplaneOptions): Dataplane {
  return new HostDataplane(options);
}

class HostDataplane implements Dataplane {
  readonly #options: DataplaneOptions;
  readonly #managers: Managers;
  readonly #steps: readonly ApplyStep[];
  readonly #drivers: readonly Driver[];
  readonly #turns = new Turns();
  /** It is not known what the kernel's rules let through: they are being read back, or one could not be written. */
  #inDoubt = false;
  /** New rules about who may encapsulate. They wait until the tunnels are gone that the old rules guard. */
  readonly #guard: DataplaneUpdate[] = [];

  constructor(options: DataplaneOptions) {
    const { packetFilters, kernel } = options;
    this.#options = options;
    this.#managers = createManagers(desiredOf(packetFilters, kernel));
    this.#steps = applySteps({ packetFilters, kernel: kernel.drivers });
    this.#drivers = [
      ...packetFilters.flatMap((filter) => filter.drivers),
      ...kernelDriversOf(kernel.drivers),
    ];
  }

  apply(batch: readonly DataplaneUpdate[]): Promise<ApplySummary> {
    return this.#turns.take(() => this.#apply(batch));
  }

  resync(): void {
    this.#inDoubt = true;
    for (const driver of this.#drivers) driver.queueResync();
  }

  verify(scope: VerifyScope = 'everything'): Promise<readonly DriverFailure[]> {
    const { packetFilters, kernel } = this.#options;
    return this.#turns.take(async () => {
      const lists = [...packetFilters.map((filter) => filter.drivers), kernelDriversOf(kernel.drivers)];
      const found = await Promise.all(lists.map((list) => verifyInTurn(list, scope)));
      return found.flat();
    });
  }

  counts(): KernelCounts {
    return sum(this.#drivers.map((driver) => driver.counts?.() ?? {}));
  }

  async #apply(batch: readonly DataplaneUpdate[]): Promise<ApplySummary> {
    const { packetFilters, kernel, now } = this.#options;
    const start = now();
    const wasInDoubt = this.#inDoubt;
    // Cleared first: a resync that is asked for meanwhile is for the next apply.
    this.#inDoubt = false;
    this.#learn(batch);
    const closed = await this.#run('close');
    if (closed.failures.length === 0)
      for (const update of this.#guard.splice(0)) this.#managers.onUpdate(update);
    await Promise.all(packetFilters.map((filter) => filter.prepare()));
    const filtered = await this.#run('filter');
    if (wasInDoubt && filtered.changed > 0) kernel.policed.suspectAll();
    if (filtered.failures.length > 0) this.#inDoubt = true;
    const inForce = this.#guard.length === 0 && packetFilters.every((filter) => filter.inForce);
    const rest = await this.#run(...(inForce ? (['connect'] as const) : []), 'disconnect', 'sweep');
    const { changed, failures, waiting, impossible } = merged([closed, filtered, rest]);
    return {
      ...{ changed, failures, waiting, impossible: [...this.#managers.problems(), ...impossible] },
      // While nothing is connected, no driver says what waits for its interface.
      drift: inForce ? driftOf(this.#drivers, waiting) : [],
      durationMs: now() - start,
    };
  }

  #learn(batch: readonly DataplaneUpdate[]): void {
    const { policed } = this.#options.kernel;
    for (const update of batch) {
      if (isOfGuard(update)) this.#guard.push(update);
      else this.#managers.onUpdate(update);
      policed.onUpdate(update);
    }
    this.#managers.completeDeferredWork();
    policed.completeDeferredWork();
  }

  /** The steps of these phases, in the order of all. */
  #run(...phases: readonly ApplyStep['phase'][]): ReturnType<typeof runSteps> {
    return runSteps(this.#steps.filter(({ phase }) => phases.includes(phase)));
  }
}

/** What went with its interface, and waits for it, was changed by nobody. */
function driftOf(drivers: readonly Driver[], waiting: readonly DriverFailure[]): readonly string[] {
  const waitsFor = new Set(waiting.map(({ object }) => object));
  return drivers.flatMap((driver) => driver.takeDrift?.() ?? []).filter((object) => !waitsFor.has(object));
}

async function verifyInTurn(
  drivers: readonly Driver[],
  scope: VerifyScope,
): Promise<readonly DriverFailure[]> {
  const found: DriverFailure[] = [];
  for (const driver of drivers) found.push(...(await driver.verify(scope)));
  return found;
}

function sum(counts: readonly KernelCounts[]): KernelCounts {
  const total: { [K in KernelCountName]?: number } = {};
  for (const [name, count] of counts.flatMap((each) => Object.entries(each) as [KernelCountName, number][]))
    total[name] = (total[name] ?? 0) + count;
  return total;
}

/** @throws {RangeError} when a family has a packet filter and no routes, or the other way round. */
function desiredOf(packetFilters: readonly PacketFilter[], kernel: KernelDrivers): DesiredDataplane {
  if (packetFilters.length !== kernel.families.length)
    throw new RangeError('Packet filters and routes must be for the same families');
  return {
    families: packetFilters.map(({ family, chains, hooks, ipSets }) => {
      const path = kernel.families.find((candidate) => candidate.family === family);
      if (!path) throw new RangeError(`IPv${family} has a packet filter and no routes`);
      const { routes, neighbors } = path;
      return { family, chains, hooks, ipSets, routes, neighbors };
    }),
    sysctls: kernel.sysctls,
    tunnels: kernel.tunnels,
    forwarding: kernel.forwarding,
  };
}

/** Of the rules that keep strangers out of tunnels, and of the set that they look into. */
function isOfGuard(update: DataplaneUpdate): boolean {
  switch (update.type) {
    case 'encapsulation-update':
      return true;
    case 'ip-set-update':
    case 'ip-set-delta':
    case 'ip-set-remove':
      return update.id === ALL_HOSTS_SET.id;
    default:
      return false;
  }
}
