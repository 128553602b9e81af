/**
 * The order in which a host changes (law 3), the whole of it:
 *
 *     close       tunnels that nobody wants any more
 *     filter      in each family at once: sets, tables (chains, dispatch, hooks), what was closed meanwhile
 *     connect     flows, sysctls, tunnels, forwarding entries, neighbours, routes
 *     disconnect  routes, neighbours, forwarding entries, sysctls, flows that nobody wants
 *     sweep       in each family at once: tables, sets that nobody wants
 *
 * A set comes before the rules that look into it, and routes come last: no packet is led to an endpoint before its chains
 * are there to judge it. Removal goes the other way round, routes first. A tunnel, by which other hosts bring packets in,
 * goes even before the rules change: new rules may no longer guard it.
 */
import type { PacketFilter } from './backends/backend.js';
import type { ApplyReport, Driver } from './driver.js';
import { type DriversByKind, KERNEL_KINDS, kernelDriversOf } from './kernel-kinds.js';

export interface ApplyParts {
  /** The drivers of each stand in the order of `filter`. */
  readonly packetFilters: readonly Pick<PacketFilter, 'drivers'>[];
  readonly kernel: DriversByKind;
}

export interface ApplyStep {
  readonly phase: 'close' | 'filter' | 'connect' | 'disconnect' | 'sweep';
  run(): Promise<ApplyReport>;
}

export function applySteps({ packetFilters, kernel }: ApplyParts): readonly ApplyStep[] {
  const families = packetFilters.map(({ drivers }) => drivers);
  const kept = KERNEL_KINDS.filter((kind) => kind !== 'tunnels').toReversed();
  return [
    ...kernel.tunnels.map((driver) => deletion('close', driver)),
    atOnce(
      'filter',
      families.map((drivers) => drivers.map((driver) => update('filter', driver))),
    ),
    ...kernelDriversOf(kernel).map((driver) => update('connect', driver)),
    ...kept.flatMap((kind) => kernel[kind].toReversed()).map((driver) => deletion('disconnect', driver)),
    atOnce(
      'sweep',
      families.map((drivers) => drivers.toReversed().map((driver) => deletion('sweep', driver))),
    ),
  ];
}

/** One step after the other; what they say, as one report. */
export async function runSteps(steps: readonly ApplyStep[]): Promise<Required<ApplyReport>> {
  const reports: ApplyReport[] = [];
  for (const { run } of steps) reports.push(await run());
  return merged(reports);
}

/** The lists side by side: families share nothing, and most of the time goes by in programs that we wait for. */
function atOnce(phase: ApplyStep['phase'], lists: readonly (readonly ApplyStep[])[]): ApplyStep {
  return { phase, run: async () => merged(await Promise.all(lists.map(runSteps))) };
}

/** What several reports say, as one. */
export function merged(reports: readonly ApplyReport[]): Required<ApplyReport> {
  return {
    changed: reports.reduce((sum, { changed }) => sum + changed, 0),
    failures: reports.flatMap(({ failures }) => failures),
    waiting: reports.flatMap(({ waiting = [] }) => waiting),
    impossible: reports.flatMap(({ impossible = [] }) => impossible),
  };
}

function update(phase: ApplyStep['phase'], driver: Driver): ApplyStep {
  return { phase, run: () => driver.applyUpdates() };
}

function deletion(phase: ApplyStep['phase'], driver: Driver): ApplyStep {
  return { phase, run: () => driver.applyDeletions() };
}
