/**
 * What a document with faults in its form probably says.
 *
 * A reader gets the faults of all stages at once, so the checks after the schema need a value to look at although
 * some of its fields are no good. Here the bad fields go: an unknown one that is a slip of the hand gets the name
 * that was meant, a needless one is taken away, one that must be there gets any value of the right form. Nothing is
 * said of the fields that were touched, and nothing made from such a document is ever used.
 */
import { type FieldPath, pointer } from './field-path.js';
import type { SchemaFault } from './schema-errors.js';
import { type JsonSchema, propertySchema, resolveReference } from './schemas.js';

/** Names of fields in the document, by the pointer that they have in the mended value. */
export type Renames = ReadonlyMap<string, string>;

export interface Mended {
  readonly value: unknown;
  /** Fields of the mended value that say nothing of what was meant. */
  readonly touched: readonly FieldPath[];
  readonly renames: Renames;
}

/** The value without the faults; it may have others, which these hid. Undefined where nothing is left of it. */
export function mend(
  written: unknown,
  faults: readonly SchemaFault[],
  schema: JsonSchema,
): Mended | undefined {
  const value = structuredClone(written);
  const touched: FieldPath[] = [];
  const renames = new Map<string, string>();
  for (const { path, code, meant } of faults) {
    const container = at(value, path.slice(0, -1));
    const last = path.at(-1);
    if (last === undefined) return undefined;
    // What encloses the field may have gone already.
    if (typeof container !== 'object' || container === null) continue;
    if (code === 'unknown-field') {
      const unknown = Reflect.get(container, last);
      Reflect.deleteProperty(container, last);
      if (meant === undefined || Object.hasOwn(container, meant)) continue;
      Reflect.set(container, meant, unknown);
      renames.set(pointer([...path.slice(0, -1), meant]), String(last));
      continue;
    }
    touched.push(path);
    const outer = schemaAt(schema, path.slice(0, -1));
    const own = resolveReference(
      Array.isArray(container) ? (outer.items ?? {}) : propertySchema(outer, String(last)),
    );
    if (Array.isArray(container) || isRequired(outer, String(last)))
      Reflect.set(container, last, sample(own));
    else Reflect.deleteProperty(container, last);
  }
  return { value, touched, renames };
}

/** True when one of the paths leads to the other, or they are the same. */
export function overlaps(a: FieldPath, b: FieldPath): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.every((step, index) => step === long[index]);
}

function at(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  );
}

function schemaAt(schema: JsonSchema, path: FieldPath): JsonSchema {
  return path.reduce<JsonSchema>(
    (outer, step) =>
      resolveReference(typeof step === 'number' ? (outer.items ?? {}) : propertySchema(outer, step)),
    resolveReference(schema),
  );
}

function isRequired(schema: JsonSchema, key: string): boolean {
  return [schema, ...(schema.anyOf ?? [])].some(({ required }) => required?.includes(key) ?? false);
}

/** Any value that the schema accepts, as far as it can be told. */
function sample(reference: JsonSchema): unknown {
  const schema = resolveReference(reference);
  const [branch] = schema.anyOf ?? [];
  if (schema.default !== undefined) return structuredClone(schema.default);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (branch) return sample(branch);
  switch (schema.type) {
    case 'array':
      return schema.minItems ? [sample(schema.items ?? {})] : [];
    case 'object':
      return sampleObject(schema);
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return false;
    default:
      return SAMPLES[schema.format ?? ''] ?? 'x';
  }
}

function sampleObject(schema: JsonSchema): object {
  const { required = [], properties = {}, minProperties = 0 } = schema;
  const keys = required.length > 0 ? required : Object.keys(properties).slice(0, minProperties);
  return Object.fromEntries(keys.map((key) => [key, sample(propertySchema(schema, key))]));
}

/** One text of each format; RFC 5737 and RFC 3849 keep these addresses for examples. */
const SAMPLES: Readonly<Record<string, string>> = {
  cidr: '192.0.2.0/24',
  net: '192.0.2.0/24',
  cidr4: '192.0.2.0/24',
  cidr6: '2001:db8::/64',
  'workload-network': '192.0.2.1/32',
  address: '192.0.2.1',
  address4: '192.0.2.1',
  address6: '2001:db8::1',
  'interface-address4': '192.0.2.1/24',
  'interface-address6': '2001:db8::1/64',
  mac: 'ee:ee:ee:ee:ee:ee',
  selector: 'all()',
  'port-range': '1',
  'peer-address': '192.0.2.1',
  community: '65000:1',
};
