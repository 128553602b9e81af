/**
 * The order in which a host changes (law 3). Read it as a list.
 *
 * What is looked into comes before what looks, and a packet is invited last: a route leads to an endpoint only when
 * its chains judge. What nobody wants goes the other way round, the invitation first: a tunnel, by which others bring
 * packets in, goes even before the rules change, or it would stand open from when the rules let it.
 */
import type { PacketFilter } from './backends/backend.js';
import type { ApplyReport, Driver } from './driver.js';

export interface ApplyParts {
  readonly packetFilters: readonly Pick<PacketFilter, 'drivers'>[];
  /** Flows, sysctls, tunnels, forwarding, neighbours, routes: in this order. */
  readonly paths: readonly Driver[];
  /** Those of the paths by which others bring packets in. */
  readonly closedFirst: readonly Driver[];
}

export interface ApplyStep {
  readonly phase: 'close' | 'filter' | 'connect' | 'disconnect' | 'sweep';
  run(): Promise<ApplyReport>;
}

export function applySteps({ packetFilters, paths, closedFirst }: ApplyParts): readonly ApplyStep[] {
  const families = packetFilters.map(({ drivers }) => drivers);
  return [
    ...closedFirst.map((driver) => deletion('close', driver)),
    // Sets, then the chains that look into them, then the dispatch to those: a table is one write.
    atOnce(
      'filter',
      families.map((drivers) => drivers.map((driver) => update('filter', driver))),
    ),
    ...paths.map((driver) => update('connect', driver)),
    ...paths
      .toReversed()
      .filter((driver) => !closedFirst.includes(driver))
      .map((driver) => deletion('disconnect', driver)),
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
