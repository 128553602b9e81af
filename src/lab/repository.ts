/**
 * The lab's git repository: a bare one that reconcilers pull, and a clone to edit and push from.
 */
import { cp, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Exec } from '../kernel/exec.js';
import { type CommandLine, runOrThrow } from '../kernel/namespaces.js';

const IDENTITY = [
  ['user.name', 'heddle lab'],
  ['user.email', 'lab@heddle.invalid'],
  ['commit.gpgsign', 'false'],
] as const;

export interface SeedOptions {
  readonly bare: string;
  readonly workTree: string;
  /** The folder whose contents become the first commit. */
  readonly from: string;
  /** Which of its files, by their paths; absent: all. */
  readonly only?: (path: string) => boolean;
  readonly message: string;
}

/**
 * Makes both, and pushes the folder. One that is a git repository keeps its history, so that whoever works there can push
 * to the lab as well; what is not committed there is one commit more. Returns the id of the newest.
 */
export async function seedRepository(exec: Exec, options: SeedOptions): Promise<string> {
  const { bare, workTree, from, message, only } = options;
  await rm(bare, { recursive: true, force: true });
  await rm(workTree, { recursive: true, force: true });
  const hasHistory = only === undefined && (await isRepository(exec, from));
  if (hasHistory) await clone(exec, from, workTree);
  else await start(exec, workTree);
  await runOrThrow(exec, ['git', 'init', '--quiet', '--bare', '--initial-branch=main', bare]);
  await git(exec, workTree, ['remote', 'add', 'origin', bare]);
  // For whoever commits there on a machine where git knows nobody.
  for (const [key, value] of IDENTITY) await git(exec, workTree, ['config', key, value]);
  const isWanted = (path: string) =>
    path === from || (!path.endsWith('/.git') && (only?.(relative(from, path)) ?? true));
  await cp(from, workTree, { recursive: true, filter: isWanted });
  if (!hasHistory || (await isChanged(exec, workTree))) await commit(exec, workTree, message);
  await push(exec, workTree);
  return headOf(exec, workTree);
}

async function start(exec: Exec, workTree: string): Promise<void> {
  await mkdir(workTree, { recursive: true });
  await git(exec, workTree, ['init', '--quiet', '--initial-branch=main']);
}

/** The history, on a branch main, and no files. */
async function clone(exec: Exec, from: string, workTree: string): Promise<void> {
  await runOrThrow(exec, ['git', 'clone', '--quiet', '--no-checkout', '--origin', 'origin', from, workTree]);
  await git(exec, workTree, ['remote', 'remove', 'origin']);
  await git(exec, workTree, ['update-ref', 'refs/heads/main', 'HEAD']);
  await git(exec, workTree, ['symbolic-ref', 'HEAD', 'refs/heads/main']);
  // The index is that of the commit, and the files are yet to come: what is ignored and tracked stays tracked.
  await git(exec, workTree, ['reset', '--quiet']);
}

/** Whether the folder is the root of one that has a commit, and all before it: of a shallow one git pushes nothing. */
async function isRepository(exec: Exec, folder: string): Promise<boolean> {
  const top = await exec('git', ['-C', folder, 'rev-parse', '--show-toplevel']);
  if (top.code !== 0 || top.stdout.trim() !== (await realpath(folder))) return false;
  const shallow = await exec('git', ['-C', folder, 'rev-parse', '--is-shallow-repository']);
  const head = await exec('git', ['-C', folder, 'rev-parse', '--quiet', '--verify', 'HEAD']);
  return shallow.stdout.trim() === 'false' && head.code === 0;
}

async function isChanged(exec: Exec, workTree: string): Promise<boolean> {
  await git(exec, workTree, ['add', '--all']);
  return (await git(exec, workTree, ['status', '--porcelain'])) !== '';
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
  return (await runOrThrow(exec, ['git', '-C', workTree, ...args])).stdout;
}
