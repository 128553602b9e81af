/**
 * Writes every address, network, selector and port of a document in its one canonical form.
 *
 * Walks value and schema side by side, so that no field has to be listed here: what the schema gives a format
 * is written as that format's parser returns it. Equal networks become equal text, whoever wrote them.
 */
import { FORMATS } from './formats.js';
import { type JsonSchema, propertySchema, resolveReference } from './schemas.js';

/** The value in canonical form. It has passed the schema; what has no format is kept as it is. */
export function normalise(value: unknown, reference: JsonSchema): unknown {
  const schema = resolveReference(reference);
  if (typeof value === 'string') return normaliseText(value, schema);
  if (Array.isArray(value)) return value.map((item) => normalise(item, schema.items ?? {}));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, normalise(item, propertySchema(schema, key))]),
  );
}

function normaliseText(text: string, schema: JsonSchema): unknown {
  const format = schema.format ?? schema.anyOf?.find((branch) => branch.format !== undefined)?.format;
  // In an anyOf the text may be meant by another branch, and is then none of this format.
  return (format !== undefined && FORMATS[format]?.canonical(text)) || text;
}
