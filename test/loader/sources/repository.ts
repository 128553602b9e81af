/**
 * Real repositories, made with git's own command line in folders of their own.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A folder that is removed when the test is over. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), `heddle-sources-${process.pid}-`));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Repository {
  /** Bare; what is pushed to. */
  readonly bare: string;
  readonly workTree: string;
  git(...args: readonly string[]): string;
  write(files: Readonly<Record<string, string>>): void;
  /** Writes files, commits everything and pushes to the branch; gives the commit. */
  push(files: Readonly<Record<string, string>>, message: string, branch?: string): string;
}

export function makeRepository(t: ExecutionContext, branch = 'main'): Repository {
  const folder = temporaryFolder(t);
  const [bare, workTree] = [join(folder, 'net.git'), join(folder, 'work')];
  mkdirSync(workTree);
  const git = (...args: readonly string[]): string => runGit(workTree, ...args);
  runGit(folder, 'init', '--quiet', '--bare', `--initial-branch=${branch}`, bare);
  git('init', '--quiet', `--initial-branch=${branch}`);
  git('remote', 'add', 'origin', bare);
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(workTree, path)), { recursive: true });
      writeFileSync(join(workTree, path), text);
    }
  };
  const push = (files: Readonly<Record<string, string>>, message: string, to = branch): string => {
    write(files);
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '--message', message);
    git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${to}`);
    return git('rev-parse', 'HEAD');
  };
  return { bare, workTree, git, write, push };
}

export function runGit(folder: string, ...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...ISOLATED },
  }).trim();
}

/** No configuration of the machine or the user, and the same author everywhere. */
const ISOLATED = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_COMMITTER_DATE: '2026-11-22T10:00:00Z',
  // Submodules from a path, in tests only.
  GIT_ALLOW_PROTOCOL: 'file',
};
