/**
 * A folder as a source: the same files are the same version, nothing outside is read, and every change is
 * told. Real folders, links and repositories.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MAX_FILE_BYTES } from '../../../src/loader/source-text.js';
import { DirectorySource } from '../../../src/loader/sources/directory.js';
import { openSource } from '../../../src/loader/sources/index.js';
import { type Source, SourceError, type SourceTree } from '../../../src/loader/sources/source.js';
import { makeRepository, temporaryFolder } from './repository.js';

const { signal } = new AbortController();

function folderWith(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder(t);
  write(folder, files);
  return folder;
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function open(t: ExecutionContext, repo: string, path?: string): Source {
  return openSource({ repo, cacheDir: temporaryFolder(t), path });
}

function contents({ files }: SourceTree): Record<string, string> {
  return Object.fromEntries(files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]));
}

test('read() gives the manifests of a folder, sorted by path', async (t) => {
  const folder = folderWith(t, {
    'b.yaml': 'b',
    'a/z.yml': 'z',
    'a/Y.YAML': 'y',
    'a/.heddleignore': 'i',
    'README.md': 'no',
    '.git/config.yaml': 'no',
    'node_modules/p/p.yaml': 'no',
  });
  const tree = await open(t, folder).read(signal);
  t.deepEqual(contents(tree), { 'a/.heddleignore': 'i', 'a/Y.YAML': 'y', 'a/z.yml': 'z', 'b.yaml': 'b' });
  t.deepEqual(
    tree.files.map(({ path }) => path),
    ['a/.heddleignore', 'a/Y.YAML', 'a/z.yml', 'b.yaml'],
  );
  t.is(tree.version.author, '');
  t.is(tree.version.time, new Date(tree.version.time).toISOString());
});

test('a path below the folder is read alone, and a single file too', async (t) => {
  const folder = folderWith(t, { 'env/prod/a.yaml': 'a', 'b.yaml': 'b' });
  t.deepEqual(contents(await open(t, folder, '/env/prod').read(signal)), { 'a.yaml': 'a' });
  t.deepEqual(contents(await open(t, join(folder, 'b.yaml')).read(signal)), { 'b.yaml': 'b' });
});

test('the version is a digest of names and contents, whatever the folder', async (t) => {
  const files = { 'a.yaml': 'a', 'b/c.yaml': 'c' };
  const [one, two] = [folderWith(t, files), folderWith(t, files)];
  const version = await open(t, one).latest(signal);
  t.regex(version, /^folder-[0-9a-f]{40}$/);
  t.is(await open(t, two).latest(signal), version);
  t.is((await open(t, two).read(signal)).version.commit, version);
  write(two, { 'a.yaml': 'A' });
  t.not(await open(t, two).latest(signal), version);
  write(two, { 'a.yaml': 'a', 'README.md': 'no manifest' });
  t.is(await open(t, two).latest(signal), version);
  renameSync(join(two, 'a.yaml'), join(two, 'd.yaml'));
  t.not(await open(t, two).latest(signal), version);
});

test('a folder and a commit give the same ids to the same files', async (t) => {
  const repository = makeRepository(t);
  repository.push({ 'a.yaml': 'a', 'b/c.yaml': 'ü' }, 'first');
  const cacheDir = temporaryFolder(t);
  const folder = await openSource({ repo: repository.workTree, cacheDir }).read(signal);
  const commit = await openSource({ repo: repository.workTree, ref: 'HEAD', cacheDir }).read(signal);
  const ids = ({ files }: SourceTree) => files.map(({ path, blobId }) => [path, blobId]);
  t.deepEqual(ids(folder), ids(commit));
});

test('read() of a ref gives the folder as it was in that commit', async (t) => {
  const repository = makeRepository(t);
  const first = repository.push({ 'env/a.yaml': '1', 'b.yaml': 'no' }, 'first');
  repository.push({ 'env/a.yaml': '2' }, 'second');
  repository.write({ 'env/a.yaml': '3' });
  const source = open(t, join(repository.workTree, 'env'));
  t.deepEqual(contents(await source.read(signal)), { 'a.yaml': '3' });
  t.deepEqual(contents(await source.read(signal, 'HEAD')), { 'a.yaml': '2' });
  t.deepEqual(contents(await source.read(signal, first)), { 'a.yaml': '1' });
});

test('read() of a version gives it while the files are those, and no other ones', async (t) => {
  const folder = folderWith(t, { 'a.yaml': '1' });
  const source = open(t, folder);
  const version = await source.latest(signal);
  t.is((await source.read(signal, version)).version.commit, version);
  write(folder, { 'a.yaml': '2' });
  const error = await t.throwsAsync(source.read(signal, version), { instanceOf: SourceError });
  t.is(error?.code, 'unknown-ref');
});

test('a ref of a folder outside of any repository is an error', async (t) => {
  const folder = folderWith(t, { 'a.yaml': '1' });
  const read = await t.throwsAsync(open(t, folder).read(signal, 'main'), { instanceOf: SourceError });
  t.is(read?.code, 'unknown-ref');
  const opened = t.throws(() => openSource({ repo: folder, ref: 'main', cacheDir: folder }), {
    instanceOf: SourceError,
  });
  t.is(opened?.code, 'not-found');
});

test('a file whose name is not UTF-8 is named as what is wrong', async (t) => {
  const folder = folderWith(t, { 'a.yaml': 'a' });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/b`), Buffer.from([0xff]), Buffer.from('.yaml')]), 'b');
  const error = await t.throwsAsync(open(t, folder).read(signal), { instanceOf: SourceError });
  t.regex(error?.message ?? '', /b.*\.yaml: cannot be read.*not UTF-8/);
});

test('a path that is a link out of the folder is refused, one inside it is followed', async (t) => {
  const outside = folderWith(t, { 'secret.yaml': 'secret' });
  const folder = folderWith(t, { 'net/a.yaml': 'a' });
  symlinkSync(outside, join(folder, 'out'));
  symlinkSync(join(folder, 'net'), join(folder, 'in'));
  const leadsOut = { instanceOf: SourceError, message: /is a link that leads out of/ };
  await t.throwsAsync(open(t, folder, 'out').read(signal), leadsOut);
  const source = open(t, folder, 'in');
  t.deepEqual(contents(await source.read(signal)), { 'a.yaml': 'a' });
  unlinkSync(join(folder, 'in'));
  symlinkSync(outside, join(folder, 'in'));
  await t.throwsAsync(source.read(signal), leadsOut, 'also one that comes later');
});

test('a folder that is not there is not-found; a path that leads out is refused', async (t) => {
  const folder = temporaryFolder(t);
  const error = await t.throwsAsync(open(t, join(folder, 'absent')).read(signal), {
    instanceOf: SourceError,
  });
  t.is(error?.code, 'not-found');
  t.throws(() => open(t, folder, 'a/../../b'), { instanceOf: SourceError, message: /leads out/ });
});

test('links are not followed out of the folder, into folders, or to what is read anyway', async (t) => {
  const outside = folderWith(t, { 'secret.yaml': 'secret', 'd/e.yaml': 'e' });
  const folder = folderWith(t, { 'a.yaml': 'a', 'sub/b.yaml': 'b' });
  symlinkSync(join(outside, 'secret.yaml'), join(folder, 'out.yaml'));
  symlinkSync(join(outside, 'd'), join(folder, 'd'));
  symlinkSync('sub', join(folder, 'again'));
  symlinkSync('a.yaml', join(folder, 'twice.yaml'));
  symlinkSync('nowhere', join(folder, 'dangling.yaml'));
  t.deepEqual(contents(await open(t, folder).read(signal)), { 'a.yaml': 'a', 'sub/b.yaml': 'b' });
});

test('a ConfigMap as Kubernetes mounts it is read through its links', async (t) => {
  const folder = folderWith(t, { '..2026_1/a.yaml': '1' });
  symlinkSync('..2026_1', join(folder, '..data'));
  symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
  t.deepEqual(contents(await open(t, folder).read(signal)), { 'a.yaml': '1' });
});

test('of a file above the limit only so much is read that it is seen to be', async (t) => {
  const folder = folderWith(t, { 'net/huge.yaml': '#'.repeat(20 * 1024 * 1024), 'a.yaml': '1' });
  const { files } = await open(t, folder).read(signal);
  t.deepEqual(
    files.map(({ path, bytes }) => [path, bytes.length]),
    [
      ['a.yaml', 1],
      ['net/huge.yaml', MAX_FILE_BYTES + 1],
    ],
  );
});

/** Does something and waits until the source says that something has changed. */
async function changesAfter(
  source: Source,
  events: AsyncIterator<void>,
  act: () => void,
): Promise<SourceTree> {
  act();
  const { done } = await events.next();
  if (done) throw new Error('The source stopped telling');
  return source.read(signal);
}

test('changes() begins by telling that something may have changed', async (t) => {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const events = open(t, folderWith(t, { 'a.yaml': '1' }))
    .changes?.(stop.signal)
    [Symbol.asyncIterator]();
  t.deepEqual(await events?.next(), { value: undefined, done: false });
});

test('changes() tells of files that are written, added, renamed and removed, also in new folders', async (t) => {
  const folder = folderWith(t, { 'a.yaml': '1' });
  const source = open(t, folder);
  const stop = new AbortController();
  const events = source.changes?.(stop.signal)[Symbol.asyncIterator]();
  if (!events) throw new Error('A folder tells of its changes');
  await events.next();
  const after = (act: () => void) => changesAfter(source, events, act).then(contents);
  t.deepEqual(await after(() => write(folder, { 'a.yaml': '2' })), { 'a.yaml': '2' });
  t.deepEqual(await after(() => write(folder, { 'x/y/b.yaml': 'b' })), { 'a.yaml': '2', 'x/y/b.yaml': 'b' });
  t.deepEqual(await after(() => renameSync(join(folder, 'x/y/b.yaml'), join(folder, 'c.yaml'))), {
    'a.yaml': '2',
    'c.yaml': 'b',
  });
  t.deepEqual(await after(() => unlinkSync(join(folder, 'a.yaml'))), { 'c.yaml': 'b' });
  const ended = events.next();
  stop.abort();
  t.true((await ended).done);
});

test('changes() also finds what causes no event: a ConfigMap that is swapped', async (t) => {
  const folder = folderWith(t, { '..1/a.yaml': '1', '..2/a.yaml': '2' });
  symlinkSync('..1', join(folder, '..data'));
  symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
  const source = new DirectorySource({ folder, within: folder, history: undefined, rescanMs: 50 });
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const events = source.changes(stop.signal)[Symbol.asyncIterator]();
  await events.next();
  const swap = () => {
    symlinkSync('..2', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  t.deepEqual(contents(await changesAfter(source, events, swap)), { 'a.yaml': '2' });
});

test('changes() tells when the folder goes, and when it comes back', async (t) => {
  const parent = temporaryFolder(t);
  const folder = join(parent, 'net');
  write(folder, { 'a.yaml': '1' });
  const source = new DirectorySource({ folder, within: folder, history: undefined, rescanMs: 50 });
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const events = source.changes(stop.signal)[Symbol.asyncIterator]();
  await events.next();
  const gone = changesAfter(source, events, () => rmSync(folder, { recursive: true }));
  t.is((await t.throwsAsync(gone, { instanceOf: SourceError }))?.code, 'not-found');
  t.deepEqual(contents(await changesAfter(source, events, () => write(folder, { 'a.yaml': '2' }))), {
    'a.yaml': '2',
  });
});
