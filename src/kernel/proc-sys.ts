/**
 * /proc/sys of the network namespace that this process is in (sysctl(8), ip-sysctl.rst).
 */
import { readFile, writeFile } from 'node:fs/promises';
import type { SysctlPath } from '../model/sysctl.js';

export interface ProcSys {
  /** The value without its final newline; undefined when the file does not exist. */
  read(path: SysctlPath): Promise<string | undefined>;
  /** @throws with code ENOENT when the file does not exist, with another when the kernel refuses the value. */
  write(path: SysctlPath, value: string): Promise<void>;
}

export const procSys: ProcSys = {
  async read(path) {
    try {
      return (await readFile(`/proc/sys/${path}`, 'utf8')).trimEnd();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  async write(path, value) {
    // r+ does not try to create a file that is missing, which the kernel would refuse as EACCES.
    await writeFile(`/proc/sys/${path}`, value, { flag: 'r+' });
  },
};
