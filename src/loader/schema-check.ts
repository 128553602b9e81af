/**
 * Checks a document against the schema of its kind, and fills in the defaults that the schema names.
 *
 * The kind is known before ajv is asked, so that every error is about the kind that was meant. ajv reports each
 * failed keyword on its own: here they become one fault for each mistake, at the key or value to change.
 */
import { Ajv, type ValidateFunction } from 'ajv';
import type { Kind } from '../model/resource.js';
import { FORMATS } from './formats.js';
import { explainErrors, type SchemaFault } from './schema-errors.js';
import { DEFINITIONS, SCHEMAS } from './schemas.js';
import type { ManifestDocument } from './yaml-documents.js';

/** Faults of a document of this kind, by the schema. Without faults, the value has all fields with defaults. */
export function checkSchema(kind: Kind, document: ManifestDocument): readonly SchemaFault[] {
  const validate = validatorOf(kind);
  if (validate(document.value)) return [];
  return explainErrors(validate.errors ?? [], document);
}

const validators = new Map<Kind, ValidateFunction>();
let ajv: Ajv | undefined;

function validatorOf(kind: Kind): ValidateFunction {
  const known = validators.get(kind);
  if (known) return known;
  ajv ??= makeAjv();
  const validate = ajv.compile(SCHEMAS[kind]);
  validators.set(kind, validate);
  return validate;
}

function makeAjv(): Ajv {
  const instance = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    useDefaults: true,
    logger: false,
  });
  // Read by scripts/generate-types.mjs only.
  instance.addKeyword('tsType');
  for (const [name, format] of Object.entries(FORMATS))
    instance.addFormat(name, (text: string) => format.canonical(text) !== undefined);
  instance.addSchema(DEFINITIONS);
  return instance;
}
