/**
 * Finds in an object what this agent does not enforce yet (model/support.ts). PURE.
 *
 * The loader refuses the same things in manifests; in the store they can still stand, written by another
 * version or by hand, and then the host must say so instead of claiming to be `live` (law 5).
 */
import type { Resource } from '../../model/resource.js';
import { UNSUPPORTED_KINDS, unsupportedValues } from '../../model/support.js';

/** One sentence per unsupported kind or field, joined; undefined when all of the object is enforced. */
export function unsupportedParts(resource: Resource): string | undefined {
  if (UNSUPPORTED_KINDS.has(resource.kind)) return `${resource.kind} is not enforced by this agent yet`;
  const found = unsupportedValues(resource).map(
    ({ path, value }) =>
      `spec.${path.join('.')} = ${JSON.stringify(value)} is not enforced by this agent yet`,
  );
  return found.length === 0 ? undefined : found.join('; ');
}
