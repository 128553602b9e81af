/**
 * Which files are manifests, pattern by pattern; and `*` against the regular expression that says the same.
 */
import test from 'ava';
import fc from 'fast-check';
import { isManifestPath, readIgnoreFile } from '../../src/loader/ignore-file.js';
import { decodeSource } from '../../src/loader/source-text.js';
import { sourceFiles } from '../helpers/source-files.js';

function patternsOf(text: string): ReturnType<typeof readIgnoreFile> {
  const [file] = sourceFiles({ '.heddleignore': text });
  const source = file && decodeSource(file);
  if (!source || 'code' in source) throw new Error('not decoded');
  return readIgnoreFile(source);
}

const reads = test.macro({
  exec(t, ignore: string, path: string, expected: boolean) {
    const { patterns, faults } = patternsOf(ignore);
    t.deepEqual(faults, []);
    t.is(isManifestPath(path, patterns), expected);
  },
  title: (_ = '', ignore, path, expected) =>
    `with ${JSON.stringify(ignore)} in .heddleignore, ${path} is ${expected ? 'read' : 'left out'}`,
});
test(reads, '', 'a.yaml', true);
test(reads, '', 'a/b/c.yml', true);
test(reads, '', 'a/B.YAML', true);
test(reads, '', 'a.Yml', true);
test(reads, '', 'a.yaml.txt', false);
test(reads, '', 'yaml', false);
test(reads, '', '.github/a.yaml', false);
test(reads, '', 'a/.b/c/d.yaml', false);
test(reads, '', '.hidden.yaml', true);
test(reads, '# a.yaml', 'a.yaml', true);
test(reads, 'a.yaml', 'a.yaml', false);
test(reads, 'a.yaml', 'x/y/a.yaml', false);
test(reads, '/a.yaml', 'a.yaml', false);
test(reads, '/a.yaml', 'x/a.yaml', true);
test(reads, 'x/a.yaml', 'x/a.yaml', false);
test(reads, 'x/a.yaml', 'y/x/a.yaml', true);
test(reads, 'charts', 'x/charts/deep/a.yaml', false);
test(reads, 'charts/', 'charts/a.yaml', false);
test(reads, '*.gen.yaml', 'x/a.gen.yaml', false);
test(reads, '*.gen.yaml', 'x/a.yaml', true);
test(reads, '/x/*.yaml', 'x/y/a.yaml', true);
test(reads, '/x/**/a.yaml', 'x/a.yaml', false);
test(reads, '/x/**/a.yaml', 'x/y/z/a.yaml', false);
test(reads, '/x/**/a.yaml', 'y/a.yaml', true);
test(reads, 'v?.yaml', 'v1.yaml', false);
test(reads, 'v?.yaml', 'v10.yaml', true);
test(reads, '  a.yaml  \r\n', 'a.yaml', false);

test('patterns that are not understood are faults with their place, and the others hold', (t) => {
  const { patterns, faults } = patternsOf(
    `a.yaml\n  !b.yaml\n[c].yaml\nd\\.yaml\n${'e'.repeat(257)}\nf.yaml\n`,
  );
  t.is(patterns.length, 2);
  t.deepEqual(
    faults.map(({ span, fault }) => [span.start, fault.value]),
    [
      [9, '!b.yaml'],
      [17, '[c].yaml'],
      [26, 'd\\.yaml'],
      [34, 'e'.repeat(257)],
    ],
  );
});

test('* stands for what the regular expression [^/]* does', (t) => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  fc.assert(
    fc.property(part, name, (pattern, segment) => {
      const { patterns } = patternsOf(`/x${pattern}.yaml`);
      const expected = new RegExp(`^x${pattern.replace(/\*+/g, '[^/]*')}\\.yaml$`).test(`x${segment}.yaml`);
      t.is(isManifestPath(`x${segment}.yaml`, patterns), !expected);
    }),
  );
});
