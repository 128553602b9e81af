/**
 * Whatever way leads to a repository, the same commit is read, and whatever becomes of the cache, it is read
 * again. Real repositories made by git itself; the far end of ssh is a script.
 */
import { setMaxListeners } from 'node:events';
import {
  chmodSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { openSource } from '../../../src/loader/sources/index.js';
import { type Source, SourceError, type SourceTree } from '../../../src/loader/sources/source.js';
import { gitBackend, serve } from './git-http-server.js';
import { makeRepository, type Repository, runGit, temporaryFolder } from './repository.js';

const { signal } = new AbortController();
// Many tests wait on this one signal at the same time.
setMaxListeners(0, signal);

/** The ways to reach one repository; what is read must not depend on the way. */
const ways = {
  'a bare repository': (_t: ExecutionContext, repository: Repository) =>
    Promise.resolve({ repo: repository.bare }),
  'a file URL': (_t: ExecutionContext, repository: Repository) =>
    Promise.resolve({ repo: pathToFileURL(repository.bare).href }),
  'a work tree with a ref': (_t: ExecutionContext, repository: Repository) =>
    Promise.resolve({ repo: repository.workTree, ref: 'origin/main' }),
  http: async (t: ExecutionContext, repository: Repository) => {
    const { origin } = await serve(t, gitBackend(dirname(repository.bare)));
    return { repo: `${origin}/net.git` };
  },
  ssh: (t: ExecutionContext, repository: Repository) => {
    // The far end of ssh: takes options, a destination and one line for a shell, as sshd gives it to one.
    const ssh = join(temporaryFolder(t), 'ssh');
    writeFileSync(ssh, '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec sh -c "$1"\n');
    chmodSync(ssh, 0o755);
    return Promise.resolve({ repo: `ssh://git@host.example:2222${repository.bare}`, sshCommand: [ssh] });
  },
};
type Way = keyof typeof ways;

async function open(
  t: ExecutionContext,
  repository: Repository,
  way: Way = 'a bare repository',
  options: { ref?: string; path?: string; cacheDir?: string } = {},
): Promise<Source> {
  const address = await ways[way](t, repository);
  return openSource({ cacheDir: temporaryFolder(t), ...address, ...options });
}

function contents({ files }: SourceTree): Record<string, string> {
  return Object.fromEntries(files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]));
}

async function failure(t: ExecutionContext, promise: Promise<unknown>): Promise<SourceError> {
  const error = await t.throwsAsync(promise, { instanceOf: SourceError });
  if (!error) throw new TypeError('It did not fail');
  return error;
}

for (const way of Object.keys(ways) as Way[]) {
  test(`${way}: read() gives the newest commit with its files and who made it`, async (t) => {
    const repository = makeRepository(t);
    repository.push({ 'old.yaml': 'old' }, 'first');
    rmSync(join(repository.workTree, 'old.yaml'));
    const commit = repository.push({ 'a.yaml': 'a', 'net/b.yml': 'b', 'README.md': 'no' }, 'second\n\nWhy.');
    const source = await open(t, repository, way);
    t.is(await source.latest(signal), commit);
    const tree = await source.read(signal);
    t.deepEqual(contents(tree), { 'a.yaml': 'a', 'net/b.yml': 'b' });
    t.deepEqual(tree.version, {
      commit,
      tree: repository.git('rev-parse', 'HEAD^{tree}'),
      author: 'Ada <ada@example.org>',
      message: 'second\n\nWhy.',
      time: '2026-11-22T10:00:00.000Z',
    });
  });

  test(`${way}: latest() and read() follow pushes, also one that rewrites history`, async (t) => {
    const repository = makeRepository(t);
    const first = repository.push({ 'a.yaml': '1' }, 'first');
    const source = await open(t, repository, way);
    t.deepEqual(contents(await source.read(signal)), { 'a.yaml': '1' });
    const second = repository.push({ 'a.yaml': '2', 'b.yaml': 'b' }, 'second');
    t.is(await source.latest(signal), second);
    t.deepEqual(contents(await source.read(signal)), { 'a.yaml': '2', 'b.yaml': 'b' });
    repository.git('checkout', '--quiet', '--orphan', 'rewritten');
    const rewritten = repository.push({ 'a.yaml': '3' }, 'rewritten', 'main');
    t.is(await source.latest(signal), rewritten);
    t.deepEqual(contents(await source.read(signal)), { 'a.yaml': '3', 'b.yaml': 'b' });
    repository.git('push', '--quiet', '--force', 'origin', `${first}:refs/heads/main`);
    t.is((await source.read(signal)).version.commit, first);
  });

  test(`${way}: read() of a ref, a tag, an id or steps back reads that commit`, async (t) => {
    const repository = makeRepository(t);
    const commits = ['1', '2', '3', '4'].map((text) => repository.push({ 'a.yaml': text }, `commit ${text}`));
    repository.git('tag', '--annotate', '--message', 'first release', 'v1', commits[0] ?? '');
    repository.git('tag', 'light', commits[1] ?? '');
    repository.git('push', '--quiet', '--tags', 'origin');
    const source = await open(t, repository, way);
    const cases: [string, string | undefined][] = [
      ['main~1', '3'],
      ['v1', '1'],
      ['light', '2'],
      ['light^', '1'],
      ['refs/tags/v1', '1'],
      [commits[1] ?? '', '2'],
      [(commits[2] ?? '').slice(0, 10), '3'],
    ];
    for (const [revision, expected] of cases)
      t.is(contents(await source.read(signal, revision))['a.yaml'], expected, revision);
  });

  test(`${way}: a repository that is not there is not-found`, async (t) => {
    const repository = makeRepository(t);
    repository.push({ 'a.yaml': '1' }, 'first');
    repository.git('fetch', '--quiet');
    const source = await open(t, repository, way);
    renameSync(repository.bare, `${repository.bare}.away`);
    if (way === 'a work tree with a ref') rmSync(join(repository.workTree, '.git'), { recursive: true });
    const error = await failure(t, source.latest(signal));
    t.is(error.code, 'not-found');
    t.true(error.message.includes(way === 'a work tree with a ref' ? 'work' : 'net.git'), error.message);
  });

  test(`${way}: a repository without a commit is empty`, async (t) => {
    const repository = makeRepository(t);
    const source = await open(t, repository, way);
    t.is((await failure(t, source.latest(signal))).code, 'empty');
    t.is((await failure(t, source.read(signal))).code, 'empty');
  });

  test(`${way}: what no ref and no history has is unknown-ref`, async (t) => {
    const repository = makeRepository(t);
    repository.push({ 'a.yaml': '1' }, 'first');
    const source = await open(t, repository, way);
    for (const revision of ['nope', 'main~1', 'main^2', 'deadbeef', 'f'.repeat(40), 'a b', 'main~0^0'])
      t.is((await failure(t, source.read(signal, revision))).code, 'unknown-ref', revision);
  });

  test(`${way}: read() stops when it is told to`, async (t) => {
    const repository = makeRepository(t);
    repository.push({ 'a.yaml': '1' }, 'first');
    const source = await open(t, repository, way);
    const controller = new AbortController();
    const reading = source.read(controller.signal);
    controller.abort(new Error('enough'));
    await t.throwsAsync(reading, { message: 'enough' });
  });
}

test('2,000 files are read, each with its own contents', async (t) => {
  const repository = makeRepository(t);
  const files = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`net/${index % 40}/w${index}.yaml`, `name: w${index}\n`]),
  );
  repository.push(files, 'many');
  const source = await open(t, repository);
  t.deepEqual(contents(await source.read(signal)), files);
});

test('symbolic links, submodules, dot folders and node_modules are left out', async (t) => {
  const inner = makeRepository(t);
  inner.push({ 'inner.yaml': 'inner' }, 'inner');
  const repository = makeRepository(t);
  symlinkSync('/etc/hostname', join(repository.workTree, 'link.yaml'));
  symlinkSync('..', join(repository.workTree, 'folder'));
  repository.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '--quiet', inner.bare, 'module');
  repository.push(
    {
      'a.yaml': 'a',
      '.heddleignore': 'x.yaml',
      '.github/workflow.yaml': 'no',
      'node_modules/p/p.yaml': 'no',
      'sub/.heddleignore': 'y',
    },
    'all sorts',
  );
  const source = await open(t, repository);
  t.deepEqual(Object.keys(contents(await source.read(signal))), [
    '.heddleignore',
    'a.yaml',
    'sub/.heddleignore',
  ]);
});

test('--path reads a folder: paths are relative to it, and its tree is the tree', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'env/prod/a.yaml': 'a', 'env/prod/x/b.yaml': 'b', 'other.yaml': 'no' }, 'first');
  const source = await open(t, repository, 'http', { path: './env/prod/' });
  const tree = await source.read(signal);
  t.deepEqual(contents(tree), { 'a.yaml': 'a', 'x/b.yaml': 'b' });
  t.is(tree.version.tree, repository.git('rev-parse', 'HEAD:env/prod'));
  repository.push({ 'other.yaml': 'changed' }, 'elsewhere');
  t.is((await source.read(signal)).version.tree, tree.version.tree);
  const absent = await open(t, repository, 'a bare repository', { path: 'env/test' });
  t.is((await failure(t, absent.read(signal))).code, 'no-path');
  const file = await open(t, repository, 'a bare repository', { path: 'other.yaml' });
  t.is((await failure(t, file.read(signal))).code, 'no-path');
});

test('without a ref, main is read, and HEAD only where there is no main', async (t) => {
  const withMain = makeRepository(t, 'trunk');
  withMain.push({ 'a.yaml': 'trunk' }, 'first');
  withMain.push({ 'a.yaml': 'main' }, 'second', 'main');
  t.deepEqual(contents(await (await open(t, withMain)).read(signal)), { 'a.yaml': 'main' });
  const withoutMain = makeRepository(t, 'trunk');
  withoutMain.push({ 'a.yaml': 'trunk' }, 'first');
  t.deepEqual(contents(await (await open(t, withoutMain, 'http')).read(signal)), { 'a.yaml': 'trunk' });
});

test('a ref that was named is never replaced by HEAD', async (t) => {
  const repository = makeRepository(t, 'trunk');
  repository.push({ 'a.yaml': 'trunk' }, 'first');
  const error = await failure(t, (await open(t, repository, 'http', { ref: 'main' })).read(signal));
  t.is(error.code, 'unknown-ref');
  t.regex(error.message, /there is no branch, tag or commit "main"; it has trunk\. Name one with --ref/);
});

test('a branch that is deleted is unknown-ref, not another branch', async (t) => {
  const repository = makeRepository(t, 'trunk');
  repository.push({ 'a.yaml': 'trunk' }, 'first');
  repository.push({ 'a.yaml': 'main' }, 'second', 'main');
  for (const way of ['a bare repository', 'http'] as const) {
    const source = await open(t, repository, way);
    await source.read(signal);
    repository.git('push', '--quiet', 'origin', ':refs/heads/main');
    t.is((await failure(t, source.latest(signal))).code, 'unknown-ref');
    t.is((await failure(t, source.read(signal))).code, 'unknown-ref');
    repository.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
  }
});

test('a branch comes before a tag of the same name', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': 'tag' }, 'first');
  repository.git('tag', 'main');
  repository.git('push', '--quiet', 'origin', 'refs/tags/main');
  repository.push({ 'a.yaml': 'branch' }, 'second');
  t.deepEqual(contents(await (await open(t, repository)).read(signal, 'main')), { 'a.yaml': 'branch' });
});

test('a fetch after a small change brings only what changed', async (t) => {
  const repository = makeRepository(t);
  const big = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 251)).toString('base64');
  repository.push({ 'big.yaml': big, 'a.yaml': '1' }, 'first');
  const cacheDir = temporaryFolder(t);
  const source = await open(t, repository, 'http', { cacheDir });
  const before = await source.read(signal);
  repository.push({ 'a.yaml': '2' }, 'second');
  const after = await source.read(signal);
  t.is(contents(after)['a.yaml'], '2');
  const packs = packFiles(cacheDir, '.pack');
  t.is(packs.length, 2);
  t.true(Math.min(...packs.map(({ size }) => size)) < 1000);
  const bytesOf = (tree: SourceTree) => tree.files.find(({ path }) => path === 'big.yaml')?.bytes;
  t.is(bytesOf(after), bytesOf(before), 'a blob that did not change is not read again');
});

test('the cache does not grow with every commit', async (t) => {
  const repository = makeRepository(t);
  const cacheDir = temporaryFolder(t);
  const source = await open(t, repository, 'a bare repository', { cacheDir });
  for (let commit = 0; commit < 27; commit += 1) {
    repository.push({ 'a.yaml': String(commit) }, `commit ${commit}`);
    t.deepEqual(contents(await source.read(signal)), { 'a.yaml': String(commit) });
  }
  t.true(packFiles(cacheDir, '.pack').length < 24);
});

const damages: Record<string, (cacheDir: string) => void> = {
  'a pack is cut short': (cacheDir) => {
    for (const { path, size } of packFiles(cacheDir, '.pack')) truncateSync(path, size - 40);
  },
  'an index is cut short': (cacheDir) => {
    for (const { path } of packFiles(cacheDir, '.idx')) truncateSync(path, 100);
  },
  'a pack has other bytes': (cacheDir) => {
    for (const { path, size } of packFiles(cacheDir, '.pack')) writeFileSync(path, Buffer.alloc(size, 7));
  },
  'its files are gone': (cacheDir) => {
    for (const name of readdirSync(cacheDir)) rmSync(join(cacheDir, name), { recursive: true });
  },
};
for (const [what, damage] of Object.entries(damages)) {
  test(`the cache is filled again when ${what}`, async (t) => {
    const repository = makeRepository(t);
    repository.push({ 'a.yaml': '1', 'b.yaml': 'b' }, 'first');
    const cacheDir = temporaryFolder(t);
    const source = await open(t, repository, 'a bare repository', { cacheDir });
    await source.read(signal);
    damage(cacheDir);
    // Another source, which remembers no blobs, and the first one, which remembers them all.
    const fresh = await open(t, repository, 'a bare repository', { cacheDir });
    t.deepEqual(contents(await fresh.read(signal)), { 'a.yaml': '1', 'b.yaml': 'b' });
    t.deepEqual(contents(await source.read(signal)), { 'a.yaml': '1', 'b.yaml': 'b' });
  });
}

test('when the remote is away, what was fetched stays readable by its id', async (t) => {
  const repository = makeRepository(t);
  const commit = repository.push({ 'a.yaml': '1' }, 'first');
  const source = await open(t, repository);
  await source.read(signal);
  renameSync(repository.bare, `${repository.bare}.away`);
  t.is((await failure(t, source.read(signal))).code, 'not-found');
  t.deepEqual(contents(await source.read(signal, commit)), { 'a.yaml': '1' });
});

test('sources that share one cache folder do not disturb each other', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': '1' }, 'first');
  const cacheDir = temporaryFolder(t);
  const sources = await Promise.all(
    Array.from({ length: 6 }, () => open(t, repository, 'a bare repository', { cacheDir })),
  );
  for (const text of ['2', '3', '4']) {
    repository.push({ 'a.yaml': text }, text);
    const trees = await Promise.all(sources.map((source) => source.read(signal)));
    t.deepEqual(
      trees.map(contents),
      sources.map(() => ({ 'a.yaml': text })),
    );
  }
});

test('ssh that cannot connect, or is not installed, is unreachable and says why', async (t) => {
  const folder = temporaryFolder(t);
  const ssh = join(folder, 'ssh');
  writeFileSync(ssh, '#!/bin/sh\necho "ssh: connect to host: Connection refused" >&2\nexit 255\n');
  chmodSync(ssh, 0o755);
  const open = (command: string) =>
    openSource({ repo: 'git@host.example:net.git', cacheDir: folder, sshCommand: [command] });
  const refused = await failure(t, open(ssh).latest(signal));
  t.is(refused.code, 'unreachable');
  t.regex(refused.message, /^git@host\.example:net\.git: .*Connection refused/);
  const absent = await failure(t, open(join(folder, 'absent')).read(signal));
  t.is(absent.code, 'unreachable');
  t.regex(absent.message, /cannot run .*absent.*ENOENT/);
});

test('a process that hangs, before its list or in the middle of a pack, is unreachable and killed', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': '1' }, 'first');
  const folder = temporaryFolder(t);
  const hanging = (name: string, script: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\necho $$ >"${file}.pid"\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  const list = `git upload-pack --advertise-refs '${repository.bare}'`;
  for (const file of [hanging('mute', 'exec sleep 600'), hanging('late', `${list}; exec sleep 600`)]) {
    const source = openSource({
      ...{ repo: 'git@host.example:net.git', cacheDir: temporaryFolder(t), sshCommand: [file] },
      idleTimeoutMs: 300,
    });
    const error = await failure(t, source.read(signal));
    t.is(error.code, 'unreachable');
    t.regex(error.message, /has sent nothing for 0\.3 s/);
    const pid = Number(readFileSync(`${file}.pid`, 'utf8'));
    t.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  }
});

test('a path at the far end of ssh is one word for its shell', async (t) => {
  const folder = temporaryFolder(t);
  const ssh = join(folder, 'ssh');
  writeFileSync(ssh, `#!/bin/sh\nprintf '%s' "$*" >"${folder}/said"\nexit 255\n`);
  chmodSync(ssh, 0o755);
  const said = async (repo: string): Promise<string> => {
    await failure(t, openSource({ repo, cacheDir: folder, sshCommand: [ssh, '-q'] }).latest(signal));
    return readFileSync(join(folder, 'said'), 'utf8');
  };
  t.is(await said("ssh://git@h:22/a'b; reboot"), "-q -p 22 -- git@h git-upload-pack '/a'\\''b; reboot'");
  t.is(await said('git@h:~ada/x y'), "-q -- git@h git-upload-pack ~ada/'x y'");
});

test('a cache folder that cannot be made is said to be that', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': '1' }, 'first');
  const cacheDir = join(repository.workTree, 'a.yaml', 'cache');
  const error = await failure(t, (await open(t, repository, 'a bare repository', { cacheDir })).read(signal));
  t.is(error.code, 'unreachable');
  t.regex(error.message, /cache folder.*ENOTDIR/);
});

test('a file above the limit is handed on, to be one fault among others', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'net/huge.yaml': '#'.repeat(9 * 1024 * 1024), 'a.yaml': '1' }, 'huge');
  const { files } = await (await open(t, repository)).read(signal);
  t.deepEqual(
    files.map(({ path }) => path),
    ['a.yaml', 'net/huge.yaml'],
  );
});

test('messages() gives what was said between two commits, those of merged branches included', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': '0' }, 'Prune-Approved: yes, long ago');
  const live = repository.push({ 'a.yaml': '1' }, 'live');
  const source = await open(t, repository, 'http');
  await source.read(signal);
  repository.git('checkout', '--quiet', '-b', 'side', 'HEAD~1');
  repository.push({ 'b.yaml': 'b' }, 'on the side', 'side');
  repository.git('checkout', '--quiet', 'main');
  repository.push({ 'c.yaml': 'c' }, 'on main');
  repository.git('merge', '--quiet', '--no-ff', '--message', 'merge', 'side');
  const head = repository.push({}, 'head');
  const expected = ['head', 'merge', 'on main', 'on the side'];
  await source.read(signal);
  t.deepEqual([...((await source.messages?.(signal, live, head)) ?? [])].sort(), [...expected].sort());
  // A reconciler that has just started, and has fetched nothing yet.
  const fresh = await open(t, repository);
  t.deepEqual([...((await fresh.messages?.(signal, live, head)) ?? [])].sort(), [...expected].sort());
  t.deepEqual(await fresh.messages?.(signal, head, head), []);
  t.deepEqual(await fresh.messages?.(signal, 'f'.repeat(40), head), []);
});

test('a shallow clone can be read like any repository', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': '1' }, 'first');
  repository.push({ 'a.yaml': '2' }, 'second');
  const clone = join(temporaryFolder(t), 'clone');
  runGit('/', 'clone', '--quiet', '--depth', '1', pathToFileURL(repository.bare).href, clone);
  const source = openSource({ repo: clone, ref: 'main', cacheDir: temporaryFolder(t) });
  t.deepEqual(contents(await source.read(signal)), { 'a.yaml': '2' });
  const error = await failure(t, source.read(signal, 'main~1'));
  t.is(error.code, 'unknown-ref');
  t.regex(error.message, /shallow clone\. Run git fetch --unshallow/);
});

function packFiles(cacheDir: string, ending: string): { path: string; size: number }[] {
  return readdirSync(cacheDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => ({
      path: join(entry.parentPath, entry.name),
      size: statSync(join(entry.parentPath, entry.name)).size,
    }));
}
