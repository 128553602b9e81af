/**
 * The bits of the packet mark that our chains talk to each other with.
 *
 * A chain cannot return a value, so a verdict travels as a mark: the chain of a policy sets a bit and returns, the
 * chain of the endpoint looks at the bit. The bits are the lowest ones of the configured mask; others in the mask
 * are left alone, and those outside belong to other programs. No bit means anything outside the endpoint chain in
 * which it was set: every chain clears what it is going to read.
 */
import type { Match, Verdict } from '../intent.js';

export interface MarkBits {
  /** A rule allowed the packet. */
  readonly accept: number;
  /** A rule passed the packet on to the next tier. */
  readonly pass: number;
  /** All conditions of the present rule have been met so far. */
  readonly allBlocks: number;
  /** The present condition has been met. */
  readonly thisBlock: number;
}

const BITS_NEEDED = 4;

/** Deals out bits, lowest first; undefined when the mask has fewer than four. */
export function markBits(mask: number): MarkBits | undefined {
  const bits = Array.from({ length: 32 }, (_, index) => 2 ** index).filter((bit) => (mask & bit) !== 0);
  const [accept, pass, allBlocks, thisBlock] = bits;
  if (bits.length < BITS_NEEDED || !accept || !pass || !allBlocks || !thisBlock) return undefined;
  return { accept, pass, allBlocks, thisBlock };
}

export function isMarked(bit: number): Match {
  return { type: 'mark', value: bit, mask: bit };
}

export function isNotMarked(bit: number): Match {
  return { type: 'mark', value: 0, mask: bit };
}

export function setMark(bit: number): Verdict {
  return { type: 'set-mark', value: bit, mask: bit };
}

export function clearMark(...bits: readonly number[]): Verdict {
  return { type: 'set-mark', value: 0, mask: bits.reduce((sum, bit) => sum + bit, 0) };
}
