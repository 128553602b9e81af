/**
 * Who changed a file last is what `git log` says: real repositories with merges, linked work trees and
 * shallow clones.
 */
import { join } from 'node:path';
import test from 'ava';
import { openFileHistory } from '../../../src/loader/sources/file-history.js';
import { makeRepository, runGit, temporaryFolder } from './repository.js';

test('openFileHistory() finds what git log -1 finds, through merges, below any folder', async (t) => {
  const { git, push, workTree } = makeRepository(t);
  push({ 'net/a.yaml': 'a: 1', 'b.yaml': 'b: 1' }, 'Begin');
  git('checkout', '--quiet', '-b', 'side');
  push({ 'net/a.yaml': 'a: 2' }, 'Change a aside\n\nWith a reason.', 'side');
  git('checkout', '--quiet', 'main');
  push({ 'b.yaml': 'b: 2' }, 'Change b');
  git('merge', '--quiet', '--no-ff', '--message', 'Merge', 'side');
  push({ 'c.yaml': 'c: 1' }, 'Add c');
  for (const [folder, file] of [
    ['.', 'net/a.yaml'],
    ['net', 'a.yaml'],
    ['.', 'b.yaml'],
    ['.', 'c.yaml'],
  ] as const) {
    const found = await openFileHistory(join(workTree, folder))?.(file);
    const [commit, author, summary] = git(
      'log',
      '-1',
      '--format=%H%n%an <%ae>%n%s',
      '--',
      join(folder, file),
    ).split('\n');
    t.like(found, { commit, author, summary }, file);
  }
});

test('openFileHistory() says that a file is not committed, whether it is new or was edited', async (t) => {
  const { push, write, workTree } = makeRepository(t);
  push({ 'a.yaml': 'a: 1' }, 'Begin');
  write({ 'a.yaml': 'a: 2', 'new.yaml': 'b: 1' });
  const history = openFileHistory(workTree);
  for (const file of ['a.yaml', 'new.yaml'])
    t.like(await history?.(file), { commit: undefined, author: undefined }, file);
});

test('openFileHistory() reads a linked work tree and a shallow clone, and is quiet where there is nothing to know', async (t) => {
  const { bare, git, push } = makeRepository(t);
  push({ 'a.yaml': 'a: 1' }, 'Begin');
  push({ 'b.yaml': 'b: 1' }, 'Add b');
  const folder = temporaryFolder(t);
  git('worktree', 'add', '--quiet', '--detach', join(folder, 'linked'));
  t.like(await openFileHistory(join(folder, 'linked'))?.('a.yaml'), { summary: 'Begin' });
  runGit(folder, 'clone', '--quiet', '--depth=1', `file://${bare}`, 'shallow');
  t.like(await openFileHistory(join(folder, 'shallow'))?.('a.yaml'), { summary: 'Add b' });
  t.is(openFileHistory(folder), undefined);
  runGit(folder, 'init', '--quiet', 'empty');
  t.is(await openFileHistory(join(folder, 'empty'))?.('a.yaml'), undefined);
});
