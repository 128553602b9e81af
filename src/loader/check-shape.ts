/**
 * A document against the schema of its kind, and beyond: what is wrong with its form, and a value that the other
 * checks can look at all the same.
 *
 * Mending may uncover more faults (inside a field whose name was misspelt), so it is done a few times over.
 */
import type { Kind } from '../model/resource.js';
import type { FieldPath } from './field-path.js';
import { type Mended, mend, overlaps } from './mend.js';
import type { Fault } from './report.js';
import { checkSchema } from './schema-check.js';
import { SCHEMAS } from './schemas.js';
import type { ManifestDocument } from './yaml-documents.js';

export interface Shape {
  readonly faults: readonly Fault[];
  /** Follows the schema, defaults included; undefined when too little is left of the document. */
  readonly mended: Mended | undefined;
}

const MAX_ROUNDS = 4;

export function checkShape(kind: Kind, document: ManifestDocument): Shape {
  const faults: Fault[] = [];
  let mended: Mended = { value: document.value, touched: [], renames: new Map() };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { value, renames, touched } = mended;
    const found = checkSchema(kind, { ...document, value, renames });
    if (found.length === 0) return { faults, mended };
    faults.push(...found.filter(({ path }) => !isTouched(touched, path)));
    const next = mend(value, found, SCHEMAS[kind]);
    if (!next) break;
    mended = {
      value: next.value,
      touched: [...touched, ...next.touched],
      renames: new Map([...renames, ...next.renames]),
    };
  }
  return { faults, mended: undefined };
}

/** True when the path leads to a touched field, or to something that holds or is held by one. */
export function isTouched(touched: readonly FieldPath[], path: FieldPath): boolean {
  return touched.some((one) => overlaps(one, path));
}
