import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
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
  t.regex(await readFile(join(target, '.github/workflows/heddle.yaml'), 'utf8'), /heddle validate/);
});

test('init leaves a folder alone that is not empty', async (t) => {
  await using folder = await folderOf({ 'mine.txt': 'mine' });
  const { code, stderr } = await heddle(['init', folder.path]);
  t.is(code, 3);
  t.regex(stderr, /not empty: it holds mine\.txt/);
});
