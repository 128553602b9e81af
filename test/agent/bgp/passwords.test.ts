/**
 * A password that cannot be used costs its own session and no other, and what is in its file is never said.
 * Real files.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { passwordFile, passwordFrom, passwordProblem } from '../../../src/agent/bgp/password-file.js';
import { readPasswords } from '../../../src/agent/bgp/passwords.js';
import { modelOf } from '../../topology/session-text.js';

const { sessions } = modelOf('a', {
  nodes: { a: { v4: '10.0.0.1/24' } },
  peers: {
    none: { peerIP: '10.0.0.2', asNumber: 65001 },
    file: { peerIP: '10.0.0.3', asNumber: 65001, password: { file: 'peers/tor' } },
    key: {
      peerIP: '10.0.0.4',
      asNumber: 65001,
      password: { secretKeyRef: { name: 'bgp', key: 'password' } },
    },
    lost: { peerIP: '10.0.0.5', asNumber: 65001, password: { file: 'lost' } },
    bad: { peerIP: '10.0.0.6', asNumber: 65001, password: { file: 'bad' } },
  },
});

test('readPasswords() reads {file} and secretKeyRef, and names the files of sessions that have to wait', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-secrets-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'peers'));
  await mkdir(join(folder, 'bgp'));
  await writeFile(join(folder, 'peers/tor'), 'one\n');
  await writeFile(join(folder, 'bgp/password'), ' two ');
  await writeFile(join(folder, 'bad'), 'hun"ter2');
  const { usable, problems, passwordOf } = await readPasswords(sessions, folder);
  t.deepEqual(
    usable.map(({ peerName, password }) => [peerName, password && passwordOf(password)]),
    [
      ['none', undefined],
      ['file', 'one'],
      ['key', ' two '],
    ],
  );
  t.deepEqual(
    [...problems].map(([{ peerName }, problem]) => `${peerName}: ${problem.replace(folder, 'DIR')}`),
    [
      'lost: the password file DIR/lost cannot be read: ENOENT',
      'bad: the password in DIR/bad has other characters than printable ASCII without double quotes',
    ],
  );
  t.false(
    [...problems.values()].some((problem) => problem.includes('hun')),
    'what is in a file is never said',
  );
});

test('readPasswords() leaves sessions with a password out when there is no secrets directory', async (t) => {
  const { usable, problems } = await readPasswords(sessions, undefined);
  t.deepEqual(
    usable.map(({ peerName }) => peerName),
    ['none'],
  );
  t.regex([...problems.values()][0] ?? '', /peers\/tor cannot be found: the agent has no --secrets-dir/);
});

test('passwordFile() is the file, or name/key of a secretKeyRef', (t) => {
  t.is(passwordFile({ file: 'a/b' }), 'a/b');
  t.is(passwordFile({ secretKeyRef: { name: 'bgp', key: 'password' } }), 'bgp/password');
});

test('passwordFrom() takes one line end away, and nothing else', (t) => {
  t.is(passwordFrom('x\n'), 'x');
  t.is(passwordFrom('x\r\n'), 'x');
  t.is(passwordFrom('x\n\n'), 'x\n');
  t.is(passwordFrom(' x '), ' x ');
});

for (const [what, password, problem] of [
  ['an empty one', '', /empty/],
  ['more than TCP takes', 'x'.repeat(81), /80 bytes/],
  ['a double quote', 'a"b', /printable/],
  ['a line end', 'a\nb', /printable/],
] as const)
  test(`passwordProblem() refuses ${what}`, (t) => t.regex(passwordProblem(password) ?? '', problem));

test('passwordProblem() has nothing against 80 characters of any other kind', (t) => {
  t.is(passwordProblem(`#;{}'\\$ ${'x'.repeat(72)}`), undefined);
});
