/**
 * The programs of one family: iptables-save, iptables-restore and ipset, each chosen explicitly.
 *
 * `iptables` on a host may be either of two: the nft variant writes nf_tables, the legacy one the old x_tables.
 * Rules of both apply, and neither sees the other's, so which one is ours is a setting and never a default of the
 * host. Only legacy takes the lock /run/xtables.lock, which all network namespaces share unless XTABLES_LOCKFILE
 * says otherwise; it exits 4 when it did not get it. See xtables-nft(8), iptables-restore(8), ipset(8).
 */
import { type Exec, ExecError } from '../../../../kernel/exec.js';
import type { IpFamily } from '../../../../model/address.js';
import type { Table } from '../../intent.js';
import { listInput } from './restore-input.js';

export type IptablesVariant = 'nft' | 'legacy';

export interface ToolOptions {
  readonly family: IpFamily;
  readonly variant: IptablesVariant;
  readonly exec: Exec;
  /** XTABLES_LOCKFILE for the legacy variant; absent: the tool's own. */
  readonly lockFile?: string;
}

export interface Tools {
  /** The text of `iptables-save`: all tables that there are. None is made by looking. */
  saveTables(): Promise<string>;
  /** What `iptables -S` prints of some chains, one after the other. */
  listChains(table: Table, chains: readonly string[]): Promise<string>;
  hasChain(table: Table, chain: string): Promise<boolean>;
  restoreTables(input: string): Promise<void>;
  /** The text of `ipset save`: sets of both families, or only one set. */
  saveSets(name?: string): Promise<string>;
  /** Of both families. */
  setNames(): Promise<ReadonlySet<string>>;
  restoreSets(input: string): Promise<void>;
}

/** A program that did not do what it was told. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  constructor(
    readonly command: string,
    readonly reason: 'locked' | 'refused' | 'unusable' | 'missing',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Less than the timeout of exec, or a lock that is held would look like a program that hangs. */
const LOCK_WAIT_SECONDS = '5';
const LOCKED = 4;
/** Of env(1), through which a program is run that is given a lock file. */
const NOT_FOUND = 127;

/** All of them throw ToolError. */
export function createTools({ family, variant, exec, lockFile }: ToolOptions): Tools {
  const iptables = `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}`;
  const env = variant === 'nft' || lockFile === undefined ? {} : { XTABLES_LOCKFILE: lockFile };
  const run = async (command: string, args: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await exec(command, args, { input, env }).catch((error: unknown) => {
      if (!(error instanceof ExecError)) throw error;
      const reason = error.reason === 'not-found' ? 'missing' : 'unusable';
      throw new ToolError(command, reason, error.message, { cause: error });
    });
    if (code === 0) return stdout;
    const locked = variant === 'legacy' && code === LOCKED;
    throw new ToolError(
      command,
      locked ? 'locked' : code === NOT_FOUND ? 'missing' : 'refused',
      `${command}: ${reasonIn(stderr)} (exit ${code})`,
    );
  };
  const restore = (input: string): Promise<string> =>
    run(`${iptables}-restore`, ['--noflush', '--wait', LOCK_WAIT_SECONDS], input);
  return {
    saveTables: () => run(`${iptables}-save`, []),
    listChains: (table, chains) => restore(listInput(table, chains)),
    hasChain: async (table, chain) => {
      try {
        await run(iptables, ['--wait', LOCK_WAIT_SECONDS, '-t', table, '-S', chain]);
        return true;
      } catch (error) {
        if (error instanceof ToolError && error.reason === 'refused') return false;
        throw error;
      }
    },
    restoreTables: async (input) => {
      await restore(input);
    },
    saveSets: (name) => run('ipset', name === undefined ? ['save'] : ['save', name]),
    setNames: async () => new Set((await run('ipset', ['list', '-name'])).split('\n')),
    restoreSets: async (input) => {
      await run('ipset', ['restore'], input);
    },
  };
}

/** The nft variant warns for ever in a namespace where legacy was used once: that is not the reason. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !/^(#|Try `)/.test(line)).join(' ') || 'no message';
}
