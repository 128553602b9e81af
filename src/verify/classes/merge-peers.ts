/**
 * Merges peers that no rule tells apart after all.
 *
 * Label groups and regions are cut finer than rules need: a label that one selector mentions splits everybody. What
 * counts is which sets of peers somebody is in; those that agree in all of them become one.
 */
import { addBit, type Bitset, countBits, emptyBitset, membersOf } from '../../model/bitset.js';

export interface MergedPeers {
  readonly size: number;
  /** The merged peer of each peer. */
  readonly of: Int32Array;
  /** A set of peers as a set of merged peers. */
  merge(bits: Bitset): Bitset;
}

/** @param sets - all sets of peers that any rule names. */
export function mergePeers(size: number, sets: Iterable<Bitset>): MergedPeers {
  const classOf = new Int32Array(size);
  let next = 1;
  for (const bits of sets) {
    const split = new Map<number, number>();
    for (const peer of smallerSide(bits, size)) {
      const before = classOf[peer] ?? 0;
      const after = split.get(before) ?? next++;
      split.set(before, after);
      classOf[peer] = after;
    }
  }
  const numbers = new Map<number, number>();
  const members: number[] = [];
  const of = classOf.map((one, peer) => {
    const number = numbers.get(one) ?? members.push(peer) - 1;
    numbers.set(one, number);
    return number;
  });
  return {
    size: members.length,
    of,
    merge(bits) {
      const merged = emptyBitset(members.length);
      for (const peer of membersOf(bits)) addBit(merged, of[peer] ?? 0);
      return merged;
    },
  };
}

/** Splitting by a set is splitting by its complement. */
function smallerSide(bits: Bitset, size: number): readonly number[] {
  if (countBits(bits) * 2 <= size) return membersOf(bits);
  return membersOf(bits.map((word) => ~word)).filter((peer) => peer < size);
}
