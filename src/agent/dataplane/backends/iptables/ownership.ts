/**
 * How we know our own (law 4): chains by their prefix, rules in chains of others by the hash in their comment.
 *
 * Chains that earlier versions of Felix left under other names are ours to sweep as well, and so are their jumps,
 * which had no hash yet.
 */
import type { SavedRule } from './save-parser.js';

const PREFIX = 'cali-';
const HISTORIC_PREFIX = /^(felix-|cali(fw|tw|fh|th|pi|po)-)/;

export function isOurChain(name: string): boolean {
  return name.startsWith(PREFIX) || HISTORIC_PREFIX.test(name);
}

/** For rules in chains that are not ours. */
export function isOurRule(rule: SavedRule): boolean {
  return rule.hash !== undefined || (rule.target !== undefined && HISTORIC_PREFIX.test(rule.target));
}
