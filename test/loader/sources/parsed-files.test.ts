/**
 * What was parsed is not parsed again, and is believed only when it is whole, of this code, and in a folder
 * of ours: real folders, damaged by hand.
 */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadManifests, ManifestCache } from '../../../src/loader/load.js';
import { openSource } from '../../../src/loader/sources/index.js';
import { openParsedFiles } from '../../../src/loader/sources/parsed-files.js';
import type { SourceFile } from '../../../src/loader/sources/source.js';
import { exampleFolder } from '../../helpers/lab.js';
import { sourceFiles } from '../../helpers/source-files.js';
import { temporaryFolder } from './repository.js';

const { signal } = new AbortController();

async function exampleFiles(t: ExecutionContext, name: string): Promise<readonly SourceFile[]> {
  const source = openSource({ repo: exampleFolder(name), cacheDir: temporaryFolder(t) });
  return (await source.read(signal)).files;
}

const FAULTY = sourceFiles({
  'bad.yaml': 'kind: [',
  'odd.yaml': 'apiVersion: heddle/v1\nkind: Tier\nmetadata: {name: a}\nspec: {odrer: 1}\n',
});

/** What a process that starts with this folder finds. */
function load(folder: string, files: readonly SourceFile[], code?: string) {
  const cache = new ManifestCache(openParsedFiles(folder, 'a repository', code));
  const { state, diagnostics } = loadManifests(files, cache);
  return { state, diagnostics, parsed: cache.parsed };
}

test('openParsedFiles(): a second process parses nothing, and finds the same, faults included', async (t) => {
  const folder = temporaryFolder(t);
  const files = [...(await exampleFiles(t, 'three-hosts')), ...FAULTY];
  const first = load(folder, files);
  t.true(first.parsed > 10);
  t.true(first.diagnostics.length > 0);
  const second = load(folder, files);
  t.is(second.parsed, 0);
  t.deepEqual(second, { ...first, parsed: 0 });
});

test('openParsedFiles(): only what has another id, or another path, is parsed again', (t) => {
  const folder = temporaryFolder(t);
  const files = { 'bad.yaml': 'kind: [', 'odd.yaml': 'a: 1' };
  t.is(load(folder, sourceFiles(files)).parsed, 2);
  t.is(load(folder, sourceFiles({ ...files, 'odd.yaml': 'a: 2' })).parsed, 1);
  const moved = load(folder, sourceFiles({ 'moved.yaml': 'kind: [', 'odd.yaml': 'a: 1' }));
  t.is(moved.parsed, 1);
  t.is(moved.diagnostics[0]?.origin.file, 'moved.yaml');
});

test('openParsedFiles(): another version of the code finds nothing of the one before', (t) => {
  const folder = temporaryFolder(t);
  t.is(load(folder, FAULTY, 'one').parsed, FAULTY.length);
  t.is(load(folder, FAULTY, 'two').parsed, FAULTY.length);
  t.is(load(folder, FAULTY, 'one').parsed, 0);
});

const damages: Record<string, (content: Buffer) => Buffer> = {
  'cut short': (content) => content.subarray(0, content.length - 7),
  empty: () => Buffer.alloc(0),
  'changed in one byte': (content) => {
    const changed = Buffer.from(content);
    changed[content.length - 3] = (changed[content.length - 3] ?? 0) ^ 1;
    return changed;
  },
};

for (const [what, damage] of Object.entries(damages)) {
  test(`openParsedFiles(): a file that is ${what} is parsed again, and written anew`, (t) => {
    const folder = temporaryFolder(t);
    const before = load(folder, FAULTY);
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      if (/[0-9a-f]{64}$/.test(name)) writeFileSync(path, damage(readFileSync(path)));
    }
    t.deepEqual(load(folder, FAULTY), before);
    t.is(load(folder, FAULTY).parsed, 0);
  });
}

test('openParsedFiles(): a folder that others may write to is not believed', (t) => {
  const folder = temporaryFolder(t);
  load(folder, FAULTY);
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o777);
  t.is(openParsedFiles(folder, 'a repository'), undefined);
  t.is(load(folder, FAULTY).parsed, FAULTY.length);
});

test('openParsedFiles(): what is no longer of use goes when it is more than what is', (t) => {
  const folder = temporaryFolder(t);
  const many = Array.from({ length: 150 }, (_, index) => [`${index}.yaml`, `a: ${index}`]);
  load(folder, sourceFiles(Object.fromEntries(many)));
  load(folder, FAULTY);
  t.is(readdirSync(folder, { recursive: true }).length, 1 + FAULTY.length);
  t.is(load(folder, FAULTY).parsed, 0);
});
