/**
 * What ajv found, in words: which field, which rule, what to write instead.
 *
 * The rule of a pattern is the description of the field in the schema, so that the message and what an editor
 * shows are the same sentence. Of an anyOf, only the branch that was meant is reported.
 */
import type { ErrorObject as SchemaError } from 'ajv';
import { suggest } from '../model/suggest.js';
import { type FieldPath, fieldName, pointer } from './field-path.js';
import { FORMATS } from './formats.js';
import { locate, writtenPath } from './locate.js';
import type { Fault } from './report.js';
import { type JsonSchema, resolveReference } from './schemas.js';
import type { ManifestDocument } from './yaml-documents.js';

export interface SchemaFault extends Fault {
  /** The field that an unknown one probably is. */
  readonly meant?: string;
}

/** One fault for each mistake. */
export function explainErrors(errors: readonly SchemaError[], document: ManifestDocument): SchemaFault[] {
  const choices = errors.filter((error) => error.keyword === 'anyOf');
  // What a propertyNames finds inside a name comes again as its own error.
  const rest = errors.filter(
    (error) => error.propertyName === undefined && !choices.some((choice) => isInside(error, choice)),
  );
  const meant = choices.flatMap((choice) => meantErrors(choice, errors));
  const seen = new Set<string>();
  const faults: SchemaFault[] = [];
  for (const error of [...rest, ...meant]) {
    const fault = explain(error, document);
    const key = JSON.stringify([fault.path, fault.part]);
    if (seen.has(key)) continue;
    seen.add(key);
    faults.push(fault);
  }
  return faults.filter((fault) => !isMisspelt(fault, faults));
}

/** A field that is missing because its name has a slip is one mistake. */
function isMisspelt({ code, path }: Fault, faults: readonly SchemaFault[]): boolean {
  if (code !== 'missing-field') return false;
  const missing = pointer(path);
  return faults.some(
    (other) => other.meant !== undefined && pointer([...other.path.slice(0, -1), other.meant]) === missing,
  );
}

function isInside(error: SchemaError, choice: SchemaError): boolean {
  return (
    error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`)
  );
}

/** The errors of the branch whose type fits and that fails least; the anyOf itself when no branch stands out. */
function meantErrors(choice: SchemaError, errors: readonly SchemaError[]): SchemaError[] {
  const branches = new Map<string, SchemaError[]>();
  for (const error of errors) {
    if (error === choice || !isInside(error, choice)) continue;
    const branch = error.schemaPath.startsWith(`${choice.schemaPath}/`)
      ? (error.schemaPath.slice(choice.schemaPath.length + 1).split('/')[0] ?? '')
      : '';
    branches.set(branch, [...(branches.get(branch) ?? []), error]);
  }
  const fitting = [...branches]
    .filter(([branch, found]) => branch !== '' && !found.some((error) => isTypeError(error, choice)))
    .map(([, found]) => found)
    .sort((a, b) => a.length - b.length);
  const [best, second] = fitting;
  if (!best || (second && best.length === second.length)) return [choice];
  const { description }: JsonSchema = choice.parentSchema ?? {};
  return best.map((error) => ({ ...error, parentSchema: { description, ...error.parentSchema } }));
}

function isTypeError(error: SchemaError, choice: SchemaError): boolean {
  return error.keyword === 'type' && error.instancePath === choice.instancePath;
}

function explain(error: SchemaError, document: ManifestDocument): SchemaFault {
  const path = pathOf(error.instancePath, document.value);
  const schema: JsonSchema = error.parentSchema ?? {};
  const parameters: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(path, String(parameters.additionalProperty), schema);
    case 'required':
      return missingField(path, String(parameters.missingProperty), schema);
    case 'propertyNames':
      return badKey(path, String(parameters.propertyName), schema);
    case 'minProperties':
    case 'maxProperties':
      return notExactlyOne(path, error.data, schema);
    default:
      return { code: 'invalid-value', path, value: error.data, ...explainValue(error, path, document) };
  }
}

function unknownField(path: FieldPath, name: string, schema: JsonSchema): SchemaFault {
  const known = Object.keys(schema.properties ?? {});
  const near = suggest(name, known) ?? onlyOneThatBegins(name, known);
  const where = path.length === 0 ? 'the manifest' : fieldName(path);
  return {
    code: 'unknown-field',
    path: [...path, name],
    part: 'key',
    message: `${where} has no field ${name}`,
    hint: near
      ? `Did you mean ${near}?`
      : (misplaced(path, name, schema) ?? `Known fields: ${known.join(', ')}`),
    ...(near && { meant: near }),
  };
}

function onlyOneThatBegins(start: string, names: readonly string[]): string | undefined {
  const found = names.filter((name) => name.startsWith(start));
  return start.length >= MIN_START && found.length === 1 ? found[0] : undefined;
}

const MIN_START = 4;

/** A field at the top of a manifest that belongs one level below. */
function misplaced(path: FieldPath, name: string, schema: JsonSchema): string | undefined {
  if (path.length > 0) return undefined;
  const home = ['metadata', 'spec'].find((key) =>
    Object.hasOwn(resolveReference(schema.properties?.[key] ?? {}).properties ?? {}, name),
  );
  return home && `Move it below ${home}`;
}

function missingField(path: FieldPath, name: string, schema: JsonSchema): Fault {
  const description = resolveReference(schema.properties?.[name] ?? {}).description;
  return {
    code: 'missing-field',
    path: [...path, name],
    part: 'key',
    message: `${fieldName([...path, name])} is missing`,
    hint: description ? `Add it: ${withoutPeriod(description)}` : 'Add it',
  };
}

function badKey(path: FieldPath, key: string, schema: JsonSchema): Fault {
  return {
    code: 'invalid-value',
    path: [...path, key],
    part: 'key',
    value: key,
    message: `${fieldName(path)} cannot have the key ${key}`,
    ...rule(schema),
  };
}

function notExactlyOne(path: FieldPath, data: unknown, schema: JsonSchema): Fault {
  const given = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  return {
    code: 'invalid-value',
    path,
    part: 'key',
    message: `${fieldName(path)} has ${given.length === 0 ? 'no field' : given.join(' and ')}, and takes exactly one`,
    hint: `Give one of ${Object.keys(schema.properties ?? {}).join(', ')}`,
  };
}

interface Explanation {
  readonly message: string;
  readonly hint?: string;
  readonly offset?: number;
}

function explainValue(error: SchemaError, path: FieldPath, document: ManifestDocument): Explanation {
  const name = fieldName(path);
  const schema: JsonSchema = error.parentSchema ?? {};
  const limit = String(error.params.limit);
  switch (error.keyword) {
    case 'type':
      return wrongType(error, path, document);
    case 'enum':
      return notInEnum(name, error.data, schema.enum ?? []);
    case 'format':
      return wrongFormat(name, String(error.data), schema);
    case 'minimum':
      return { message: `${name} is less than ${limit}`, ...rule(schema) };
    case 'maximum':
      return { message: `${name} is more than ${limit}`, ...rule(schema) };
    case 'maxLength':
      return { message: `${name} is longer than ${limit} characters`, hint: 'Shorten it' };
    case 'minItems':
      return { message: `${name} is empty`, hint: 'List at least one, or take the field away' };
    case 'uniqueItems':
      return twice(error, name);
    case 'pattern':
      return { message: `${name} does not have the form that it must have`, ...rule(schema) };
    default:
      return { message: `${name} has none of the forms that it may have`, ...rule(schema) };
  }
}

function twice(error: SchemaError, name: string): Explanation {
  const items: readonly unknown[] = Array.isArray(error.data) ? error.data : [];
  return {
    message: `${name} lists ${String(items[Number(error.params.i)])} twice`,
    hint: 'Keep one of them',
  };
}

function wrongType(error: SchemaError, path: FieldPath, document: ManifestDocument): Explanation {
  const wanted = String(error.params.type);
  const message = `${fieldName(path)} must be ${TYPE_NAMES[wanted] ?? wanted}, and is ${typeName(error.data)}`;
  if (error.data === null) {
    const nothing = wanted === 'array' ? '[] for an empty list' : wanted === 'object' ? '{}' : 'a value';
    return { message, hint: `Write ${nothing}, or take the field away` };
  }
  if (wanted === 'string') {
    const written = locate(document, writtenPath(document, path), 'value').written;
    const schema: JsonSchema = error.parentSchema ?? {};
    // Quotes alone would not do: 10 is to be 10s.
    const isFit = schema.pattern === undefined || new RegExp(schema.pattern).test(written ?? '');
    if (written !== undefined && !isFit) return { message, ...rule(schema) };
    if (written !== undefined) return { message, hint: `Quote it: '${written}'` };
    return { message, hint: 'Quote the text if it holds a colon, a brace or a bracket' };
  }
  if (wanted === 'array') return { message, hint: 'Write a list: one item on each line, after a dash' };
  if (wanted === 'boolean') return { message, hint: 'Write true or false, without quotes' };
  if (typeof error.data === 'number') return { message, hint: 'Write it without a fraction' };
  if (wanted === 'integer' || wanted === 'number') return { message, hint: 'Write a number, without quotes' };
  const { properties = {} }: JsonSchema = error.parentSchema ?? {};
  const fields = Object.keys(properties).slice(0, SHOWN_FIELDS);
  return {
    message,
    hint: fields.length > 0 ? `Write a map with fields such as ${fields.join(', ')}` : 'Write a map',
  };
}

const SHOWN_FIELDS = 5;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};

function typeName(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'boolean' || typeof value === 'number') return `the ${typeof value} ${value}`;
  return TYPE_NAMES[typeof value] ?? typeof value;
}

function notInEnum(name: string, data: unknown, allowed: readonly unknown[]): Explanation {
  const list = allowed.map(String);
  const near = typeof data === 'string' ? suggest(data, list) : undefined;
  return {
    message: `${name} must be ${list.length === 1 ? list[0] : `one of ${list.join(', ')}`}`,
    hint: near ? `Did you mean ${near}?` : `Write ${list.length === 1 ? list[0] : 'one of them'}`,
  };
}

function wrongFormat(name: string, data: string, schema: JsonSchema): Explanation {
  const fault = FORMATS[schema.format ?? '']?.explain(data);
  if (!fault) return { message: `${name} does not have the form that it must have`, ...rule(schema) };
  return {
    message: `${name}: ${fault.message}`,
    hint: fault.hint,
    ...(fault.offset !== undefined && { offset: fault.offset }),
  };
}

/** What the schema says of the field, as a hint. */
function rule(schema: JsonSchema): { hint?: string } {
  return schema.description ? { hint: withoutPeriod(schema.description) } : {};
}

function withoutPeriod(text: string): string {
  return text.replace(/\.$/, '');
}

/** ajv writes paths as JSON pointers; steps into lists become numbers again. */
function pathOf(pointer: string, document: unknown): FieldPath {
  const path: (string | number)[] = [];
  let value = document;
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(key) : key);
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  return path;
}
