/**
 * Reads what iptables-save prints of all tables, or `iptables -S` of some chains.
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
  /** The chain or target it jumps or goes to; not looked for when the hash says whose the rule is. */
  readonly target: string | undefined;
  readonly setNames: readonly string[];
}

/** Rules by chain, in order; chains without rules too. */
export type SavedTable = ReadonlyMap<string, readonly SavedRule[]>;

/** @param text - of `iptables-save`; comments and warnings are skipped. */
export function parseSave(text: string): ReadonlyMap<string, SavedTable> {
  const tables = new Map<string, SavedTable>();
  let chains = new Map<string, SavedRule[]>();
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      chains = new Map();
      tables.set(line.slice(1), chains);
    } else readLine(line, chains);
  }
  return tables;
}

/** @param text - of `iptables -S <chain>`, of one chain or several of a table. */
export function parseList(text: string): SavedTable {
  const chains = new Map<string, SavedRule[]>();
  for (const line of text.split('\n')) readLine(line, chains);
  return chains;
}

function readLine(line: string, chains: Map<string, SavedRule[]>): void {
  if (line.startsWith('-A ')) {
    const end = wordEnd(line, 3);
    chains.get(line.slice(3, end))?.push(parseRule(line.slice(end + 1)));
  } else if (line.startsWith(':')) chains.set(line.slice(1, wordEnd(line, 1)), []);
  else if (line.startsWith('-N ') || line.startsWith('-P ')) chains.set(line.slice(3, wordEnd(line, 3)), []);
}

function wordEnd(line: string, start: number): number {
  const end = line.indexOf(' ', start);
  return end === -1 ? line.length : end;
}

function parseRule(text: string): SavedRule {
  const hash = findHash(text);
  // Most rules are ours and look into no set; there are tens of thousands of them.
  if (hash !== undefined && !text.includes('--match-set'))
    return { text, hash, target: undefined, setNames: NO_NAMES };
  // What other programs put between quotes may look like anything.
  const unquoted = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return {
    text,
    hash,
    target: hash === undefined ? / -[jg] (\S+)/.exec(` ${unquoted}`)?.[1] : undefined,
    setNames: [...unquoted.matchAll(/--match-set (\S+)/g)].map((match) => match[1] ?? ''),
  };
}

const NO_NAMES: readonly string[] = [];
