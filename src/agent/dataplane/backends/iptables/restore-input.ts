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
import type { DesiredChain, DesiredHook, KernelChain, KernelHook, KernelTable } from './table-state.js';

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

/**
 * @param newChainsPerCommit - more of them are written in several transactions, all in this text. Nothing in the
 *   kernel can refer to a chain that is not there yet, so no packet meets one before the last COMMIT, which is the
 *   one that changes what is there.
 */
export function restoreInput(
  table: Table,
  edits: readonly TableEdit[],
  newChainsPerCommit = Number.POSITIVE_INFINITY,
): string {
  const chains = edits.filter((edit) => edit.type === 'chain');
  const hooks = edits.filter((edit) => edit.type === 'hook');
  const added = chains.filter(({ actual }) => !actual);
  const changed = chains.filter(({ actual }) => actual);
  const declarations = added.map(({ desired }) => declaration(desired.chain.name));
  const last = [...changed.flatMap(chainLines), ...hooks.flatMap(hookLines)];
  if (added.length <= newChainsPerCommit)
    return transaction(table, [...declarations, ...added.flatMap(chainLines), ...last]);
  const transactions = [transaction(table, declarations)];
  for (let start = 0; start < added.length; start += newChainsPerCommit)
    transactions.push(transaction(table, added.slice(start, start + newChainsPerCommit).flatMap(chainLines)));
  return [...transactions, transaction(table, last)].join('');
}

/**
 * Prints chains instead of changing them: iptables-restore takes any command of iptables, so that one process
 * shows many chains and no other.
 */
export function listInput(table: Table, chains: readonly string[]): string {
  return transaction(
    table,
    chains.map((name) => `-S ${chainWord(name)}`),
  );
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

/** Removes all that is ours from a table: its rules in chains of others, then its chains. */
export function sweepInput(table: Table, { chains, hooks }: KernelTable): string {
  const names = [...chains.keys()];
  return transaction(table, [
    ...[...hooks].flatMap(([name, actual]) => hookLines({ type: 'hook', name, desired: undefined, actual })),
    ...names.map(declaration),
    ...names.map((name) => `-X ${chainWord(name)}`),
  ]);
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
