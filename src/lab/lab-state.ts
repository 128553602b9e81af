/**
 * What a running lab leaves on disk: enough for `lab status|exec|probe|down` of another process to find it, and
 * to clean up after a crash.
 *
 * A process is known by its pid together with its start time (proc(5), field 22 of stat): a pid alone may belong
 * to somebody else by now, and the lab ends only what it started.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabPlan } from './lab-plan.js';

export const LAB_ROOT = '/run/heddle-lab';

export interface LabProcess {
  /** `etcd`, `agent host-1`, `reconcile host-1`, ... */
  readonly role: string;
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly startTime: string;
  readonly logFile: string;
}

export interface LabState {
  readonly plan: LabPlan;
  /** The bare repository that the reconcilers pull. */
  readonly repository: string;
  /** A clone to edit and push from. */
  readonly workTree: string;
  /** etcd for the hosts, and for this machine. */
  readonly etcdInside: string;
  readonly etcdOutside: string;
  readonly processes: readonly LabProcess[];
  /** What it is to become, while that is being made: what a failed try has left is found by it. */
  readonly growing?: LabPlan;
  /** Somebody asked for it to be left up: only `lab down` ends it. */
  readonly kept?: true;
}

/** What a lab may be called: part of namespace names, and of a path. */
export const LAB_NAME = /^[a-z0-9][a-z0-9-]{0,19}$/;

/** @throws {RangeError} for a name that no lab has */
export function labFolder(name: string): string {
  if (!LAB_NAME.test(name)) throw new RangeError(`Not a name of a lab: ${name}`);
  return join(LAB_ROOT, name);
}

export async function readLabState(name: string): Promise<LabState | undefined> {
  try {
    return JSON.parse(await readFile(join(labFolder(name), 'lab.json'), 'utf8')) as LabState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeLabState(state: LabState): Promise<void> {
  const folder = labFolder(state.plan.name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'lab.json.new'), `${JSON.stringify(state, null, 2)}\n`);
  await rename(join(folder, 'lab.json.new'), join(folder, 'lab.json'));
}

export async function removeLabState(name: string): Promise<void> {
  await rm(labFolder(name), { recursive: true, force: true });
}
