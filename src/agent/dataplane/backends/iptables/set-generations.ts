/**
 * How sets change so that no packet meets a mix of two states of the store (law 7).
 *
 * Members are written one by one, the rules of a table in one COMMIT, and a packet that passes meanwhile asks several
 * rules for several sets. A set is therefore built anew under another name, next to the old one, and the COMMIT that
 * switches the rules switches the set with them, when
 * - a rule changes that looks or will look into it, or its type does: ipset cannot change that in place;
 * - rules both allow and deny by it: then it cannot be said whether a member more is a packet more;
 * - some changes of the batch let more through and others less, and the sets are small.
 *
 * What is left are sets of which each member that comes or goes can only open, or only close. Those that close are
 * written before the COMMIT and those that open behind it, so that at each moment at most that passes which the old
 * rules let through, or at most that which the new ones do. If the whole batch goes one way, every packet meets the
 * old verdict or the new one. If not, which is left to sets too large to be built for every change, a packet that
 * both let through, each for another reason, may be lost in between: closed for a moment, never open.
 */

import type { IpFamily } from '../../../../model/address.js';
import type { IpSetId } from '../../../calc/updates.js';
import type { SetUse } from '../../intent.js';
import { GENERATIONS, type Generation, ipSetName } from './ip-set-names.js';

/** A set that is in the kernel, but not as it should be. */
export interface ChangingSet {
  readonly id: IpSetId;
  readonly name: string;
  readonly changes: 'type' | { readonly added: number; readonly removed: number; readonly members: number };
}

/** A chain that the next COMMIT changes. */
export interface ChangingChain {
  /**
   * `new`: nothing leads to it yet. `dispatch`: endpoints come or go, and nothing changes for those that stay.
   * `rules`: what packets meet today will be otherwise. `gone`: nothing will lead to it.
   */
  readonly kind: 'new' | 'dispatch' | 'rules' | 'gone';
  /** The kernel's names of the sets that it looks into. */
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
}

const HALVES = ['added', 'removed'] as const;
export type Half = (typeof HALVES)[number];

export interface SetPlan {
  readonly regenerate: ReadonlySet<IpSetId>;
  /** Of the others, which half of the change may let packets through. */
  readonly opening: ReadonlyMap<IpSetId, Half>;
}

/** Up to so many members, all in all, cost less to write than the COMMIT that switches them. */
const FEW_MEMBERS = 2_000;

/** @param useOf - by the rules that are desired */
export function planSets(
  sets: readonly ChangingSet[],
  chains: readonly ChangingChain[],
  useOf: (id: IpSetId) => SetUse,
): SetPlan {
  const lookedInto = new Set(chains.filter(({ kind }) => kind !== 'new').flatMap(setsOf));
  const regenerate = new Set<IpSetId>();
  const opening = new Map<IpSetId, Half>();
  const directions = new Set<'opens' | 'closes'>();
  let members = 0;
  for (const { id, name, changes } of sets) {
    const { joining, leaving } = useOf(id);
    if (changes === 'type' || lookedInto.has(name) || (joining && leaving)) {
      regenerate.add(id);
      continue;
    }
    const half = joining ? 'removed' : 'added';
    opening.set(id, half);
    for (const each of HALVES) if (changes[each] > 0) directions.add(each === half ? 'opens' : 'closes');
    members += changes.members;
  }
  const rulesStay = regenerate.size === 0 && chains.every(({ kind }) => kind !== 'rules');
  const isExact = opening.size === 0 || (rulesStay && directions.size === 1);
  if (isExact || members > FEW_MEMBERS) return { regenerate, opening };
  return { regenerate: new Set(sets.map(({ id }) => id)), opening: new Map() };
}

function setsOf({ before, after }: ChangingChain): readonly string[] {
  return [...before, ...after];
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
