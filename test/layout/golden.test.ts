/**
 * We write to etcd what the reference of the v1 layout says, and read what it writes: test/golden/layout,
 * byte by byte or by meaning.
 */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { createLayout } from '../../src/layout/create-layout.js';
import type { StoredId } from '../../src/layout/layout.js';
import type { Cidr } from '../../src/model/address.js';
import { KIND_NAMES, KINDS } from '../../src/model/kinds.js';
import type { Resource } from '../../src/model/resource.js';
import type { StoreKey } from '../../src/model/store.js';

/** A canonical example: what the reference says that a resource compiles to. */
interface Golden {
  readonly resource: Pick<Resource, 'kind' | 'spec'> & {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  };
  readonly pools?: readonly Cidr[];
  readonly id: string;
  /** Where the store does not keep the name, the one that stands for it. */
  readonly storedName?: string;
  /** Fields that the store does not keep as they were written. */
  readonly storedSpec?: Readonly<Record<string, unknown>>;
  /** Compared by meaning. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Compared byte by byte. */
  readonly raw: Readonly<Record<string, string>>;
  /** Keys of ours that the reference does not list, byte by byte. */
  readonly beyondReference?: Readonly<Record<string, string>>;
}

const directory = 'test/golden/layout';
const layout = createLayout();

for (const file of readdirSync(directory).sort()) {
  const golden = JSON.parse(readFileSync(`${directory}/${file}`, 'utf8')) as Golden;
  const { kind, metadata, spec } = golden.resource;
  const resource = {
    kind,
    metadata: { name: metadata.name, labels: metadata.labels ?? {}, annotations: {} },
    spec,
    origin: { file: 'a.yaml', line: 1, col: 1 },
  } as Resource;
  const encoded = layout.encode(resource, { pools: golden.pools ?? [] });

  test(`encode() writes ${file} as the reference says, and no other key`, (t) => {
    const raw = { ...golden.raw, ...golden.beyondReference };
    const written = encoded.map(({ key, value }) => [key, key in raw ? value : JSON.parse(value)]);
    t.deepEqual(Object.fromEntries(written), { ...golden.json, ...raw });
  });

  test(`identify() knows every key of ${file}`, (t) => {
    for (const { key } of encoded) {
      const owner = layout.identify(key);
      if (owner?.type === 'assignment') t.true(key.includes('/assignment/'));
      else t.deepEqual(owner, { type: 'resource', kind: resource.kind, id: golden.id } as typeof owner);
    }
  });

  test(`decode() reads ${file} as the reference writes it, in any order of members`, (t) => {
    const json = Object.entries(golden.json).map(([key, value]) => [key, JSON.stringify(reversed(value))]);
    const raw = Object.entries({ ...golden.raw, ...golden.beyondReference });
    const values = new Map(
      [...json, ...raw].flatMap(([key = '', value = '']) =>
        layout.identify(key as StoreKey)?.type === 'resource' ? [[key as StoreKey, value] as const] : [],
      ),
    );
    const { origin, ...decoded } = layout.decode(golden.id as StoredId, values);
    t.deepEqual(decoded, {
      kind,
      metadata: { name: golden.storedName ?? metadata.name, labels: metadata.labels ?? {}, annotations: {} },
      spec: { ...spec, ...golden.storedSpec },
    } as typeof decoded);
    t.true(values.has(origin.file as StoreKey));
  });
}

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).reverse());
}

test('every stored kind has a golden', (t) => {
  const kinds = readdirSync(directory).map(
    (file) => (JSON.parse(readFileSync(`${directory}/${file}`, 'utf8')) as Golden).resource.kind,
  );
  t.deepEqual(
    KIND_NAMES.filter((kind) => KINDS[kind].stored && !kinds.includes(kind)),
    [],
  );
});
