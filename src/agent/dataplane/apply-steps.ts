/**
 * The order in which a host changes (law 3). Read it as a list.
 *
 * What is looked into comes before what looks, and a packet is invited last: a route leads to an endpoint only when
 * its chains judge. What nobody wants goes the other way round, the invitation first.
 */
import type { PacketFilter } from './backends/backend.js';
import type { ApplyReport, Driver } from './driver.js';

export interface ApplyParts {
  readonly packetFilters: readonly Pick<PacketFilter, 'drivers'>[];
  /** Sysctls, neighbours, routes: in this order. */
  readonly paths: readonly Driver[];
}

export interface ApplyStep {
  readonly phase: 'filter' | 'connect' | 'disconnect' | 'sweep';
  run(): Promise<ApplyReport>;
}

export function applySteps({ packetFilters, paths }: ApplyParts): readonly ApplyStep[] {
  const filters = packetFilters.flatMap(({ drivers }) => drivers);
  return [
    // Sets, then the chains that look into them, then the dispatch to those: a table is one write.
    ...filters.map((driver) => update('filter', driver)),
    ...paths.map((driver) => update('connect', driver)),
    ...paths.toReversed().map((driver) => deletion('disconnect', driver)),
    ...filters.toReversed().map((driver) => deletion('sweep', driver)),
  ];
}

function update(phase: ApplyStep['phase'], driver: Driver): ApplyStep {
  return { phase, run: () => driver.applyUpdates() };
}

function deletion(phase: ApplyStep['phase'], driver: Driver): ApplyStep {
  return { phase, run: () => driver.applyDeletions() };
}
