/**
 * Other BIRD daemons on this host, as `apt install bird2` starts one.
 *
 * BIRD takes every kernel route with its protocol number (`proto bird`) for its own, and removes those that it has not
 * written itself. Two of them in one network namespace delete each other's routes at each scan, with all sessions up.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { BgpSpeaker } from './speaker.js';

const NAMES = new Set(['bird', 'bird6']);

/** Process ids, in the network namespace of this process. @param stateDir - what the command line of our own names */
export async function findRivals(stateDir: string): Promise<readonly number[]> {
  const own = await readlink('/proc/self/ns/net');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const rivals = await Promise.all(pids.map((pid) => isRival(pid, own, stateDir).catch(() => false)));
  return pids.filter((_, index) => rivals[index]).map(Number);
}

/** @throws when the process has ended meanwhile */
async function isRival(pid: string, namespace: string, stateDir: string): Promise<boolean> {
  if (!NAMES.has((await readFile(`/proc/${pid}/comm`, 'utf8')).trim())) return false;
  if ((await readlink(`/proc/${pid}/ns/net`)) !== namespace) return false;
  return !(await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(stateDir);
}

/** The same speaker, which looks for rivals whenever it is compared with what was applied, and names them. */
export function withRivals(speaker: BgpSpeaker, find: () => Promise<readonly number[]>): BgpSpeaker {
  let rivals: readonly number[] = [];
  const look = async () => {
    rivals = await find();
  };
  return {
    async apply(model, settings) {
      await look();
      return speaker.apply(model, settings);
    },
    async resync() {
      await look();
      return speaker.resync();
    },
    verify: () => speaker.verify(),
    async status() {
      const status = await speaker.status();
      if (status.configured === 0 || rivals.length === 0) return status;
      const rival =
        `another BIRD runs on this host (process ${rivals.join(', ')}) and deletes the routes that BGP brings: ` +
        'stop it (systemctl disable --now bird), or run the agent with --bgp system';
      return { ...status, problem: status.problem === undefined ? rival : `${rival}; ${status.problem}` };
    },
    close: () => speaker.close(),
  };
}
