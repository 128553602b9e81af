/**
 * Reads what iptables-save prints of one table.
 *
 * Of our own chains only hashes and the names of sets are kept: the rest comes back in the tool's words, not ours.
 * Of other chains whole rules are kept, because a rule that must go is deleted by its own text, which can never hit
 * a neighbour, as a number could when someone else writes at the same time.
 */
import { findHash } from './rule-hash.js';

export interface SavedRule {
  /** Without `-A` and chain name; `-D <chain> <text>` deletes it. */
  readonly text: string;
  readonly hash: string | undefined;
  /** The chain or target it jumps or goes to. */
  readonly target: string | undefined;
  readonly setNames: readonly string[];
}

/** Rules by chain, in order; chains without rules too. */
export type SavedTable = ReadonlyMap<string, readonly SavedRule[]>;

/** @param text - of `iptables-save -t <table>`; comments and warnings are skipped. */
export function parseSave(text: string): SavedTable {
  const chains = new Map<string, SavedRule[]>();
  for (const line of text.split('\n')) {
    if (line.startsWith(':')) {
      chains.set(line.slice(1, line.indexOf(' ')), []);
    } else if (line.startsWith('-A ')) {
      const end = line.indexOf(' ', 3);
      chains.get(line.slice(3, end))?.push(parseRule(line.slice(end + 1)));
    }
  }
  return chains;
}

function parseRule(text: string): SavedRule {
  // What other programs put between quotes may look like anything.
  const unquoted = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return {
    text,
    hash: findHash(text),
    target: / -[jg] (\S+)/.exec(` ${unquoted}`)?.[1],
    setNames: [...unquoted.matchAll(/--match-set (\S+)/g)].map((match) => match[1] ?? ''),
  };
}
