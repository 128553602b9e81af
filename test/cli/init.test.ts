/**
 * A repository that was just made works as it is: valid, and what its CI would run passes. The command line,
 * with a real git.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { version } from '../../src/cli/version.js';
import { exec } from '../../src/kernel/exec.js';
import { runOrThrow } from '../../src/kernel/namespaces.js';
import { folderOf, heddle } from '../helpers/heddle.js';

test('init makes a repository that is valid, with editor settings and CI', async (t) => {
  await using folder = await folderOf({});
  const target = join(folder.path, 'net');
  const { code, stdout } = await heddle(['init', target]);
  t.is(code, 0);
  t.regex(stdout, /heddle validate/);
  t.is((await heddle(['validate', target])).code, 0);
  const settings = JSON.parse(await readFile(join(target, '.vscode/settings.json'), 'utf8'));
  const [schema = ''] = Object.keys(settings['yaml.schemas']);
  t.is(JSON.parse(await readFile(join(target, schema), 'utf8')).title, 'heddle manifest');
});

test('the workflow of init names this very version, and what it runs passes: validate, test, and a plan in markdown', async (t) => {
  await using folder = await folderOf({});
  const target = join(folder.path, 'net');
  await heddle(['init', target]);
  const git = (...args: string[]) => runOrThrow(exec, ['git', '-C', target, ...args]);
  await git('init', '--quiet');
  await git('add', '--all');
  await git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'one');
  const workflow = await readFile(join(target, '.github/workflows/heddle.yaml'), 'utf8');
  t.true(workflow.includes(`the version that made these files, ${version()}:`));
  const commands = [...workflow.matchAll(/- run: heddle (.*)/g)].map(([, line = '']) => line);
  t.is(commands.length, 3);
  for (const command of commands) {
    const [words = ''] = command.replace(/origin\/\$\{\{.*?\}\}/, 'HEAD').split(' > ');
    const { code, stdout } = await heddle(words.split(' ').map((word) => (word === '.' ? target : word)));
    t.is(code, 0, `${words}: ${stdout}`);
    if (words.startsWith('reconcile')) t.regex(stdout, /^<!-- heddle-plan:default -->/);
  }
});

test('init leaves a folder alone that is not empty', async (t) => {
  await using folder = await folderOf({ 'mine.txt': 'mine' });
  const { code, stderr } = await heddle(['init', folder.path]);
  t.is(code, 3);
  t.regex(stderr, /not empty: it holds mine\.txt/);
});
