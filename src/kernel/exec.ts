/**
 * Running programs: always an argument vector, never a shell (CVE-2021-41254), always with a timeout.
 *
 * A program that exits non-zero is a result, not an exception: only the caller knows what its exit codes mean.
 */
import { spawn } from 'node:child_process';

export interface ExecResult {
  /** Exit code; null when a signal ended the program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly input?: string;
  /** Default 30 s; then the program is killed and the call throws. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told the process id of the program once it runs. */
  readonly onStart?: (pid: number) => void;
  /** Set in addition to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. @throws {ExecError} when it cannot be started, is aborted, or takes too long. */
export type Exec = (command: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

export class ExecError extends Error {
  override readonly name = 'ExecError';
  constructor(
    readonly command: string,
    readonly reason: 'not-found' | 'timeout' | 'aborted' | 'failed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const DEFAULT_TIMEOUT_MS = 30_000;

export const exec: Exec = (command, args, options = {}) =>
  new Promise((resolve, reject) => {
    const { input, timeoutMs = DEFAULT_TIMEOUT_MS, signal, env = {}, onStart } = options;
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const [program, argv] =
      settings.length === 0 ? [command, args] : ['env', [...settings, command, ...args]];
    const child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'pipe'], ...(signal && { signal }) });
    if (child.pid !== undefined) onStart?.(child.pid);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const reason =
        error.code === 'ENOENT' ? 'not-found' : error.name === 'AbortError' ? 'aborted' : 'failed';
      reject(new ExecError(command, reason, `${command}: ${error.message}`, { cause: error }));
    });
    // Without descriptors to spare it has no pipes either.
    if (child.pid === undefined) return;
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program may exit before it has read its input: that shows in its exit code, not here.
    child.stdin.on('error', () => {});
    child.on('exit', () => {
      if (!timedOut) return;
      // What it has started itself may live on, and would keep its pipes open for as long.
      for (const pipe of child.stdio) pipe?.destroy();
      reject(new ExecError(command, 'timeout', `${command}: timed out after ${timeoutMs} ms`));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    child.stdin.end(input ?? '');
  });
