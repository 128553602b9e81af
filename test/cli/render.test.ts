/**
 * What a host would be given can be read beforehand, from manifests or a real etcd, and no password is shown
 * unasked. The command line on examples.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { startEtcd } from '../helpers/etcd.js';
import { heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';

const EXAMPLE = exampleFolder('three-hosts');
const render = async (part: string, ...more: string[]) =>
  (await heddle(['render', part, '--node', 'host-1', EXAMPLE, ...more])).stdout;

test('render routes prints the routes of the workloads of this host only', async (t) => {
  const routes = await render('routes', '--family', '4');
  t.deepEqual(routes.match(/^\S+/gm), ['192.168.1.10', '192.168.1.20']);
});

test('an --etcd-prefix that is no path is a mistake of the command line: exit 3', async (t) => {
  const { code, stderr } = await heddle([
    'render',
    'routes',
    '--node',
    'host-1',
    EXAMPLE,
    '--etcd-prefix',
    '/calico/',
  ]);
  t.is(code, 3);
  t.regex(stderr, /--etcd-prefix.*write \/calico\.$/m);
});

test('render routes prints them as `ip route` does: IPv4 has a scope, IPv6 the smallest metric', async (t) => {
  const lines = (await render('routes')).trimEnd().split('\n');
  const isSix = (line: string) => /^[\da-f:]+ /.test(line);
  t.deepEqual([lines.filter(isSix).length, lines.length], [2, 4]);
  for (const line of lines)
    t.regex(
      line,
      isSix(line) ? /^\S+ dev cali\S+ proto 80 metric 1$/ : /^\S+ dev cali\S+ proto 80 scope link$/,
    );
});

test('render ipsets holds members of the whole network, both families', async (t) => {
  const sets = await render('ipsets');
  for (const member of ['192.168.2.10', 'fd80:24e2:f998:72d6::3:10'])
    t.true(sets.includes(` ${member} `), member);
});

test('render iptables prints the input of each tool, family by family', async (t) => {
  const both = await render('iptables');
  t.regex(both, /^# iptables-restore --noflush\n\*/);
  t.regex(both, /^# ip6tables-restore --noflush\n\*raw/m);
  t.notRegex(await render('iptables', '--family', '6'), /^# iptables-restore/m);
});

test('render bird prints one configuration with a session for each other host and family', async (t) => {
  const config = await render('bird');
  t.deepEqual(config.match(/neighbor \S+/g)?.sort(), [
    'neighbor 10.99.0.2',
    'neighbor 10.99.0.3',
    'neighbor fd99::2',
    'neighbor fd99::3',
  ]);
});

test('render bird --speaker bird1 prints the file of bird, then that of bird6, each with its own sessions', async (t) => {
  const files = (await render('bird', '--speaker', 'bird1')).split(/^# (bird6?)\n/m);
  const neighbors = (text = '') => text.match(/neighbor \S+/g)?.sort();
  t.deepEqual([files[0], files[1], files[3]], ['', 'bird', 'bird6']);
  t.deepEqual(neighbors(files[2]), ['neighbor 10.99.0.2', 'neighbor 10.99.0.3']);
  t.deepEqual(neighbors(files[4]), ['neighbor fd99::2', 'neighbor fd99::3']);
  for (const file of [files[2], files[4]]) t.regex(file ?? '', /^listen bgp port 179;$/m);
});

test('a host that is no Node and no RouteReflector is invalid input', async (t) => {
  const { code, stderr } = await heddle(['render', 'bird', '--node', 'host-9', EXAMPLE]);
  t.is(code, 3);
  t.regex(stderr, /no Node or RouteReflector "host-9"/);
});

test('a host that the live store does not know is invalid input, too', async (t) => {
  await using etcd = await startEtcd();
  const store = ['--etcd', etcd.endpoint];
  t.is((await heddle(['reconcile', '--once', '--repo', EXAMPLE, ...store])).code, 0);
  t.is((await heddle(['render', 'bird', '--node', 'host-1', ...store])).code, 0);
  const { code, stderr } = await heddle(['render', 'bird', '--node', 'host-9', ...store]);
  t.is(code, 3);
  t.regex(stderr, /no Node or RouteReflector "host-9" in the store\n.*host-1, host-2, host-3/);
});

test('render bird shows a password only when it is told to, and where it lies', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-render-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await cp(exampleFolder('one-reflector'), join(folder, 'net'), { recursive: true });
  await writeFile(
    join(folder, 'net/tor.yaml'),
    `apiVersion: heddle/v1
kind: BGPPeer
metadata: { name: tor }
spec: { node: host-1, peerIP: 10.99.0.250, asNumber: 65001, password: { file: tor } }
`,
  );
  await writeFile(join(folder, 'tor'), 'hunter2\n');
  const render = (...more: string[]) =>
    heddle(['render', 'bird', '--node', 'host-1', join(folder, 'net'), ...more]);
  const redacted = await render('--secrets-dir', folder);
  t.regex(redacted.stdout, /password "<redacted>";/);
  t.false(redacted.stdout.includes('hunter2'));
  t.regex((await render('--secrets-dir', folder, '--show-secrets')).stdout, /password "hunter2";/);
  t.is((await render('--show-secrets')).code, 3);
  await rm(join(folder, 'tor'));
  t.regex((await render('--secrets-dir', folder, '--show-secrets')).stderr, /password file .*\/tor/);
});

test('render bird also renders a RouteReflector', async (t) => {
  const { stdout } = await heddle(['render', 'bird', '--node', 'rr-1', exampleFolder('one-reflector')]);
  t.is(stdout.match(/rr client;/g)?.length, 6);
});
