/**
 * What CI and a single run say and do, with the exit codes of the contract: the command line on the example
 * of three hosts, without a store and with a real etcd.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { exec } from '../../src/kernel/exec.js';
import { runOrThrow } from '../../src/kernel/namespaces.js';
import type { StoreKey } from '../../src/model/store.js';
import { startEtcd } from '../helpers/etcd.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';

const EXAMPLE = exampleFolder('three-hosts');

test('--dry-run without a store plans against nothing, and exits 0', async (t) => {
  const { code, stdout } = await heddle(['reconcile', '--dry-run', '--repo', EXAMPLE]);
  t.is(code, 0);
  t.regex(stdout, /\+ Profile\/web +profiles\/web\.yaml:2/);
  t.regex(stdout, /Plan: 12 to create\./);
});

test('--detailed-exitcode tells by 2 that there are changes', async (t) => {
  const { code } = await heddle(['reconcile', '--dry-run', '--detailed-exitcode', '--repo', EXAMPLE]);
  t.is(code, 2);
});

test('compared with a git ref the plan speaks of commits, and of no store', async (t) => {
  await using folder = await folderOf({});
  await cp(EXAMPLE, folder.path, { recursive: true });
  const git = (...args: string[]) => runOrThrow(exec, ['git', '-C', folder.path, ...args]);
  await git('init', '--quiet');
  await git('add', '--all');
  await git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'one');
  const plan = () => heddle(['reconcile', '--dry-run', '--repo', folder.path, '--against', 'HEAD']);
  t.regex((await plan()).stdout, /^No changes\. Commit folder-\w+ asks for the same as [0-9a-f]{7}\.$/m);
  await rm(join(folder.path, 'profiles/web.yaml'));
  const { stdout } = await plan();
  t.regex(stdout, /^default: commit folder-\w+, compared with commit [0-9a-f]{7}$/m);
  t.notRegex(stdout, /store/);
});

test('the plan as JSON has the shape of the contract', async (t) => {
  const { stdout } = await heddle(['reconcile', '--dry-run', '--output', 'json', '--repo', EXAMPLE]);
  const plan = JSON.parse(stdout);
  t.is(plan.formatVersion, '1.0');
  t.is(plan.source, 'default');
  t.is(plan.summary.create, 12);
  for (const key of ['create', 'update', 'delete', 'drift', 'adopt', 'release', 'unmanaged', 'blocked']) {
    t.is(typeof plan.summary[key], 'number', key);
  }
  t.deepEqual(Object.keys(plan.connectivity), ['gained', 'lost']);
  const [change] = plan.changes;
  t.deepEqual(Object.keys(change.origin), ['file', 'line']);
  t.true(
    change.keys.every(
      ({ key, op }: { key: string; op: string }) => key.startsWith('/calico/') && op === 'put',
    ),
  );
});

test('invalid manifests are never planned: exit code 3', async (t) => {
  await using folder = await folderOf({
    'a.yaml': 'apiVersion: heddle/v1\nkind: IPool\nmetadata: { name: a }\n',
  });
  const { code, stderr } = await heddle(['reconcile', '--dry-run', '--repo', folder.path]);
  t.is(code, 3);
  t.regex(stderr, /a\.yaml:2:7: error: .*IPPool/s);
});

test('a repository that is not there is a source error: exit code 9', async (t) => {
  const { code } = await heddle(['reconcile', '--dry-run', '--repo', 'file:///no/such/repository.git']);
  t.is(code, 9);
});

test('--once without --etcd says what is missing', async (t) => {
  const { code, stderr } = await heddle(['reconcile', '--once', '--repo', EXAMPLE]);
  t.is(code, 3);
  t.regex(stderr, /--etcd is missing/);
});

test('--once applies, a second time writes nothing, and status, get and wait tell', async (t) => {
  await using etcd = await startEtcd();
  const store = ['--etcd', etcd.endpoint];
  const once = () => heddle(['reconcile', '--once', '--repo', EXAMPLE, ...store]);
  const first = await once();
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /Applied as seq 1/);
  const second = await once();
  t.is(second.code, 0);
  t.regex(second.stdout, /No changes/);

  const got = await heddle(['get', 'profile', 'web', '--output', 'json', ...store]);
  t.deepEqual(JSON.parse(got.stdout).objects[0].spec.tags, ['web']);
  const status = JSON.parse((await heddle(['status', '--output', 'json', ...store])).stdout);
  t.deepEqual(status.live, { hosts: 0, of: 3 });
  t.is(status.hosts[0].state, 'unknown');
  const suspended = await heddle(['suspend', '--reason', 'freeze', '--until', '2h', ...store]);
  t.is(suspended.code, 0);
  t.regex(
    (await heddle(['status', ...store])).stdout,
    /^suspended by \S+ since \S+ until \S+: freeze; end it with/m,
  );
  const waited = await heddle(['wait', '--commit', 'abcdef0', '--timeout', '10s', ...store]);
  t.is(waited.code, 8);
  t.regex(waited.stdout, /live on 0\/3 hosts and no more within .*\n {2}suspended by .*: freeze/);
  t.regex(waited.stdout, /host-1 unknown: no agent has reported/);
});

test('a key that somebody else wrote blocks the plan: exit code 5', async (t) => {
  await using etcd = await startEtcd();
  const store = ['--etcd', etcd.endpoint];
  const key = '/calico/v1/policy/profile/web/tags' as StoreKey;
  await using datastore = openEtcdDatastore({ endpoints: [etcd.endpoint] });
  await datastore.transact({ guards: [], writes: [{ write: { op: 'put', key, value: '["theirs"]' } }] });
  const { code, stdout } = await heddle(['reconcile', '--dry-run', '--repo', EXAMPLE, ...store]);
  t.is(code, 5);
  t.regex(stdout, /x Profile\/web/);
  t.regex(stdout, /heddle\/adopt/);
});

test('a commit that fails its own ConnectivityTests is not applied: exit code 4, with the packet that shows it', async (t) => {
  await using etcd = await startEtcd();
  await using folder = await folderOf({});
  await cp(EXAMPLE, folder.path, { recursive: true });
  const tests = join(folder.path, 'tests/connectivity.yaml');
  await writeFile(tests, (await readFile(tests, 'utf8')).replace('expect: Allow', 'expect: Deny'));
  const { code, stdout } = await heddle([
    'reconcile',
    '--once',
    '--repo',
    folder.path,
    '--etcd',
    etcd.endpoint,
  ]);
  t.is(code, 4);
  t.regex(stdout, /FAILS +web-talks-to-web/);
  t.regex(stdout, /ALLOW +web-1 -> web-2/);
  t.notRegex(stdout, /Applied/);
});

test('--approve-prune is refused in a loop, where it would approve every later commit', async (t) => {
  const { code, stderr } = await heddle([
    ...['reconcile', '--approve-prune', '--repo', EXAMPLE, '--etcd', 'http://127.0.0.1:1'],
  ]);
  t.is(code, 3);
  t.regex(stderr, /--approve-prune only goes with --once or --dry-run.*\n.*Prune-Approved: yes/);
});

test('a folder that the commit it is compared with does not have is all new', async (t) => {
  await using folder = await folderOf({ 'README.md': 'nothing yet' });
  const git = (...args: string[]) =>
    runOrThrow(exec, ['git', '-C', folder.path, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  await git('init', '--quiet', '-b', 'main');
  await git('add', '--all');
  await git('commit', '--quiet', '-m', 'one');
  await cp(EXAMPLE, join(folder.path, 'net'), { recursive: true });
  const plan = (path: string) =>
    heddle(['reconcile', '--dry-run', '--repo', folder.path, '--path', path, '--against', 'HEAD']);
  const { code, stdout } = await plan('net');
  t.is(code, 0);
  t.regex(stdout, /Plan: \d+ to create\./);
  t.is((await plan('nowhere')).code, 9);
});

test('--path that leads out of the repository is refused by name', async (t) => {
  for (const path of ['../x', 'a/../../x']) {
    const { code, stderr } = await heddle(['reconcile', '--dry-run', '--repo', EXAMPLE, '--path', path]);
    t.is(code, 9);
    t.true(stderr.includes(`--path ${path} leads out of the repository`), stderr);
  }
});

test('wait says when etcd could not be asked, and keeps to its time while etcd hangs', async (t) => {
  const wait = (endpoint: string, timeout = '2s') =>
    heddle(['wait', '--commit', 'abcdef0', '--timeout', timeout, '--etcd', endpoint, '--output', 'json']);
  const refused = /etcd could not be asked within the time: .*ECONNREFUSED/;
  let away = await wait('http://127.0.0.1:1');
  // A busy machine needs longer to have been refused once.
  for (const time of ['10s', '60s'])
    if (!refused.test(away.stderr)) away = await wait('http://127.0.0.1:1', time);
  t.is(away.code, 1);
  t.regex(away.stderr, refused);
  await using etcd = await startEtcd();
  etcd.freeze();
  const hung = await wait(etcd.endpoint);
  etcd.thaw();
  t.is(hung.code, 1);
  t.regex(hung.stderr, /it does not answer/);
});
