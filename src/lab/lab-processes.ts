/**
 * Starts and ends the programs of a lab: detached, each with its own log file, known by pid and start time.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandLine } from '../kernel/namespaces.js';
import type { LabProcess } from './lab-state.js';

const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

/** A program of a lab did not start, or did not stay. */
export class LabStartError extends Error {
  override readonly name = 'LabStartError';
}

export interface StartOptions {
  readonly role: string;
  readonly logFile: string;
}

/** Starts a program that outlives this process. @throws when it cannot be started at all. */
export async function startProcess(commandLine: CommandLine, options: StartOptions): Promise<LabProcess> {
  const log = openSync(options.logFile, 'a');
  try {
    const [command, ...args] = commandLine;
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log, log],
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    const startTime = processStartTime(pid);
    if (startTime === undefined)
      throw new LabStartError(`${options.role} ended at once${lastWords(options.logFile)}`);
    return { role: options.role, pid, startTime, logFile: options.logFile };
  } finally {
    closeSync(log);
  }
}

const LAST_LINES = 5;

/** The end of a log, for an error that outlives it: `: it said: ...`. */
export function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LAST_LINES);
  return lines.join('') === '' ? ' and said nothing' : `; it said: ${lines.join('\n')}`;
}

/** Programs that were started with this word among their arguments. */
export function processesWith(argument: string): LabProcess[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .flatMap((pid) => {
      const startTime = processStartTime(pid);
      const isMeant = startTime !== undefined && argumentsOf(pid).includes(argument);
      return isMeant ? [{ role: argument, pid, startTime, logFile: '' }] : [];
    });
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

export function isRunning(process: Pick<LabProcess, 'pid' | 'startTime'>): boolean {
  return processStartTime(process.pid) === process.startTime;
}

/** Ends programs: SIGTERM, and SIGKILL for those that are still there after five seconds. */
export async function stopProcesses(processes: readonly LabProcess[]): Promise<void> {
  for (const target of processes) signal(target, 'SIGTERM');
  if (await ended(processes, STOP_TIMEOUT_MS)) return;
  for (const target of processes) signal(target, 'SIGKILL');
  await ended(processes, STOP_TIMEOUT_MS);
}

export function signal(target: LabProcess, name: NodeJS.Signals): void {
  if (!isRunning(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function ended(processes: readonly LabProcess[], timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (processes.some(isRunning)) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process, or only its corpse. */
export function processStartTime(pid: number): string | undefined {
  try {
    return startTimeIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The start time in a line of proc(5); undefined for a corpse. A program with threads is none before the last of them is
 * gone: until then the first one is a zombie, and what they had open (a port that its successor wants) still is.
 */
export function startTimeIn(stat: string): string | undefined {
  // The second field is the program's name in parentheses, and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, startTime] = [fields[0], Number(fields[17]), fields[19]];
  return state === 'Z' && threads <= 1 ? undefined : startTime;
}
