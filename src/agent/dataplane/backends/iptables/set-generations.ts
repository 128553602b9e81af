/**
 * Which sets must change by becoming a new set, because changing them in place would show (law 7).
 *
 * Sets are written before chains. If a rule changes in the same batch as the members of a set that it looks into,
 * packets would for a moment meet the old rule with the new members: neither what was nor what shall be. Such a set
 * is built under a new name instead, next to the old one, and the COMMIT that switches the rules switches the set
 * with them. What the chain looked into before counts as well as what it will look into. A set whose type changes
 * cannot change in place at all: ipset swaps only sets of one type.
 */

import type { IpFamily } from '../../../../model/address.js';
import type { IpSetId } from '../../../calc/updates.js';
import { GENERATIONS, type Generation, ipSetName } from './ip-set-names.js';

/** A set that is in the kernel, but not as it should be. */
export interface ChangingSet {
  readonly id: IpSetId;
  readonly name: string;
  readonly changes: 'members' | 'type';
}

export interface ChangingChain {
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
}

export function setsToRegenerate(
  sets: Iterable<ChangingSet>,
  chains: Iterable<ChangingChain>,
): ReadonlySet<IpSetId> {
  const lookedInto = new Set<string>();
  for (const { before, after } of chains) for (const name of [...before, ...after]) lookedInto.add(name);
  const due = [...sets].filter(({ name, changes }) => changes === 'type' || lookedInto.has(name));
  return new Set(due.map(({ id }) => id));
}

/** The generation in the kernel after a restart: the one that rules look into, else any. */
export function adoptGeneration(
  family: IpFamily,
  id: IpSetId,
  kernel: { readonly exists: (name: string) => boolean; readonly isUsed: (name: string) => boolean },
): Generation {
  const found = GENERATIONS.filter((generation) => kernel.exists(ipSetName(family, generation, id)));
  return found.find((generation) => kernel.isUsed(ipSetName(family, generation, id))) ?? found[0] ?? 0;
}

/** A generation whose name is free; undefined when all ten are taken. */
export function nextGeneration(
  family: IpFamily,
  id: IpSetId,
  exists: (name: string) => boolean,
): Generation | undefined {
  return GENERATIONS.find((generation) => !exists(ipSetName(family, generation, id)));
}
