/**
 * What people write for a repository or a commit is understood or refused, and so is what a server lists; no
 * password is told. Tables and random packets, without a server.
 */
import test from 'ava';
import fc from 'fast-check';
import { describeRemote, parseRemote } from '../../../src/loader/sources/git-remote.js';
import { findRef, parseRevision } from '../../../src/loader/sources/git-revision.js';
import { endOfList, withoutShallow } from '../../../src/loader/sources/pkt-line.js';
import { SourceError } from '../../../src/loader/sources/source.js';

const remote = test.macro({
  title: (_, text: string) => `parseRemote() reads ${text}`,
  exec(t, text: string, expected: Record<string, unknown> | undefined) {
    const parsed = parseRemote(text);
    if (expected === undefined) t.is(parsed, undefined);
    else t.like(parsed, expected);
  },
});

test(remote, 'https://git.example/net.git/', { type: 'http', url: 'https://git.example/net.git' });
test(remote, 'https://ada:a%40b@git.example/net', {
  type: 'http',
  url: 'https://git.example/net',
  credentials: { type: 'basic', username: 'ada', password: 'a@b' },
});
test(remote, 'file:///srv/a%20b.git', { type: 'local', path: '/srv/a b.git' });
test(remote, 'ssh://git@host:2222/srv/net.git', {
  type: 'ssh',
  destination: 'git@host',
  port: 2222,
  path: '/srv/net.git',
});
test(remote, 'ssh://host/~ada/net.git', { type: 'ssh', destination: 'host', path: '~ada/net.git' });
test(remote, 'git@host:team/net.git', { type: 'ssh', destination: 'git@host', path: 'team/net.git' });
test(remote, '/srv/net.git', undefined);
test(remote, './net', undefined);
test(remote, 'net', undefined);

const refused = test.macro({
  title: (_, text: string) => `parseRemote() refuses ${text}`,
  exec(t, text: string) {
    t.throws(() => parseRemote(text), { instanceOf: SourceError });
  },
});

test(refused, 'git://host/net.git');
test(refused, 'ftp://host/net.git');
test(refused, 'file://host/net.git');
test(refused, 'ssh://-oProxyCommand=id/net.git');
test(refused, 'git@-oProxyCommand=id:net.git');
test(refused, 'git@host:-net.git');

test('no description of a remote has a password in it', (t) => {
  for (const scheme of ['https', 'http', 'ssh']) {
    const parsed = parseRemote(`${scheme}://ada:s3cret@git.example/net`);
    t.false(parsed && describeRemote(parsed).includes('s3cret'));
  }
  const error = t.throws(() => parseRemote('git://ada:s3cret@git.example/net'));
  t.false(error?.message.includes('s3cret'));
});

const revision = test.macro({
  title: (_, text: string) => `parseRevision() reads ${text}`,
  exec(t, text: string, base: string, steps: readonly number[]) {
    t.like(parseRevision(text), { base });
    t.deepEqual(parseRevision(text).steps, steps);
  },
});

test(revision, 'main', 'main', []);
test(revision, 'release/1.2', 'release/1.2', []);
test(revision, 'HEAD~', 'HEAD', [1]);
test(revision, 'HEAD~3', 'HEAD', [1, 1, 1]);
test(revision, 'v1^', 'v1', [1]);
test(revision, 'v1^2~2^', 'v1', [2, 1, 1, 1]);
test(revision, 'main~0', 'main', []);

for (const text of ['', '~1', '^', 'a b', 'main^0x', 'a:b', 'v1^{}', 'main^0', 'a\nb']) {
  test(`parseRevision() refuses ${JSON.stringify(text)}`, (t) => {
    t.throws(() => parseRevision(text), { instanceOf: SourceError, message: /names no commit/ });
  });
}

test('findRef() prefers the exact name, then branches, then tags, then remote branches', (t) => {
  const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
  const refs = [
    { ref: 'refs/remotes/origin/x', oid: a ?? '' },
    { ref: 'refs/tags/x', oid: b ?? '' },
    { ref: 'refs/heads/x', oid: c ?? '' },
  ];
  t.is(findRef(refs, 'x')?.oid, c);
  t.is(findRef(refs, 'refs/tags/x')?.oid, b);
  t.is(findRef(refs, 'origin/x')?.oid, a);
  t.is(findRef(refs, 'y'), undefined);
});

const packet = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;

test('endOfList() finds the first flush packet, however the bytes arrive', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[0-9a-z ]{1,30}$/)),
      fc.stringMatching(/^[0-9a-f]{0,9}$/),
      (texts, rest) => {
        const list = `${texts.map(packet).join('')}0000`;
        const buffer = Buffer.from(list + rest);
        t.is(endOfList(buffer), list.length);
        for (let cut = 0; cut < list.length; cut += 1) t.is(endOfList(buffer.subarray(0, cut)), undefined);
      },
    ),
  );
});

test('endOfList() refuses what is no packet', (t) => {
  for (const text of ['hello', '0003', '-001abc', '+00fabc'])
    t.throws(() => endOfList(Buffer.from(text)), { instanceOf: SourceError });
});

test('withoutShallow() drops the shallow lines and nothing else', (t) => {
  const refs = packet(`${'a'.repeat(40)} refs/heads/shallow x\n`);
  const list = `${refs}${packet(`shallow ${'b'.repeat(40)}\n`)}0000`;
  t.is(withoutShallow(Buffer.from(list)).toString(), `${refs}0000`);
});
