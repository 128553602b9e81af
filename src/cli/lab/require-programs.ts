/** What a lab runs on this machine, looked for before anything is made. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { CliContext } from '../context.js';
import { CliError, EXIT } from '../exit-codes.js';

/** The Debian package of each program; scripts/bootstrap.sh installs the same. */
export const LAB_PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['etcd', 'etcd-server'],
  ['bird', 'bird2'],
  ['iptables-nft', 'iptables'],
  ['ipset', 'ipset'],
  ['ip', 'iproute2'],
  ['conntrack', 'conntrack'],
  ['ping', 'iputils-ping'],
  ['nsenter', 'util-linux'],
  ['sysctl', 'procps'],
  ['git', 'git'],
]);

/** @throws {CliError} naming the packages that are missing */
export async function requirePrograms({ environment }: Pick<CliContext, 'environment'>): Promise<void> {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const missing: string[] = [];
  for (const program of LAB_PROGRAMS.keys()) if (!(await isInAnyOf(folders, program))) missing.push(program);
  if (missing.length === 0) return;
  const packages = missing.map((program) => LAB_PROGRAMS.get(program)).join(' ');
  throw new CliError(
    EXIT.unexpected,
    `a lab needs programs that are not in PATH: ${missing.join(', ')}`,
    `apt-get install ${packages}; where they are installed, add /usr/sbin to PATH`,
  );
}

async function isInAnyOf(folders: readonly string[], program: string): Promise<boolean> {
  for (const folder of folders) {
    const isThere = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}
