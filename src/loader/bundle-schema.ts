/**
 * Schemas that stand alone, for editors and other programs: every reference inside the file, nothing that only
 * our own type generator reads.
 */
import { KIND_NAMES } from '../model/kinds.js';
import type { Kind } from '../model/resource.js';
import { DEFINITIONS, definitionName, type JsonSchema, SCHEMAS } from './schemas.js';

/** The schema of one kind, with the definitions that it uses under `definitions`. */
export function bundleSchema(kind: Kind): JsonSchema {
  const { used, schema } = rewrite(SCHEMAS[kind]);
  return { ...schema, definitions: collect(used) };
}

/** One schema for files that hold any kinds: the kind of a document decides which rules are its own. */
export function bundleAllSchemas(): JsonSchema & { readonly allOf: readonly object[] } {
  const used = new Set<string>();
  const allOf = KIND_NAMES.map((kind) => {
    const bundle = rewrite(SCHEMAS[kind]);
    for (const name of bundle.used) used.add(name);
    const { $id: _id, $schema: _schema, ...rules } = bundle.schema;
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON schema
    return { if: { properties: { kind: { const: kind } }, required: ['kind'] }, then: rules };
  });
  return {
    ...HEAD,
    title: 'heddle manifest',
    description: 'A resource of any kind.',
    type: 'object',
    properties: { kind: { description: 'The kind of resource.', enum: KIND_NAMES } },
    allOf,
    definitions: collect(used),
  };
}

const HEAD = { $schema: 'http://json-schema.org/draft-07/schema#', required: ['apiVersion', 'kind'] };

interface Rewritten {
  readonly schema: JsonSchema;
  /** Names of definitions that the schema refers to. */
  readonly used: ReadonlySet<string>;
}

function rewrite(schema: JsonSchema): Rewritten {
  const used = new Set<string>();
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node).filter(([key]) => key !== 'tsType');
    return Object.fromEntries(entries.map(([key, value]) => [key, visitField(key, value)]));
  };
  const visitField = (key: string, value: unknown): unknown => {
    if (key !== '$ref' || typeof value !== 'string') return visit(value);
    const name = definitionName(value);
    used.add(name);
    return `#/definitions/${name}`;
  };
  return { schema: visit(schema) as JsonSchema, used };
}

/** The definitions with these names and those that they use in turn, by name. */
function collect(names: Iterable<string>): Readonly<Record<string, JsonSchema>> {
  const collected: Record<string, JsonSchema> = {};
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const definition = DEFINITIONS.definitions?.[name];
    if (Object.hasOwn(collected, name) || !definition) continue;
    const { schema, used } = rewrite(definition);
    collected[name] = schema;
    waiting.push(...used);
  }
  return Object.fromEntries(Object.entries(collected).sort(([a], [b]) => (a < b ? -1 : 1)));
}
