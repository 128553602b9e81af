/**
 * The daemon's file is replaced whole or not at all, and nobody may read it who could not before. Real files,
 * as root.
 */
import { chmod, chown, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readText, stageFile } from '../../../../src/agent/bgp/bird/config-file.js';

async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `heddle-file-${process.pid}-`));
  try {
    await action(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a staged file takes its place only when it is committed', (t) =>
  inFolder(async (folder) => {
    const file = join(folder, 'bird.conf');
    await writeFile(file, 'old');
    {
      await using staged = await stageFile(file, 'new');
      t.is(await readText(staged.path), 'new');
      t.is(await readText(file), 'old');
    }
    t.deepEqual(await readdir(folder), ['bird.conf']);
    await using staged = await stageFile(file, 'new');
    await staged.commit();
    t.is(await readText(file), 'new');
    t.deepEqual(await readdir(folder), ['bird.conf']);
  }));

test('a new file is for the owner of its folder only, and one that exists keeps its owner and mode', (t) =>
  inFolder(async (folder) => {
    const file = join(folder, 'bird.conf');
    const commit = async () => {
      await using staged = await stageFile(file, 'text');
      await staged.commit();
      const { uid, gid, mode } = await stat(file);
      return { uid, gid, mode: mode & 0o777 };
    };
    await chown(folder, 56, 78);
    t.deepEqual(await commit(), { uid: 56, gid: 78, mode: 0o600 });
    await chmod(file, 0o640);
    await chown(file, 12, 34);
    t.deepEqual(await commit(), { uid: 12, gid: 34, mode: 0o640 });
  }));

test('what an interrupted run staged is written over', (t) =>
  inFolder(async (folder) => {
    const file = join(folder, 'bird.conf');
    await writeFile(`${file}.new`, 'half of i');
    await using staged = await stageFile(file, 'new');
    await staged.commit();
    t.is(await readText(file), 'new');
  }));

test('readText() is undefined for a file that is not there, and throws for one that cannot be read', (t) =>
  inFolder(async (folder) => {
    t.is(await readText(join(folder, 'none')), undefined);
    await t.throwsAsync(readText(folder), { code: 'EISDIR' });
  }));
