/**
 * What people do to a network by hand, and the exit codes that their scripts go by: the command line, on a
 * real etcd where it takes one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { exec } from '../../src/kernel/exec.js';
import { runOrThrow } from '../../src/kernel/namespaces.js';
import { startEtcd } from '../helpers/etcd.js';
import { folderOf, heddle, MAIN } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';

async function networkWithStore() {
  const etcd = await startEtcd();
  const folder = await folderOf({});
  const repo = join(folder.path, 'net');
  await cp(exampleFolder('three-hosts'), repo, { recursive: true });
  const store = ['--etcd', etcd.endpoint];
  return {
    store,
    repo,
    planFile: join(folder.path, 'plan.json'),
    once: () => heddle(['reconcile', '--once', '--repo', repo, ...store]),
    async [Symbol.asyncDispose]() {
      await etcd.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('apply does exactly the plan that was saved, and a stale plan exits 6 and writes nothing', async (t) => {
  await using network = await networkWithStore();
  const { repo, store, planFile } = network;
  await heddle(['reconcile', '--dry-run', '--repo', repo, '--out', planFile, ...store]);
  const first = await heddle(['apply', planFile, ...store]);
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /Applied as seq 1/);
  const again = await heddle(['apply', planFile, ...store]);
  t.is(again.code, 6);
  t.regex(again.stderr, /plan and review again/);
  const history = JSON.parse((await heddle(['history', '--output', 'json', ...store])).stdout).history;
  t.deepEqual(
    history.map(({ seq }: { seq: number }) => seq),
    [1],
  );
});

test('what a commit says cannot move the cursor of who reads the history', async (t) => {
  await using network = await networkWithStore();
  const { repo, store } = network;
  const git = (...args: string[]) =>
    runOrThrow(exec, ['git', '-C', repo, '-c', 'user.name=E\u001b[31mve', '-c', 'user.email=e@b', ...args]);
  await git('init', '--quiet', '-b', 'main');
  await git('add', '--all');
  await git('commit', '--quiet', '-m', 'hello \u001b[2J there');
  t.is((await heddle(['reconcile', '--once', '--repo', repo, '--ref', 'main', ...store])).code, 0);
  for (const words of [['history'], ['blame', 'Profile/web']]) {
    const { code, stdout } = await heddle([...words, ...store]);
    t.is(code, 0);
    t.regex(stdout, /hello \\u001b\[2J there/);
    t.false(stdout.includes('\u001b'));
  }
});

test('apply refuses a file that is no plan', async (t) => {
  await using folder = await folderOf({ 'plan.json': '{"changes": []}' });
  const { code, stderr } = await heddle([
    'apply',
    join(folder.path, 'plan.json'),
    '--etcd',
    'http://127.0.0.1:1',
  ]);
  t.is(code, 3);
  t.regex(stderr, /not a saved plan/);
});

test('blame names the line and the commit of an object', async (t) => {
  await using network = await networkWithStore();
  await network.once();
  const blamed = JSON.parse(
    (await heddle(['blame', 'Profile/web', '--output', 'json', ...network.store])).stdout,
  );
  t.like(blamed, { kind: 'Profile', name: 'web', file: 'profiles/web.yaml', line: 2 });
  t.is(blamed.applied.seq, 1);
  t.is((await heddle(['blame', 'Profile/nobody', ...network.store])).code, 3);
});

test('get says of a kind that is never stored that it is not', async (t) => {
  const { code, stderr } = await heddle(['get', 'ConnectivityTest', '--etcd', 'http://127.0.0.1:1']);
  t.is(code, 3);
  t.regex(stderr, /never stored/);
});

test('an address of etcd that is none is invalid input: exit code 3', async (t) => {
  const { code, stderr } = await heddle(['status', '--etcd', 'localhost:2379']);
  t.is(code, 3);
  t.regex(stderr, /localhost:2379: not an etcd endpoint; write http/);
});

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  test(`${signal} ends a verb with exit code ${expected}`, async (t) => {
    const child = spawn(
      process.execPath,
      [MAIN, 'wait', '--commit', 'abcdef0', '--etcd', 'http://127.0.0.1:1', '--log-level', 'debug'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    // The verb is at work once the store has been tried.
    child.stderr.once('data', () => child.kill(signal));
    const [code] = await once(child, 'close');
    t.is(code, expected);
  });

test('while suspended nothing is applied (exit code 7), and after resume it is', async (t) => {
  await using network = await networkWithStore();
  await heddle(['suspend', '--reason', 'change freeze', ...network.store]);
  const held = await network.once();
  t.is(held.code, 7);
  t.regex(held.stderr, /change freeze/);
  t.is((await heddle(['resume', ...network.store])).code, 0);
  t.is((await network.once()).code, 0);
});

test('a suspension with --until ends by itself', async (t) => {
  await using network = await networkWithStore();
  const suspend = (time: string) =>
    heddle(['suspend', '--reason', 'coffee', '--until', time, ...network.store]);
  await suspend('1h');
  t.is((await network.once()).code, 7);
  await suspend('1s');
  let code: number | null = 7;
  while (code === 7) ({ code } = await network.once());
  t.is(code, 0);
});

test('--output markdown begins with the marker that a bot replaces its comment by', async (t) => {
  const { stdout } = await heddle([
    'reconcile',
    '--dry-run',
    '--output',
    'markdown',
    '--repo',
    exampleFolder('three-hosts'),
  ]);
  t.regex(stdout, /^<!-- heddle-plan:default -->\n/);
});
