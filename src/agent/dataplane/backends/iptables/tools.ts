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

export type IptablesVariant = 'nft' | 'legacy';

export interface ToolOptions {
  readonly family: IpFamily;
  readonly variant: IptablesVariant;
  readonly exec: Exec;
  /** XTABLES_LOCKFILE for the legacy variant; absent: the tool's own. */
  readonly lockFile?: string;
}

export interface Tools {
  /** The text of `iptables-save -t <table>`. */
  saveTable(table: Table): Promise<string>;
  restoreTable(input: string): Promise<void>;
  /** The text of `ipset save`: sets of both families. */
  saveSets(): Promise<string>;
  restoreSets(input: string): Promise<void>;
}

/** A program that did not do what it was told. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  constructor(
    readonly command: string,
    readonly reason: 'locked' | 'refused' | 'unusable',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Less than the timeout of exec, or a lock that is held would look like a program that hangs. */
const LOCK_WAIT_SECONDS = 5;
const LOCKED = 4;

/** All of them throw ToolError. */
export function createTools({ family, variant, exec, lockFile }: ToolOptions): Tools {
  const iptables = `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}`;
  const env = lockFile === undefined ? {} : { XTABLES_LOCKFILE: lockFile };
  const run = async (command: string, args: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await exec(command, args, { input, env }).catch((error: unknown) => {
      if (error instanceof ExecError)
        throw new ToolError(command, 'unusable', error.message, { cause: error });
      throw error;
    });
    if (code === 0) return stdout;
    const locked = variant === 'legacy' && code === LOCKED;
    throw new ToolError(
      command,
      locked ? 'locked' : 'refused',
      `${command}: ${reasonIn(stderr)} (exit ${code})`,
    );
  };
  return {
    saveTable: (table) => run(`${iptables}-save`, ['-t', table]),
    restoreTable: async (input) => {
      await run(`${iptables}-restore`, ['--noflush', '--wait', String(LOCK_WAIT_SECONDS)], input);
    },
    saveSets: () => run('ipset', ['save']),
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
