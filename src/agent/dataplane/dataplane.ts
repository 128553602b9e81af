/**
 * The dataplane of a host: takes what the calculation graph says, and makes the kernel so.
 *
 * A batch leads from one whole state to the next; its wishes are all made before anything is written. What fails
 * stays wished for, and the next apply tries it again, with an empty batch too. While a packet filter is not in
 * force nothing new is connected (law 5), and stopping removes nothing: there is no stop.
 */
import { ALL_HOSTS_SET } from '../calc/ip-set-definition.js';
import type { DataplaneUpdate } from '../calc/updates.js';
import { applySteps, runSteps } from './apply-steps.js';
import type { PacketFilter } from './backends/backend.js';
import type { Driver, DriverFailure, KernelCountName, KernelCounts, VerifyScope } from './driver.js';
import type { PolicedState } from './flows/policed-state.js';
import type { DesiredDataplane, DesiredFamily } from './intent.js';
import { createManagers } from './managers/index.js';

/** Drivers that are no packet filter's, as `kernelDrivers` makes them. */
export interface PathDrivers {
  /** Flows, sysctls, tunnels, neighbours, routes: in this order, so that flows come last when things go. */
  readonly drivers: readonly Driver[];
  /** Those of them by which others bring packets in. */
  readonly entrances: readonly Driver[];
  /** By which flows are judged. */
  readonly policed: Pick<PolicedState, 'onUpdate' | 'completeDeferredWork' | 'suspectAll'>;
  readonly families: readonly Pick<DesiredFamily, 'family' | 'routes' | 'neighbors'>[];
  readonly sysctls: DesiredDataplane['sysctls'];
  readonly tunnels: DesiredDataplane['tunnels'];
  readonly forwarding: DesiredDataplane['forwarding'];
}

export interface DataplaneOptions {
  /** One for each family. */
  readonly packetFilters: readonly PacketFilter[];
  /** For the same families. */
  readonly paths: PathDrivers;
  /** A clock that never goes back, in ms. */
  readonly now: () => number;
}

export interface ApplySummary {
  /** Kernel objects written or removed. */
  readonly changed: number;
  readonly failures: readonly DriverFailure[];
  /** Not there yet, because their interfaces are not. */
  readonly waiting: readonly DriverFailure[];
  /** Not to be had on this host. */
  readonly impossible: readonly DriverFailure[];
  /** What others had changed, for people. */
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

export function createDataplane({ packetFilters, paths, now }: DataplaneOptions): Dataplane {
  const managers = createManagers(desiredOf(packetFilters, paths));
  const steps = applySteps({ packetFilters, paths: paths.drivers, entrances: paths.entrances });
  const drivers = [...packetFilters.flatMap((filter) => filter.drivers), ...paths.drivers];
  const inTurn = createTurns();

  /** What the kernel's rules let through is not known: they are read back, or one could not be written. */
  let inDoubt = false;
  /** What rules are to say of who may encapsulate, held back while a tunnel that is to go does not. */
  const guard: DataplaneUpdate[] = [];

  const apply = async (batch: readonly DataplaneUpdate[]): Promise<ApplySummary> => {
    const start = now();
    const wasInDoubt = inDoubt;
    // Cleared first: a resync that is asked for meanwhile is for the next apply.
    inDoubt = false;
    for (const update of batch) {
      if (isOfGuard(update)) guard.push(update);
      else managers.onUpdate(update);
      paths.policed.onUpdate(update);
    }
    managers.completeDeferredWork();
    paths.policed.completeDeferredWork();
    const closed = await runSteps(steps.filter(({ phase }) => phase === 'close'));
    if (closed.failures.length === 0) for (const update of guard.splice(0)) managers.onUpdate(update);
    await Promise.all(packetFilters.map((filter) => filter.prepare()));
    const filtered = await runSteps(steps.filter(({ phase }) => phase === 'filter'));
    if (wasInDoubt && filtered.changed > 0) paths.policed.suspectAll();
    if (filtered.failures.length > 0) inDoubt = true;
    const inForce = guard.length === 0 && packetFilters.every((filter) => filter.inForce);
    const rest = await runSteps(
      steps.filter(
        ({ phase }) => phase === 'disconnect' || phase === 'sweep' || (phase === 'connect' && inForce),
      ),
    );
    const waiting = [...filtered.waiting, ...rest.waiting];
    const waitsFor = new Set(waiting.map(({ object }) => object));
    return {
      changed: closed.changed + filtered.changed + rest.changed,
      failures: [...managers.problems(), ...closed.failures, ...filtered.failures, ...rest.failures],
      waiting,
      impossible: [...filtered.impossible, ...rest.impossible],
      // What goes with its interface was changed by nobody.
      drift: drivers
        .flatMap((driver) => driver.takeDrift?.() ?? [])
        .filter((object) => !waitsFor.has(object)),
      durationMs: now() - start,
    };
  };

  return {
    apply: (batch) => inTurn(() => apply(batch)),
    resync() {
      inDoubt = true;
      for (const driver of drivers) driver.queueResync();
    },
    verify: (scope = 'everything') =>
      inTurn(async () => {
        const lists = [...packetFilters.map((filter) => filter.drivers), paths.drivers];
        const found = await Promise.all(lists.map((list) => verifyInTurn(list, scope)));
        return [...managers.problems(), ...found.flat()];
      }),
    counts: () => sum(drivers.map((driver) => driver.counts?.() ?? {})),
  };
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
function desiredOf(packetFilters: readonly PacketFilter[], paths: PathDrivers): DesiredDataplane {
  if (packetFilters.length !== paths.families.length)
    throw new RangeError('Packet filters and routes must be for the same families');
  return {
    families: packetFilters.map(({ family, chains, hooks, ipSets }) => {
      const path = paths.families.find((candidate) => candidate.family === family);
      if (!path) throw new RangeError(`IPv${family} has a packet filter and no routes`);
      const { routes, neighbors } = path;
      return { family, chains, hooks, ipSets, routes, neighbors };
    }),
    sysctls: paths.sysctls,
    tunnels: paths.tunnels,
    forwarding: paths.forwarding,
  };
}

/** Runs one task after the other; a task that fails does not keep the next from running. */
function createTurns(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
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
