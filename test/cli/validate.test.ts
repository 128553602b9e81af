/**
 * Law 8 at the command line: all mistakes in one round, each with its place, for people, programs and GitHub.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { packageFolder } from '../../src/cli/package-folder.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';

const NODE =
  'apiVersion: heddle/v1\nkind: Node\nmetadata: { name: host-1 }\nspec: { bgp: { ipv4Address: 10.0.0.1/24 } }\n';
const THREE_FAULTS = `apiVersion: heddle/v1
kind: IPPool
metadata: { name: pool }
spec:
  cidr: 192.168.0.1/16
  natOutgoin: true
---
apiVersion: heddle/v1
kind: WorkloadEndpoint
metadata: { name: w1 }
spec: { node: host-9, ipNetworks: [192.168.1.1] }
`;

for (const story of ['three-hosts', 'first-repository']) {
  test(`the example ${story} is valid`, async (t) => {
    const { code, stdout } = await heddle(['validate', exampleFolder(story)]);
    t.is(code, 0);
    t.regex(stdout, /: valid \(\d+ resources in \d+ files\)/);
  });
}

test('every mistake is told at once, with its place, and the exit code is 3', async (t) => {
  await using folder = await folderOf({ 'node.yaml': NODE, 'net/faults.yaml': THREE_FAULTS });
  const { code, stdout } = await heddle(['validate', folder.path, '--color', 'never']);
  t.is(code, 3);
  t.regex(stdout, /net\/faults\.yaml:5:9: error: .*192\.168\.0\.0\/16/s);
  t.regex(stdout, /net\/faults\.yaml:6:3: error: .*natOutgoing/s);
  t.regex(stdout, /net\/faults\.yaml:11:\d+: error: .*host-9/s);
  t.regex(stdout, /3 errors/);
});

test('what is allowed and probably not meant is warned of, and the exit code is 0', async (t) => {
  const golden = fileURLToPath(new URL('test/golden/lint/', packageFolder()));
  const folder = join(golden, 'repository');
  const { code, stdout } = await heddle(['validate', folder, '--color', 'never']);
  t.is(stdout.replace(folder, 'repository'), await readFile(join(golden, 'expected.txt'), 'utf8'));
  t.is(code, 0);
  const strict = await heddle(['validate', folder, '--strict', '--output', 'json']);
  t.is(strict.code, 3, 'unless --strict');
  t.like(JSON.parse(strict.stdout), { valid: false, errors: [] });
});

test('a file that is too large is one mistake among others, with its place', async (t) => {
  await using folder = await folderOf({ 'huge.yaml': '#'.repeat(9 * 2 ** 20), 'faults.yaml': THREE_FAULTS });
  const { code, stdout } = await heddle(['validate', folder.path, '--output', 'json']);
  t.is(code, 3);
  const { errors } = JSON.parse(stdout);
  t.like(errors.at(-1), { file: 'huge.yaml', line: 1, col: 1, code: 'yaml-limit' });
  t.is(errors.length, 4);
});

test('--output json has the shape of the contract', async (t) => {
  await using folder = await folderOf({ 'faults.yaml': THREE_FAULTS });
  const { code, stdout } = await heddle(['validate', folder.path, '--output', 'json']);
  t.is(code, 3);
  const report = JSON.parse(stdout);
  t.false(report.valid);
  for (const error of report.errors) {
    t.deepEqual(Object.keys(error).sort(), [
      'code',
      'col',
      'file',
      'hint',
      'line',
      'message',
      'path',
      'value',
    ]);
  }
  t.true(Array.isArray(report.warnings));
});

test('--output github annotates files as they are named from where the command runs', async (t) => {
  await using folder = await folderOf({ 'faults.yaml': THREE_FAULTS });
  const { stdout } = await heddle(['validate', folder.path, '--output', 'github']);
  t.regex(stdout, new RegExp(`^::error file=${folder.path}/faults\\.yaml,line=5,col=9,`, 'm'));
});

test('a folder that is not there is invalid input: exit code 3', async (t) => {
  const { code, stderr } = await heddle(['validate', '/no/such/folder']);
  t.is(code, 3);
  t.regex(stderr, /\/no\/such\/folder: there is no such folder or file/);
});

test('one file is checked by itself; what it refers to may stand in another', async (t) => {
  await using folder = await folderOf({ 'node.yaml': NODE, 'faults.yaml': THREE_FAULTS, 'note.txt': NODE });
  t.is((await heddle(['validate', `${folder.path}/node.yaml`])).code, 0);
  const { code, stdout } = await heddle(['validate', `${folder.path}/faults.yaml`, '--output', 'json']);
  t.is(code, 3);
  const { errors, warnings } = JSON.parse(stdout);
  t.deepEqual(
    errors.map(({ line }: { line: number }) => line),
    [5, 6],
  );
  t.deepEqual(
    warnings.map(({ message }: { message: string }) => message),
    ['there is no Node host-9 in this file'],
  );
  t.is((await heddle(['validate', `${folder.path}/note.txt`])).code, 3);
});

test('an unknown flag is invalid input, with a suggestion', async (t) => {
  const { code, stderr } = await heddle(['validate', '--outptu', 'json']);
  t.is(code, 3);
  t.regex(stderr, /--output/);
});

test('common flags may stand before the verb', async (t) => {
  await using folder = await folderOf({ 'node.yaml': NODE });
  const { stdout } = await heddle(['--output', 'json', 'validate', folder.path]);
  t.true(JSON.parse(stdout).valid);
});

test('a flag may be given as HEDDLE_<FLAG>', async (t) => {
  await using folder = await folderOf({ 'node.yaml': NODE });
  const { stdout } = await heddle(['validate', folder.path], { HEDDLE_OUTPUT: 'json' });
  t.true(JSON.parse(stdout).valid);
});
