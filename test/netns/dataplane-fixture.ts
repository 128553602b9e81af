/**
 * A packet filter of one family in a namespace of its own, with the programs it calls counted.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { PacketFilter } from '../../src/agent/dataplane/backends/backend.js';
import { type BackendName, backends } from '../../src/agent/dataplane/backends/index.js';
import type { ApplyReport, VerifyScope } from '../../src/agent/dataplane/driver.js';
import {
  type Chain,
  type ChainName,
  type ChainRule,
  chainKey,
  type Hook,
  type HookRules,
  hookKey,
  type Table,
} from '../../src/agent/dataplane/intent.js';
import { DROP, jump, rule } from '../../src/agent/dataplane/rules/chain-rule.js';
import type { Exec } from '../../src/kernel/exec.js';
import type { Cidr, IpFamily } from '../../src/model/address.js';
import { createNamespace, type Namespace } from '../helpers/netns.js';

export interface Host extends AsyncDisposable {
  readonly ns: Namespace;
  readonly family: IpFamily;
  /** `ip6tables-nft`: what -save and -restore are appended to. */
  readonly tool: string;
  /** Programs that the filters have run since the last look. */
  calls(): readonly string[];
  readonly lockFile: string;
  /** A filter as a freshly started agent has it: without memory. */
  start(wrap?: (exec: Exec) => Exec): PacketFilter;
  /** What iptables-save says, without counters. */
  save(table: Table): Promise<readonly string[]>;
  /** Runs iptables-restore --noflush, as another program would. */
  restore(lines: readonly string[]): Promise<void>;
}

export async function createHost(backend: BackendName, family: IpFamily): Promise<Host> {
  const ns = await createNamespace('pk');
  const tool = `${family === 4 ? 'iptables' : 'ip6tables'}-${backend === 'iptables' ? 'nft' : 'legacy'}`;
  const lockFile = `/run/${ns.name}.lock`;
  const calls: string[] = [];
  const exec: Exec = (command, args, options) => {
    calls.push([command, ...args].join(' '));
    return ns.exec(command, args, options);
  };
  return {
    ns,
    family,
    tool,
    calls: () => calls.splice(0),
    lockFile,
    start: (wrap = (exec) => exec) =>
      backends[backend].open({ family, pause: (ms) => pause(ms), lockFile, exec: wrap(exec) }),
    save: async (table) =>
      (await ns.run(`${tool}-save`, ['-t', table])).split('\n').filter((line) => /^[:-]/.test(line)),
    restore: async (lines) => {
      await ns.run(`${tool}-restore`, ['--noflush'], { input: `${lines.join('\n')}\n` });
    },
    async [Symbol.asyncDispose]() {
      await rm(lockFile, { force: true });
      await ns[Symbol.asyncDispose]();
    },
  };
}

/** One round, as the dataplane does it. */
export async function applyAll(filter: PacketFilter): Promise<ApplyReport> {
  await filter.prepare();
  const reports: ApplyReport[] = [];
  for (const driver of filter.drivers) reports.push(await driver.applyUpdates());
  for (const driver of filter.drivers.toReversed()) reports.push(await driver.applyDeletions());
  return {
    changed: reports.reduce((sum, { changed }) => sum + changed, 0),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

export function queueResync(filter: PacketFilter): void {
  for (const driver of filter.drivers) driver.queueResync();
}

export async function verifyAll(filter: PacketFilter, scope?: VerifyScope): Promise<readonly string[]> {
  const found = [];
  for (const driver of filter.drivers) found.push(...(await driver.verify(scope)));
  return found.map(({ object, message }) => `${object}: ${message}`);
}

export function wishChain(
  filter: PacketFilter,
  name: string,
  rules: readonly ChainRule[],
  table: Table = 'filter',
  setUses?: NonNullable<Chain['setUses']>,
): void {
  const chain = { table, name: name as ChainName, rules, ...(setUses && { setUses }) };
  filter.chains.set(chainKey(chain), chain);
}

export function unwishChain(filter: PacketFilter, name: string): void {
  filter.chains.delete(chainKey({ table: 'filter', name: name as ChainName }));
}

export function wishHook(
  filter: PacketFilter,
  position: HookRules['position'] = 'first',
  name: Hook = 'FORWARD',
  target = 'cali-FORWARD',
): void {
  const hook: HookRules = {
    table: 'filter',
    hook: name,
    position,
    rules: [rule([], jump(target as ChainName))],
  };
  filter.hooks.set(hookKey(hook), hook);
}

export function dropFrom(net: Cidr): ChainRule {
  return rule([{ type: 'net', end: 'source', net, negated: false }], DROP);
}
