/**
 * Schemas, kinds, formats and generated types say the same of every field: the files of schemas/, compiled by
 * a strict Ajv.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import test from 'ava';
import { bundleAllSchemas, bundleSchema } from '../../src/loader/bundle-schema.js';
import { FORMATS } from '../../src/loader/formats.js';
import { KIND_NAMES, KINDS } from '../../src/model/kinds.js';
import type { Kind } from '../../src/model/resource.js';

type Json = { readonly [key: string]: unknown };
const root = new URL('../../../', import.meta.url);
const folder = new URL('schemas/', root);
const BASE = 'https://heddle.dev/schemas/v1/';

async function readSchema(file: string): Promise<Json> {
  return JSON.parse(await readFile(new URL(file, folder), 'utf8'));
}
const fileOf = (kind: Kind): string => `${kind.toLowerCase()}.schema.json`;

function strictAjv(): Ajv {
  const ajv = new Ajv({ strict: true, allErrors: true });
  ajv.addKeyword('tsType');
  for (const name of Object.keys(FORMATS)) ajv.addFormat(name, true);
  return ajv;
}

/** Every schema below a node that says something of a field, with its path. */
function* fields(node: unknown, path: string): Generator<[string, Json], void> {
  if (typeof node !== 'object' || node === null) return;
  const schema = node as Json;
  for (const [name, field] of Object.entries((schema.properties ?? {}) as Json)) {
    yield [`${path}.${name}`, field as Json];
    yield* fields(field, `${path}.${name}`);
  }
  if (schema.items) yield* fields(schema.items, `${path}[]`);
  for (const branch of (schema.anyOf ?? []) as unknown[]) yield* fields(branch, path);
}

test('every kind has a schema file, and every schema file is of a kind or the shared definitions', async (t) => {
  const files = (await readdir(folder)).sort();
  t.deepEqual(files, [...KIND_NAMES.map(fileOf), 'definitions.schema.json'].sort());
});

for (const kind of KIND_NAMES)
  test(`the schema of ${kind} compiles in strict mode, with its id and relative references`, async (t) => {
    const schema = await readSchema(fileOf(kind));
    t.is(schema.$id, `${BASE}${fileOf(kind)}`);
    t.is(schema.title, kind);
    const ajv = strictAjv();
    ajv.addSchema(await readSchema('definitions.schema.json'));
    t.notThrows(() => ajv.compile(schema));
    const references = JSON.stringify(schema).match(/"\$ref":"[^"]*"/g) ?? [];
    for (const reference of references) t.regex(reference, /"definitions\.schema\.json#\/definitions\/\w+"$/);
  });

test('a schema accepts projectcalico.org/v3 exactly for the kinds that Calico has', async (t) => {
  for (const kind of KIND_NAMES) {
    const { apiVersion } = (await readSchema(fileOf(kind))).properties as { apiVersion: { enum: string[] } };
    const expected = KINDS[kind].calico ? ['heddle/v1', 'projectcalico.org/v3'] : ['heddle/v1'];
    t.deepEqual(apiVersion.enum, expected, kind);
  }
});

test('every field and every definition has a description that ends like a sentence', async (t) => {
  for (const kind of KIND_NAMES)
    for (const [path, field] of fields(await readSchema(fileOf(kind)), kind))
      t.regex(String(field.description), /[.)]$/, path);
  const { definitions } = (await readSchema('definitions.schema.json')) as { definitions: Json };
  for (const [name, definition] of Object.entries(definitions)) {
    const { title, description } = definition as Json;
    t.truthy(title, name);
    t.regex(String(description), /[.)]$/, name);
    for (const [path, field] of fields(definition, name)) t.regex(String(field.description), /[.)]$/, path);
  }
});

test('every format that a schema names has a parser, and every parser is used', async (t) => {
  const files = await Promise.all(
    (await readdir(folder)).map((file) => readFile(new URL(file, folder), 'utf8')),
  );
  const named = new Set(
    files.flatMap((text) => [...text.matchAll(/"format": "([^"]+)"/g)].map((match) => match[1])),
  );
  t.deepEqual([...named].sort(), Object.keys(FORMATS).sort());
});

test('the types of every spec are what scripts/generate-types.mjs makes of the schemas', async (t) => {
  await t.notThrowsAsync(
    promisify(execFile)(process.execPath, ['scripts/generate-types.mjs', '--check'], { cwd: root }),
  );
});

for (const kind of KIND_NAMES)
  test(`bundleSchema(${kind}) stands alone and compiles`, (t) => {
    const bundle = bundleSchema(kind);
    const text = JSON.stringify(bundle);
    t.notRegex(text, /tsType/);
    const used = new Set([...text.matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1]));
    t.deepEqual(
      [...used].sort(),
      Object.keys(bundle.definitions ?? {})
        .map((name) => `#/definitions/${name}`)
        .sort(),
    );
    t.notThrows(() => strictAjv().compile(bundle));
  });

test('bundleAllSchemas() judges a document by the schema of its kind', (t) => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const validate = ajv.compile(bundleAllSchemas());
  const pool = (spec: object): object => ({
    apiVersion: 'heddle/v1',
    kind: 'IPPool',
    metadata: { name: 'p' },
    spec,
  });
  t.true(validate(pool({ cidr: '10.0.0.0/8' })));
  t.false(validate(pool({ nets: [] })));
  t.false(validate({ ...pool({}), kind: 'GlobalNetworkSet', spec: { cidr: '10.0.0.0/8' } }));
  t.false(validate({ ...pool({}), kind: 'Pod' }));
});
