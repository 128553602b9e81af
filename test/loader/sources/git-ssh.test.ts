/** Repositories behind a real sshd on loopback, read with the real ssh. */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openSource } from '../../../src/loader/sources/index.js';
import { SourceError, type SourceErrorCode } from '../../../src/loader/sources/source.js';
import type { SshOptions } from '../../../src/loader/sources/ssh-command.js';
import { folderOf, heddle } from '../../helpers/heddle.js';
import { startSshd, type TestSshd } from '../../helpers/sshd.js';
import { makeRepository, type Repository, temporaryFolder } from './repository.js';

const { signal } = new AbortController();

function urlOf({ user, port }: TestSshd, path: string): string {
  return `ssh://${user}@127.0.0.1:${port}${path}`;
}

function open(t: ExecutionContext, repo: string, ssh: SshOptions, idleTimeoutMs = 60_000) {
  return openSource({ repo, ssh, idleTimeoutMs, cacheDir: temporaryFolder(t) });
}

test('ssh: the right keys read a repository, every push, and a path that a shell would take apart', async (t) => {
  await using sshd = await startSshd();
  const { userKey: key, knownHosts } = sshd;
  const repository = makeRepository(t);
  const strange = join(dirname(repository.bare), "it's $HOME; `id`.git");
  renameSync(repository.bare, strange);
  repository.git('remote', 'set-url', 'origin', strange);
  const source = open(t, urlOf(sshd, encodeURI(strange).replaceAll(';', '%3B')), { key, knownHosts });
  const first = repository.push({ 'a.yaml': '1' }, 'first');
  t.is(await source.latest(signal), first);
  t.is((await source.read(signal)).version.commit, first);
  const second = repository.push({ 'a.yaml': '2' }, 'second');
  t.is((await source.read(signal)).version.commit, second);
});

test('ssh: user@host:path is the same repository; where its port is, ssh_config says', async (t) => {
  await using sshd = await startSshd();
  const repository = makeRepository(t);
  const commit = repository.push({ 'a.yaml': '1' }, 'first');
  const sshCommand = [
    ...['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-i', sshd.userKey],
    ...['-o', `UserKnownHostsFile=${sshd.knownHosts}`, '-o', `Port=${sshd.port}`],
  ];
  const repo = `${sshd.user}@127.0.0.1:${repository.bare}`;
  const source = openSource({ repo, cacheDir: temporaryFolder(t), sshCommand });
  t.is((await source.read(signal)).version.commit, commit);
});

interface Refusal {
  readonly ssh: (sshd: TestSshd) => SshOptions;
  readonly path?: (repository: Repository) => string;
  readonly code: SourceErrorCode;
  readonly says: RegExp;
}

const refusals: Record<string, Refusal> = {
  'a host that is in no known_hosts file': {
    ssh: ({ userKey, makeKnownHosts }) => ({ key: userKey, knownHosts: makeKnownHosts('none', undefined) }),
    code: 'host-key-unknown',
    says: /--git-known-hosts/,
  },
  'a host whose key has changed': {
    ssh: ({ userKey, makeKey, makeKnownHosts }) => ({
      key: userKey,
      knownHosts: makeKnownHosts('changed', makeKey('other-host')),
    }),
    code: 'host-key-changed',
    says: /find out why before/,
  },
  'a key that the host does not know': {
    ssh: ({ makeKey, knownHosts }) => ({ key: makeKey('stranger'), knownHosts }),
    code: 'auth',
    says: /Permission denied.*--git-ssh-key/,
  },
  'a path where no repository is': {
    ssh: ({ userKey: key, knownHosts }) => ({ key, knownHosts }),
    path: ({ workTree }) => join(workTree, 'nothing'),
    code: 'not-found',
    says: /does not appear to be a git repository/,
  },
};

for (const [what, { ssh, path, code, says }] of Object.entries(refusals)) {
  test(`ssh: ${what} is ${code}, and the message says what to do`, async (t) => {
    await using sshd = await startSshd();
    const repository = makeRepository(t);
    repository.push({ 'a.yaml': '1' }, 'first');
    const source = open(t, urlOf(sshd, path?.(repository) ?? repository.bare), ssh(sshd));
    const error = await t.throwsAsync(source.read(signal), { instanceOf: SourceError });
    t.is(error?.code, code);
    t.regex(error?.message ?? '', says);
  });
}

test('ssh: a server that stops answering is unreachable after the idle timeout, and can be read again', async (t) => {
  await using sshd = await startSshd();
  const { userKey: key, knownHosts } = sshd;
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': '1' }, 'first');
  const source = open(t, urlOf(sshd, repository.bare), { key, knownHosts }, 300);
  sshd.freeze();
  const error = await t.throwsAsync(source.latest(signal), { instanceOf: SourceError });
  t.is(error?.code, 'unreachable');
  t.regex(error?.message ?? '', /sent nothing for 0\.3 s/);
});

test('heddle reconcile reads over ssh with --git-ssh-key and --git-known-hosts, or their variables', async (t) => {
  await using sshd = await startSshd();
  const repository = makeRepository(t);
  const commit = repository.push(
    { 'tier.yaml': 'apiVersion: heddle/v1\nkind: Tier\nmetadata: {name: a}\nspec: {order: 1}\n' },
    'first',
  );
  await using folder = await folderOf({});
  mkdirSync(join(folder.path, 'cache'));
  const repo = urlOf(sshd, repository.bare);
  const args = ['reconcile', '--dry-run', '--output', 'json', '--cache-dir', folder.path, '--repo', repo];
  const flags = ['--git-ssh-key', sshd.userKey, '--git-known-hosts', sshd.knownHosts];
  const byFlag = await heddle([...args, ...flags]);
  t.is(JSON.parse(byFlag.stdout).commit, commit, byFlag.stderr);
  const variables = { HEDDLE_GIT_SSH_KEY: sshd.userKey, HEDDLE_GIT_KNOWN_HOSTS: sshd.knownHosts };
  const byVariable = await heddle(args, variables);
  t.is(JSON.parse(byVariable.stdout).commit, commit, byVariable.stderr);
  const unknown = await heddle([
    ...args,
    ...flags.slice(0, 2),
    '--git-known-hosts',
    sshd.makeKnownHosts('none', undefined),
  ]);
  t.is(unknown.code, 9);
  t.regex(unknown.stderr + unknown.stdout, /known_hosts/);
});
