/**
 * Other BIRD daemons on this host, as `apt install bird2` starts one.
 *
 * BIRD takes every kernel route with its protocol number (`proto bird`) for its own, and removes those that it has not
 * written itself. Two of them in one network namespace delete each other's routes at each scan, with all sessions up.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BgpSpeaker } from './speaker.js';

const NAMES = new Set(['bird', 'bird6']);

/** Process ids, in the network namespace of this process. @param stateDir - what the command line of our own names */
export async function findRivals(stateDir: string): Promise<readonly number[]> {
  const own = await readlink('/proc/self/ns/net');
  const dirs = [stateDir, resolve(stateDir)];
  const rivals: number[] = [];
  // One after the other: there may be thousands, and each is a file that is open meanwhile.
  for (const name of await readdir('/proc'))
    if (/^\d+$/.test(name) && (await isRival(name, own, dirs).catch(() => false))) rivals.push(Number(name));
  return rivals;
}

/** @throws when the process has ended meanwhile */
async function isRival(pid: string, namespace: string, ownDirs: readonly string[]): Promise<boolean> {
  if (!NAMES.has((await readFile(`/proc/${pid}/comm`, 'utf8')).trim())) return false;
  if ((await readlink(`/proc/${pid}/ns/net`)) !== namespace) return false;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
  return !ownDirs.some((dir) => commandLine.includes(dir));
}

/** The same speaker, which looks for rivals whenever it is compared with what was applied, and names them. */
export function withRivals(speaker: BgpSpeaker, find: () => Promise<readonly number[]>): BgpSpeaker {
  let rivals: readonly number[] = [];
  /** Where it cannot be found out, what was found last stands: BGP does not wait for it. */
  const look = async () => {
    rivals = await find().catch(() => rivals);
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
        `another BIRD runs on this host (process ${rivals.join(', ')}) and may delete the routes that BGP brings: ` +
        'stop it (systemctl disable --now bird), or run the agent with --bgp system';
      return { ...status, problem: status.problem === undefined ? rival : `${rival}; ${status.problem}` };
    },
    close: () => speaker.close(),
  };
}
