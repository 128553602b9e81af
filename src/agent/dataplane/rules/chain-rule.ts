/**
 * Short words for building chains.
 */
import type { ChainName, ChainRule, Match, Verdict } from '../intent.js';

export const ACCEPT: Verdict = { type: 'accept' };
export const DROP: Verdict = { type: 'drop' };
export const RETURN: Verdict = { type: 'return' };

export function rule(matches: readonly Match[], verdict: Verdict, comment?: string): ChainRule {
  return { matches, verdict, ...(comment !== undefined && { comment }) };
}

export function jump(chain: ChainName): Verdict {
  return { type: 'jump', chain };
}

/** Like a jump, but the chain returns to the caller of this one. */
export function goTo(chain: ChainName): Verdict {
  return { type: 'goto', chain };
}
