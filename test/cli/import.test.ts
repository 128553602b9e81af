/**
 * What Calico exported becomes manifests that are valid, or nothing is written at all: the command line on
 * real folders.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { folderOf, heddle } from '../helpers/heddle.js';

const TIERS = `apiVersion: projectcalico.org/v3
kind: TierList
items:
- {metadata: {name: a, uid: x}, spec: {order: 1}}
- {metadata: {name: b, uid: y}, spec: {order: 2}}
`;

test('import writes a manifest an object, and what it wrote is valid', async (t) => {
  await using folder = await folderOf({ 'export.yaml': TIERS });
  const target = join(folder.path, 'net');
  const { code, stdout } = await heddle(['import', join(folder.path, 'export.yaml'), target]);
  t.is(code, 0);
  t.regex(stdout, /2 written[\s\S]*Next: heddle validate/);
  t.is((await heddle(['validate', target])).code, 0);
});

test('import overwrites nothing, and writes nothing then', async (t) => {
  await using folder = await folderOf({ 'export.yaml': TIERS, 'tiers/b.yaml': 'mine' });
  const { code, stderr } = await heddle(['import', join(folder.path, 'export.yaml'), folder.path]);
  t.is(code, 3);
  t.regex(stderr, /would be overwritten: tiers\/b\.yaml/);
  t.deepEqual(await readdir(join(folder.path, 'tiers')), ['b.yaml']);
  t.is(await readFile(join(folder.path, 'tiers/b.yaml'), 'utf8'), 'mine');
});

test('import of what heddle has no kind for writes nothing, and says where it stands', async (t) => {
  const text = `${TIERS}---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: x}\n`;
  await using folder = await folderOf({ 'export.yaml': text });
  const target = join(folder.path, 'net');
  const { code, stderr } = await heddle(['import', join(folder.path, 'export.yaml'), target]);
  t.is(code, 3);
  t.regex(stderr, /export\.yaml:8:7: error: there is no kind NetworkPolicy/);
  await t.throwsAsync(readdir(target), { code: 'ENOENT' });
});

test('an object that is exported twice is an error', async (t) => {
  await using folder = await folderOf({ 'export.yaml': `${TIERS}---\n${TIERS}` });
  const { code, stderr } = await heddle([
    'import',
    join(folder.path, 'export.yaml'),
    join(folder.path, 'net'),
  ]);
  t.is(code, 3);
  t.regex(stderr, /tiers\/a\.yaml, tiers\/b\.yaml/);
});
