/**
 * The count in which CI ends can be believed, also where nothing could be built: the real scripts, on small
 * trees made for them.
 */
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { packageFolder } from '../../src/cli/package-folder.js';
import { exec } from '../../src/kernel/exec.js';
import { folderOf } from '../helpers/heddle.js';

test('.ci/run on a tree that does not build ends with a count, and exit code 1', async (t) => {
  await using folder = await folderOf({
    'package.json': JSON.stringify({ scripts: { test: 'sh scripts/test.sh' } }),
    'scripts/bootstrap.sh': 'echo "src/model/rule.ts(1,1): error TS1005" >&2; exit 2',
  });
  for (const script of ['.ci/run', 'scripts/test.sh']) {
    await mkdir(dirname(join(folder.path, script)), { recursive: true });
    await copyFile(fileURLToPath(new URL(script, packageFolder())), join(folder.path, script));
  }
  const { code, stdout } = await exec('sh', [join(folder.path, '.ci/run')]);
  t.is(code, 1);
  t.is(stdout.trimEnd().split('\n').at(-1), '0 passed, 1 failed');
});

test('run-tests.mjs counts the tests that passed beside one that failed', async (t) => {
  const counted = await countedOf(`
    import test from 'ava';
    test('one', (t) => t.pass());
    test('two', (t) => t.pass());
    test('three', (t) => t.fail());
  `);
  t.is(counted, '2 passed, 1 failed');
});

/** The last line of run-tests.mjs for a suite with this one file. */
async function countedOf(source: string): Promise<string | undefined> {
  await using folder = await folderOf({
    'package.json': JSON.stringify({ type: 'module', ava: { files: ['dist/test/**/*.test.js'] } }),
    'dist/test/some.test.js': source,
  });
  const root = fileURLToPath(packageFolder());
  await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'));
  const { stdout } = await exec(
    'env',
    ['-C', folder.path, 'node', join(root, 'scripts/run-tests.mjs'), 'unit'],
    { timeoutMs: 120_000 },
  );
  return stdout.trimEnd().split('\n').at(-1);
}
