/**
 * From a difference to the lines that iptables-restore turns it into: one table, one COMMIT, all or nothing.
 *
 * Run with --noflush, so that what is not named stays. A line `:chain` makes a chain, or empties the one of that
 * name; they come first, so that any rule may refer to any new chain. In a chain that exists only rules that differ
 * are replaced, appended or deleted, by number: the counters of the others live on. Rules in chains of others are
 * deleted by their text, before ours are put in place.
 */
import type { ChainName, Table } from '../../intent.js';
import { chainWord } from './render.js';
import type { DesiredChain, DesiredHook, KernelChain, KernelHook } from './table-state.js';

export type TableEdit = ChainEdit | HookEdit;

export interface ChainEdit {
  readonly type: 'chain';
  readonly desired: DesiredChain;
  /** Undefined: the kernel has no such chain. */
  readonly actual: KernelChain | undefined;
}

export interface HookEdit {
  readonly type: 'hook';
  readonly name: string;
  /** Undefined: ours are only removed. */
  readonly desired: DesiredHook | undefined;
  readonly actual: KernelHook | undefined;
}

export function restoreInput(table: Table, edits: readonly TableEdit[]): string {
  const chains = edits.filter((edit) => edit.type === 'chain');
  const hooks = edits.filter((edit) => edit.type === 'hook');
  return transaction(table, [
    ...chains.filter(({ actual }) => !actual).map(({ desired }) => declaration(desired.chain.name)),
    ...chains.flatMap(chainLines),
    ...hooks.flatMap(hookLines),
  ]);
}

/** Makes each chain closed, because its own rules may not be had (law 5). */
export function closedInput(table: Table, chains: readonly ChainName[]): string {
  // The nat table takes no drop: what is not translated there is not let in either.
  const closing = table === 'nat' ? [] : chains.map((name) => `-A ${chainWord(name)} -j DROP`);
  return transaction(table, [...chains.map(declaration), ...closing]);
}

/** Empties all of them before it removes one: they may refer to each other. */
export function removalInput(table: Table, chains: readonly ChainName[]): string {
  return transaction(table, [...chains.map(declaration), ...chains.map((name) => `-X ${name}`)]);
}

function transaction(table: Table, lines: readonly string[]): string {
  return [`*${table}`, ...lines, 'COMMIT', ''].join('\n');
}

function declaration(name: ChainName): string {
  return `:${chainWord(name)} - [0:0]`;
}

function chainLines({ desired: { chain, rules, hashes }, actual }: ChainEdit): string[] {
  const name = chainWord(chain.name);
  const before = actual?.hashes ?? [];
  const changed = rules.flatMap((rule, index) => {
    if (index >= before.length) return [`-A ${name} ${rule}`];
    return before[index] === hashes[index] ? [] : [`-R ${name} ${index + 1} ${rule}`];
  });
  // From the end, so that the numbers of those before stay what they were.
  const surplus = before.slice(rules.length).map((_, index) => `-D ${name} ${before.length - index}`);
  return [...changed, ...surplus];
}

function hookLines({ name, desired, actual }: HookEdit): string[] {
  const ours = actual?.rules.filter((rule) => rule.ours) ?? [];
  const placed = desired?.rules.map((rule, index) =>
    desired.intent.position === 'first' ? `-I ${name} ${index + 1} ${rule}` : `-A ${name} ${rule}`,
  );
  return [...ours.map(({ text }) => `-D ${name} ${text}`), ...(placed ?? [])];
}
