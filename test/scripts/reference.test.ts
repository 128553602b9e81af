/**
 * docs/manifests.md is what its generator writes, says of everything that no agent enforces that it is not yet there
 * (law 5), and shows examples that are manifests and values. The document is read here as its readers read it.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import test from 'ava';
import { packageFolder } from '../../src/cli/package-folder.js';
import { FORMATS } from '../../src/loader/formats.js';
import { loadManifests } from '../../src/loader/load.js';
import { DEFINITIONS } from '../../src/loader/schemas.js';
import { KIND_NAMES } from '../../src/model/kinds.js';
import type { Kind } from '../../src/model/resource.js';
import { UNSUPPORTED_FIELDS, UNSUPPORTED_KINDS } from '../../src/model/support.js';
import { sourceFiles } from '../helpers/source-files.js';

const root = packageFolder();
const sections = new Map(
  readFileSync(new URL('docs/manifests.md', root), 'utf8')
    .split(/^## /m)
    .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
);
const sectionOf = (title: string): string => sections.get(title) ?? '';

/** Field, type and meaning. */
function rowsOf(title: string): readonly (readonly [string, string, string])[] {
  const rows = sectionOf(title).matchAll(/^\| `([^`]+)` \| (.*?) \| (.*) \|$/gm);
  return [...rows].map(([, field = '', type = '', meaning = '']) => [field, type, meaning]);
}

test('docs/manifests.md is what scripts/generate-reference.mjs writes', async (t) => {
  await t.notThrowsAsync(
    promisify(execFile)(process.execPath, ['scripts/generate-reference.mjs', '--check'], { cwd: root }),
  );
});

test('law 5: exactly the kinds that no agent enforces are marked as not yet there', (t) => {
  const marked = KIND_NAMES.filter((kind) => sectionOf(kind).includes('**Not yet**'));
  t.deepEqual(new Set(marked), UNSUPPORTED_KINDS);
});

/** The fields that the table of a kind marks. What lies in another section has to be marked there too. */
function markedFields(kind: Kind): string[] {
  return rowsOf(kind).flatMap(([field, , meaning]) => {
    if (!meaning.includes('**not yet**')) return [];
    const within = [...meaning.matchAll(/\*\*not yet\*\*: `([^`]+)`/g)].map(([, inner = '']) => inner);
    if (within.length === 0) return [field];
    const place = `\`${field.replace('[]', '')}\``;
    return within.flatMap((inner) => {
      const there = /\*\*not yet\*\* in ([^;]*)/.exec(meaningOf(kind, `${field}.${inner}`))?.[1] ?? '';
      return there.includes(place) && there.includes(kind) ? [`${field}.${inner}`] : [];
    });
  });
}

/** Of the row of a field, behind the links to other sections. */
function meaningOf(title: string, path: string): string {
  const rows = rowsOf(title);
  const exact = rows.find(([field]) => field === path);
  if (exact) return exact[2];
  const [field, type] = rows.find(([start, of]) => of.includes('](#') && path.startsWith(`${start}.`)) ?? [
    '',
    '',
  ];
  const linked = /\[([^\]]+)\]\(#/.exec(type)?.[1];
  return linked === undefined ? '' : meaningOf(linked, path.slice(field.length + 1));
}

for (const kind of KIND_NAMES)
  test(`law 5: exactly the fields of ${kind} that no agent enforces are marked as not yet there`, (t) => {
    const expected = (UNSUPPORTED_FIELDS[kind] ?? []).map(({ path }) => path.replaceAll('.*', '[]'));
    // A list is a list by its row.
    const marked = markedFields(kind).map((field) => field.replace(/\[\]$/, ''));
    t.deepEqual(marked.sort(), expected.sort());
  });

const manifests = KIND_NAMES.map((kind) => {
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(sectionOf(kind)) ?? [];
  return [`${kind}.yaml`, text] as const;
});

test('the reference has an example of every kind that loads, but for what no agent enforces', (t) => {
  const { state, diagnostics } = loadManifests(sourceFiles(Object.fromEntries(manifests)));
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const unsupported = KIND_NAMES.filter((kind) => UNSUPPORTED_KINDS.has(kind));
  // An example stands alone: what it refers to is not there.
  t.deepEqual(
    errors.flatMap(({ code, message, origin }) =>
      code === 'dangling-reference'
        ? []
        : [`${origin.file} ${code === 'not-supported-yet' ? code : message}`],
    ),
    unsupported.map((kind) => `${kind}.yaml not-supported-yet`).sort(),
  );
  t.deepEqual(new Set([...state.values()].map(({ kind }) => kind)), new Set(KIND_NAMES));
});

test('the legend explains the types with values that the schemas take', (t) => {
  const ajv = new Ajv({ strict: false, validateSchema: false });
  for (const [name, { canonical }] of Object.entries(FORMATS))
    ajv.addFormat(name, (text: string) => canonical(text) !== undefined);
  ajv.addSchema(DEFINITIONS);
  for (const [name, { examples = [] }] of Object.entries(DEFINITIONS.definitions ?? {}))
    for (const example of examples) {
      const $ref = `https://heddle.dev/schemas/v1/definitions.schema.json#/definitions/${name}`;
      t.true(ajv.validate({ $ref }, example), `${name}: ${JSON.stringify(example)}`);
    }
});
