/** Runs the built command line as a user would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../../src/cli/package-folder.js';
import { type ExecResult, exec } from '../../src/kernel/exec.js';

export const MAIN = fileURLToPath(new URL('dist/src/cli/main.js', packageFolder()));

/** A machine that runs a whole test suite may be slow to start a program. */
const TIMEOUT_MS = 120_000;

export function heddle(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ExecResult> {
  return exec(execPath, [MAIN, ...args], { env, timeoutMs: TIMEOUT_MS });
}

export interface RunningHeddle extends AsyncDisposable {
  /** What it has printed so far, logs included. */
  output(): string;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** A verb that goes on until it is told to end, such as the loop. */
export function startHeddle(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningHeddle {
  const child = spawn(execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    output: () => said,
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

/** A folder with these files, that goes with its scope. */
export async function folderOf(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'heddle-test-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
