/**
 * What a lab leaves on the machine: namespaces, programs, files. Programs are found by the namespace that they are in,
 * also when its name is gone, and by the lab's folder among their arguments.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { namespacePath } from '../../src/kernel/namespaces.js';
import { labFolder } from '../../src/lab/lab-state.js';

export class LabTraces {
  readonly #name: string;
  /** Inodes of namespaces that were seen. */
  readonly #seen = new Set<string>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Names of the namespaces that are there now, which are remembered. */
  namespaces(): string[] {
    const names = readdirSync('/run/netns').filter((one) => one.startsWith(`${this.#name}-`));
    for (const name of names) this.#seen.add(`net:[${statSync(namespacePath(name)).ino}]`);
    return names;
  }

  /** Everything that is there now, in words; empty when the lab is gone. */
  all(): string[] {
    const folder = labFolder(this.#name);
    return [...this.namespaces(), ...(existsSync(folder) ? [folder] : []), ...this.#programs(folder)];
  }

  #programs(folder: string): string[] {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .flatMap((pid) => {
        try {
          const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
          const isInside = this.#seen.has(readlinkSync(`/proc/${pid}/ns/net`));
          return isInside || commandLine.includes(`${folder}/`) ? [`${pid} ${commandLine}`] : [];
        } catch {
          // It has ended.
          return [];
        }
      });
  }
}
