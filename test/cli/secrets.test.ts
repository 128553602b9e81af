/** Passwords go to where they are needed and nowhere else: searched for in everything that a run leaves behind. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { dirname, join } from 'node:path';
import test from 'ava';
import { startEtcd } from '../helpers/etcd.js';
import { heddle, startHeddle } from '../helpers/heddle.js';
import { until } from '../helpers/until.js';
import { gitBackend, serve } from '../loader/sources/git-http-server.js';
import { makeRepository, temporaryFolder } from '../loader/sources/repository.js';

const TIER = 'apiVersion: heddle/v1\nkind: Tier\nmetadata: {name: a}\nspec: {order: 1}\n';
const URL_PASSWORD = 'url-s3cret-1';
const FILE_PASSWORD = 'file-s3cret-2';
const TOKEN = 'token-s3cret-3';
const ETCD_PASSWORD = 'etcd-s3cret-4';
const BGP_PASSWORD = 'bgp-s3cret-5';
const SECRETS = [URL_PASSWORD, FILE_PASSWORD, TOKEN, ETCD_PASSWORD, BGP_PASSWORD];

/** Lets in who brings one of the passwords or the token. */
function locked(backend: RequestListener): RequestListener {
  const basic = (password: string) => `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
  const keys = [basic(URL_PASSWORD), basic(FILE_PASSWORD), `Bearer ${TOKEN}`];
  return (request, response) => {
    if (keys.includes(request.headers.authorization ?? '')) backend(request, response);
    else response.writeHead(401).end();
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

test('no log, message, plan file, cached file or key of etcd holds a password or a token', async (t) => {
  await using etcd = await startEtcd({ auth: true });
  await etcd.ctl('user', 'add', `heddle:${ETCD_PASSWORD}`);
  await etcd.ctl('user', 'grant-role', 'heddle', 'root');
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': TIER }, 'first');
  const { origin } = await serve(t, locked(gitBackend(dirname(repository.bare))));
  const folder = temporaryFolder(t);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const secretsDir = temporaryFolder(t);
  const secret = (name: string, text: string): string => {
    writeFileSync(join(secretsDir, name), `${text}\n`);
    return join(secretsDir, name);
  };
  const cache = join(folder, 'cache');
  mkdirSync(cache);
  const etcdFlags = [
    ...['--etcd', etcd.endpoint, '--etcd-user', 'heddle'],
    ...['--etcd-password-file', secret('etcd', ETCD_PASSWORD), '--log-level', 'debug'],
  ];
  const common = [...etcdFlags, '--cache-dir', cache];
  const plain = ['--repo', `${origin}/net.git`];
  const inUrl = ['--repo', `${origin.replace('//', `//ada:${URL_PASSWORD}@`)}/net.git`];
  const byFile = ['--git-user', 'ada', '--git-password-file', secret('git', FILE_PASSWORD)];
  const byToken = ['--git-token-file', secret('token', TOKEN)];
  const planFile = join(folder, 'plan.json');
  const said: string[] = [];
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await heddle(args);
    said.push(stdout, stderr);
    return { code, stderr };
  };

  const planned = await run('reconcile', '--dry-run', '--out', planFile, ...inUrl, ...common);
  t.is(planned.code, 0, planned.stderr);
  t.regex(planned.stderr, /does not hold the credentials of --repo: .* --git-password-file/);
  t.is(JSON.parse(readFileSync(planFile, 'utf8')).repository.repo, `${origin}/net.git`);
  const elsewhere = [...etcdFlags, '--cache-dir', temporaryFolder(t)];
  t.is((await run('apply', planFile, ...elsewhere)).code, 9, 'the plan brings no credentials');
  t.is((await run('apply', planFile, ...byFile, ...elsewhere)).code, 0);
  t.is((await run('reconcile', '--once', '--output', 'json', ...plain, ...byToken, ...common)).code, 0);
  t.is((await run('reconcile', '--once', ...plain, ...common)).code, 9);
  const wrong = ['--repo', `${origin.replace('//', `//ada:${BGP_PASSWORD}@`)}/net.git`];
  t.is((await run('reconcile', '--once', ...wrong, ...common)).code, 9);
  const denied = etcdFlags.map((flag) => (flag.endsWith('/etcd') ? secret('wrong', BGP_PASSWORD) : flag));
  t.is((await run('status', ...denied)).code, 9);

  const failing = startHeddle(['reconcile', '--interval', '200ms', ...wrong, ...common]);
  await until(() => failing.output().includes('AuthFailed'), { timeoutMs: 60_000, what: 'the refusal' });
  await failing[Symbol.asyncDispose]();
  const loop = startHeddle(['reconcile', '--interval', '200ms', ...inUrl, ...common]);
  await until(() => loop.output().includes('StoreMatches'), {
    timeoutMs: 60_000,
    what: 'the loop to be live',
  });
  await run('status', '--output', 'json', ...etcdFlags);
  await run('history', '--output', 'json', ...etcdFlags);
  const keys = await etcd.ctl('get', '', '--prefix');
  t.regex(keys, /\/heddle\/v1\/calico\/sources\/default/);
  await loop[Symbol.asyncDispose]();

  said.push(loop.output(), failing.output(), keys);
  file('git-config', execFileSync('sh', ['-c', `cat ${cache}/*/*/config`], { encoding: 'utf8' }));
  const left = filesBelow(folder).map((path) => readFileSync(path, 'latin1'));
  t.true(left.length > 5 && said.length > 10);
  for (const text of [...said, ...left])
    for (const one of SECRETS) t.false(text.includes(one), text.slice(0, 300));
});
