/**
 * Driver of sysctls: one mechanism for all of them; which ones, and why, is in the files beside this one.
 *
 * A sysctl is there from the start with a value of its own, so nothing tells ours from others: only wanted ones
 * are read, and one that is no longer wanted keeps its value. Those of an interface come and go with it: while
 * the file is missing, the setting waits. A write counts when the kernel reads it back.
 */
import type { ProcSys } from '../../../kernel/proc-sys.js';
import type { DesiredView } from '../../../model/delta-tracker.js';
import type { SysctlPath } from '../../../model/sysctl.js';
import { type KernelObjects, KernelTable, type PendingObject, type WriteOutcome } from './kernel-table.js';

/** Files below /proc/sys are read by libuv's threads, of which there are few. */
const READS_AT_ONCE = 64;

export function sysctlTable(procSys: ProcSys): KernelTable<SysctlPath, string> {
  return new KernelTable(new SysctlObjects(procSys));
}

type PendingSysctl = PendingObject<SysctlPath, string, string>;

class SysctlObjects implements KernelObjects<SysctlPath, string, string> {
  readonly name = 'sysctls';
  readonly #procSys: ProcSys;

  constructor(procSys: ProcSys) {
    this.#procSys = procSys;
  }

  describe(path: SysctlPath, value: string): string {
    return `sysctl ${path} = ${value}`;
  }

  equal(desired: string, actual: string): boolean {
    return desired === actual;
  }

  async readBack(desired: DesiredView<SysctlPath, string>): Promise<Iterable<readonly [SysctlPath, string]>> {
    const found: [SysctlPath, string][] = [];
    const wanted = [...desired.entries()];
    for (let start = 0; start < wanted.length; start += READS_AT_ONCE) {
      const some = wanted.slice(start, start + READS_AT_ONCE);
      const values = await Promise.all(some.map(([path]) => this.#procSys.read(path)));
      for (const [index, [path]] of some.entries()) {
        const value = values[index];
        if (value !== undefined) found.push([path, value]);
      }
    }
    return found;
  }

  async waitingFor(pending: readonly PendingSysctl[]): Promise<readonly (string | undefined)[]> {
    return pending.map(({ key, actual }) => (actual === undefined ? noSuchSysctl(key) : undefined));
  }

  async write(pending: readonly PendingSysctl[]): Promise<readonly WriteOutcome<string>[]> {
    const outcomes: WriteOutcome<string>[] = [];
    // One after the other: the switches of the host set those of its interfaces.
    for (const { key, desired } of pending) outcomes.push(await this.#write(key, desired));
    return outcomes;
  }

  /** Leaves the value: nobody knows what it was before, and an interface takes its settings along. */
  async remove(stale: readonly unknown[]): Promise<readonly undefined[]> {
    return stale.map(() => undefined);
  }

  async #write(path: SysctlPath, value: string): Promise<WriteOutcome<string>> {
    try {
      await this.#procSys.write(path, value);
      const actual = await this.#procSys.read(path);
      if (actual === value) return { type: 'written', actual };
      return { type: 'failed', error: new Error(`the kernel keeps ${actual ?? 'nothing'}`) };
    } catch (error) {
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      return missing ? { type: 'waiting', reason: noSuchSysctl(path) } : { type: 'failed', error };
    }
  }
}

function noSuchSysctl(path: SysctlPath): string {
  return `there is no /proc/sys/${path}`;
}
