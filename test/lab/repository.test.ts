/** The repositories of a lab, made by real git: with the history of the folder that they come from, if it has one. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { exec } from '../../src/kernel/exec.js';
import { runOrThrow } from '../../src/kernel/namespaces.js';
import { commitAndPush, seedRepository } from '../../src/lab/repository.js';
import { folderOf } from '../helpers/heddle.js';

async function setUp(from: string) {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-lab-'));
  const [bare, workTree] = [join(folder, 'repository.git'), join(folder, 'work')];
  return {
    ...{ bare, workTree },
    seed: () => seedRepository(exec, { bare, workTree, from, message: 'First commit of the lab' }),
    log: async () =>
      (await git(bare, 'log', '--format=%s', 'main')).split('\n').filter((line) => line !== ''),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false'];
  return (await runOrThrow(exec, ['git', '-C', folder, ...who, ...args])).stdout;
}

async function repository(files: Readonly<Record<string, string>>) {
  const folder = await folderOf(files);
  await git(folder.path, 'init', '--quiet', '-b', 'trunk');
  await git(folder.path, 'add', '--all');
  await git(folder.path, 'commit', '--quiet', '-m', 'one');
  return folder;
}

test('a folder becomes one commit, and whoever commits there needs no name', async (t) => {
  await using folder = await folderOf({ 'a.yaml': 'a' });
  await using lab = await setUp(folder.path);
  await lab.seed();
  t.deepEqual(await lab.log(), ['First commit of the lab']);
  await writeFile(join(lab.workTree, 'b.yaml'), 'b');
  await commitAndPush(exec, lab.workTree, 'two');
  t.deepEqual(await lab.log(), ['two', 'First commit of the lab']);
});

test('a repository keeps its history, so that it can push to the lab', async (t) => {
  await using folder = await repository({ 'a.yaml': 'a' });
  await using lab = await setUp(folder.path);
  await lab.seed();
  t.deepEqual(await lab.log(), ['one']);
  t.is(await readFile(join(lab.workTree, 'a.yaml'), 'utf8'), 'a');
  t.is(await git(lab.workTree, 'status', '--porcelain'), '');
  await writeFile(join(folder.path, 'a.yaml'), 'A');
  await git(folder.path, 'commit', '--quiet', '-am', 'two');
  await git(folder.path, 'push', '--quiet', lab.bare, 'HEAD:main');
  t.deepEqual(await lab.log(), ['two', 'one']);
});

test('what is not committed, and what was deleted, is one commit more', async (t) => {
  await using folder = await repository({ 'a.yaml': 'a', 'b.yaml': 'b' });
  await writeFile(join(folder.path, 'c.yaml'), 'c');
  await rm(join(folder.path, 'b.yaml'));
  await using lab = await setUp(folder.path);
  await lab.seed();
  t.deepEqual(await lab.log(), ['First commit of the lab', 'one']);
  t.is(await git(lab.bare, 'ls-tree', '--name-only', 'main'), 'a.yaml\nc.yaml\n');
});

test('a manifest that is tracked although git ignores it stays', async (t) => {
  await using folder = await repository({ 'a.yaml': 'a' });
  await writeFile(join(folder.path, '.gitignore'), '*.yaml\n');
  await git(folder.path, 'add', '.gitignore');
  await git(folder.path, 'commit', '--quiet', '-m', 'two');
  await using lab = await setUp(folder.path);
  await lab.seed();
  t.deepEqual(await lab.log(), ['two', 'one']);
  t.is(await git(lab.bare, 'ls-tree', '--name-only', 'main'), '.gitignore\na.yaml\n');
});
