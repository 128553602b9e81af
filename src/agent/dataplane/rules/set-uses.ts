/**
 * What a set may do to the rules that look into it, when its members change (PURE).
 *
 * An address that joins what is allowed, or leaves what is denied, can only gain; the other way round it can only
 * lose. Who asks is told what may be lost: where joining takes nothing away, leaving gives nothing. Pass is neither
 * of the two: what comes behind it may allow or deny.
 */
import type { CompiledRule, IpSetId } from '../../calc/updates.js';
import type { SetUse } from '../intent.js';

/** Every set that the rules refer to. */
export function setUses(rules: readonly CompiledRule[]): ReadonlyMap<IpSetId, SetUse> {
  const uses = new Map<IpSetId, SetUse>();
  const note = (id: IpSetId, use: SetUse) => uses.set(id, mergeUses(uses.get(id) ?? NO_USE, use));
  for (const { action, source, destination } of rules) {
    const [allows, denies] = [
      action === 'Allow' || action === 'Pass',
      action === 'Deny' || action === 'Pass',
    ];
    for (const { sets, notSets } of [source, destination]) {
      for (const id of sets) note(id, { joining: denies, leaving: allows });
      for (const id of notSets) note(id, { joining: allows, leaving: denies });
    }
  }
  return uses;
}

export function mergeUses(a: SetUse, b: SetUse): SetUse {
  return { joining: a.joining || b.joining, leaving: a.leaving || b.leaving };
}

export const NO_USE: SetUse = { joining: false, leaving: false };
