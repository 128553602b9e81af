/**
 * A web server that asks for credentials, leads elsewhere or breaks off: its trouble has a name, and no
 * message shows a credential. Real git behind HTTP on loopback.
 */
import { execFileSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Credentials } from '../../../src/loader/sources/git-remote.js';
import { openSource } from '../../../src/loader/sources/index.js';
import { type Source, SourceError, type SourceErrorCode } from '../../../src/loader/sources/source.js';
import { gitBackend, serve } from './git-http-server.js';
import { makeRepository, temporaryFolder } from './repository.js';

const { signal } = new AbortController();
// Many tests wait on this one signal at the same time.
setMaxListeners(0, signal);

function open(
  t: ExecutionContext,
  repo: string,
  options: { credentials?: Credentials; ca?: string } = {},
): Source {
  return openSource({ repo, cacheDir: temporaryFolder(t), ...options });
}

async function fails(t: ExecutionContext, source: Source, code: SourceErrorCode): Promise<string> {
  const error = await t.throwsAsync(source.read(signal), { instanceOf: SourceError });
  t.is(error?.code, code, error?.message);
  return error?.message ?? '';
}

/** A repository with one file, and the listener that serves it as /net.git. */
function served(t: ExecutionContext): RequestListener {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': 'a' }, 'first');
  return gitBackend(dirname(repository.bare));
}

function requiring(authorization: string, listener: RequestListener): RequestListener {
  return (request, response) => {
    if (request.headers.authorization === authorization) return listener(request, response);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you');
  };
}

test('without credentials a private repository is an auth error that says what to give', async (t) => {
  const { origin } = await serve(t, requiring('Basic x', served(t)));
  t.regex(
    await fails(t, open(t, `${origin}/net.git`), 'auth'),
    /HTTP 401.*Give a user and password, or a token/,
  );
});

test('a user and password are sent, from the options or from the URL', async (t) => {
  const expected = `Basic ${Buffer.from('ada:s3cr%t').toString('base64')}`;
  const { origin } = await serve(t, requiring(expected, served(t)));
  const credentials = { type: 'basic', username: 'ada', password: 's3cr%t' } as const;
  const given = await open(t, `${origin}/net.git`, { credentials }).read(signal);
  t.is(given.files.length, 1);
  const inUrl = open(t, `${origin.replace('//', '//ada:s3cr%25t@')}/net.git`);
  t.is((await inUrl.read(signal)).files.length, 1);
  t.false(inUrl.description.includes('s3cr'));
});

test('a token is sent as a bearer', async (t) => {
  const { origin } = await serve(t, requiring('Bearer t0ken', served(t)));
  const source = open(t, `${origin}/net.git`, { credentials: { type: 'bearer', token: 't0ken' } });
  t.is((await source.read(signal)).files.length, 1);
});

test('no message shows the credentials of the URL', async (t) => {
  const { origin } = await serve(t, (_request, response) => response.writeHead(403).end());
  const message = await fails(t, open(t, `${origin.replace('//', '//ada:s3cret@')}/net.git`), 'auth');
  t.false(/ada|s3cret/.test(message), message);
});

const answers: readonly [string, SourceErrorCode, RequestListener][] = [
  ['404', 'not-found', (_request, response) => response.writeHead(404).end()],
  ['503', 'unreachable', (_request, response) => response.writeHead(503).end()],
  [
    'a web page',
    'not-found',
    (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>'),
  ],
  ['a broken connection', 'unreachable', (request) => request.socket.destroy()],
  [
    'a redirect to another host',
    'unreachable',
    (_request, response) => response.writeHead(302, { location: 'http://other.example/net.git' }).end(),
  ],
];
for (const [what, code, listener] of answers) {
  test(`${what} is ${code}`, async (t) => {
    const { origin } = await serve(t, listener);
    t.true((await fails(t, open(t, `${origin}/net.git`), code)).includes(origin));
  });
}

test('a redirect on the same host is followed, with the credentials', async (t) => {
  const backend = requiring('Bearer t0ken', served(t));
  const { origin } = await serve(t, (request, response) => {
    if (!request.url?.startsWith('/old')) return backend(request, response);
    response.writeHead(308, { location: request.url.replace('/old', '') }).end();
  });
  const source = open(t, `${origin}/old/net.git`, { credentials: { type: 'bearer', token: 't0ken' } });
  t.is((await source.read(signal)).files.length, 1);
});

test('a redirect that never ends is an error', async (t) => {
  const { origin } = await serve(t, (request, response) => {
    response.writeHead(302, { location: request.url ?? '/' }).end();
  });
  await fails(t, open(t, `${origin}/net.git`), 'unreachable');
});

test('a list of refs that is cut short is not taken for one of fewer refs', async (t) => {
  const repository = makeRepository(t, 'trunk');
  repository.push({ 'a.yaml': 'trunk' }, 'first');
  repository.push({ 'a.yaml': 'main' }, 'second', 'main');
  const lines = (service: string): string =>
    [`001e# service=${service}\n`, '0000', `003f${'1'.repeat(40)} refs/heads/trunk\n`].join('');
  const { origin } = await serve(t, (_request, response) => {
    const type = 'application/x-git-upload-pack-advertisement';
    response.writeHead(200, { 'content-type': type }).end(lines('git-upload-pack'));
  });
  t.regex(await fails(t, open(t, `${origin}/net.git`), 'unreachable'), /cut short/);
});

test('a pack that is cut short leaves what was read before', async (t) => {
  const repository = makeRepository(t);
  const first = repository.push({ 'a.yaml': '1' }, 'first');
  const backend = gitBackend(dirname(repository.bare));
  let isTorn = false;
  const { origin } = await serve(t, (request, response) => {
    if (!isTorn || request.method !== 'POST') return backend(request, response);
    // The answer of the backend without its last octets, as when a proxy gives up.
    const end = response.end.bind(response);
    response.end = ((chunk: Buffer) =>
      end(chunk.subarray(0, Math.max(chunk.length - 60, 0)))) as typeof response.end;
    return backend(request, response);
  });
  const source = open(t, `${origin}/net.git`);
  await source.read(signal);
  const second = repository.push({ 'a.yaml': '2', 'b.yaml': 'b' }, 'second');
  isTorn = true;
  await t.throwsAsync(source.read(signal), { instanceOf: SourceError });
  t.is((await source.read(signal, first)).files.length, 1);
  isTorn = false;
  t.is((await source.read(signal)).version.commit, second);
});

test('https trusts the CA that is given, and says so when it is missing', async (t) => {
  const folder = temporaryFolder(t);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...request, '-days', '2', ...subject, '-keyout', key, '-out', cert], {
    stdio: 'pipe',
  });
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  const { origin } = await serve(t, served(t), tls);
  t.is((await open(t, `${origin}/net.git`, { ca: tls.cert }).read(signal)).files.length, 1);
  t.regex(await fails(t, open(t, `${origin}/net.git`), 'unreachable'), /not trusted .*--git-ca/);
});
