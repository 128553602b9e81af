/**
 * Finds in an object what this agent does not enforce yet (model/support.ts). PURE.
 *
 * The loader refuses the same things in manifests; in the store they can still stand, written by another
 * version or by hand, and then the host must say so instead of claiming to be `live` (law 5).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '../../model/resource.js';
import { UNSUPPORTED_FIELDS, UNSUPPORTED_KINDS, type UnsupportedField } from '../../model/support.js';

/** One sentence per unsupported kind or field, joined; undefined when all of the object is enforced. */
export function unsupportedParts(resource: Resource): string | undefined {
  if (UNSUPPORTED_KINDS.has(resource.kind)) return `${resource.kind} is not enforced by this agent yet`;
  const fields = UNSUPPORTED_FIELDS[resource.kind] ?? [];
  const found = fields.flatMap((field) => describe(resource.spec, field) ?? []);
  return found.length === 0 ? undefined : found.join('; ');
}

function describe(spec: unknown, { path, except = [] }: UnsupportedField): string | undefined {
  const value = valueAt(spec, path);
  if (value === undefined || except.some((off) => isDeepStrictEqual(value, off))) return undefined;
  return `spec.${path} = ${JSON.stringify(value)} is not enforced by this agent yet`;
}

function valueAt(spec: unknown, path: string): unknown {
  let value: unknown = spec;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, part)?.value;
  }
  return value;
}
