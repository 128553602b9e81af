/**
 * The lab's git repository: a bare one that reconcilers pull, and a clone to edit and push from.
 */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Exec } from '../kernel/exec.js';
import { type CommandLine, runOrThrow } from '../kernel/namespaces.js';

const IDENTITY = [
  '-c',
  'user.name=heddle lab',
  '-c',
  'user.email=lab@heddle.invalid',
  '-c',
  'commit.gpgsign=false',
];

export interface SeedOptions {
  readonly bare: string;
  readonly workTree: string;
  /** The folder whose contents become the first commit. */
  readonly from: string;
  /** Which of its files, by their paths; absent: all. */
  readonly only?: (path: string) => boolean;
  readonly message: string;
}

/** Makes both, and pushes the folder as the first commit. Returns its id. */
export async function seedRepository(exec: Exec, options: SeedOptions): Promise<string> {
  await rm(options.bare, { recursive: true, force: true });
  await rm(options.workTree, { recursive: true, force: true });
  await mkdir(options.workTree, { recursive: true });
  await git(exec, options.workTree, ['init', '--quiet', '--initial-branch=main']);
  await runOrThrow(exec, ['git', 'init', '--quiet', '--bare', '--initial-branch=main', options.bare]);
  await git(exec, options.workTree, ['remote', 'add', 'origin', options.bare]);
  const { from, only = () => true } = options;
  const isWanted = (path: string) => path === from || (!path.endsWith('/.git') && only(relative(from, path)));
  await cp(from, options.workTree, { recursive: true, filter: isWanted });
  return commitAndPush(exec, options.workTree, options.message);
}

/** Has a program run after each push; what it prints, who pushes sees. */
export async function runAfterPush(bare: string, commandLine: CommandLine): Promise<void> {
  const quoted = commandLine.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const hook = `#!/bin/sh
# Of two pushes the later one waits; without git's variables, which would lead programs to this repository.
unset $(git rev-parse --local-env-vars)
exec flock --close . ${quoted}
`;
  await writeFile(join(bare, 'hooks', 'post-receive'), hook, { mode: 0o755 });
}

/** Commits whatever has changed in the clone, and pushes it. Returns the commit's id. */
export async function commitAndPush(exec: Exec, workTree: string, message: string): Promise<string> {
  await commit(exec, workTree, message);
  await push(exec, workTree);
  return headOf(exec, workTree);
}

export async function commit(exec: Exec, workTree: string, message: string): Promise<string> {
  await git(exec, workTree, ['add', '--all']);
  await git(exec, workTree, ['commit', '--quiet', '--allow-empty', '-m', message]);
  return headOf(exec, workTree);
}

export async function push(exec: Exec, workTree: string): Promise<void> {
  await git(exec, workTree, ['push', '--quiet', 'origin', 'HEAD:main']);
}

/** The commit that a work tree is at. */
export async function headOf(exec: Exec, workTree: string): Promise<string> {
  return (await git(exec, workTree, ['rev-parse', 'HEAD'])).trim();
}

async function git(exec: Exec, workTree: string, args: readonly string[]): Promise<string> {
  return (await runOrThrow(exec, ['git', ...IDENTITY, '-C', workTree, ...args])).stdout;
}
