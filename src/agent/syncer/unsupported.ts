/**
 * Finds in an object what this agent does not enforce yet (model/support.ts), or cannot. PURE.
 *
 * The loader refuses the same things in manifests; in the store they can still stand, written by another
 * version or by hand, and then the host must say so instead of claiming to be `live` (law 5).
 */
import { isCommunity } from '../../model/community.js';
import type { Resource } from '../../model/resource.js';
import { UNSUPPORTED_KINDS, unsupportedValues } from '../../model/support.js';

/** One sentence per unsupported kind or field, joined; undefined when all of the object is enforced. */
export function unsupportedParts(resource: Resource): string | undefined {
  if (UNSUPPORTED_KINDS.has(resource.kind)) return `${resource.kind} is not enforced by this agent yet`;
  const found = unsupportedValues(resource)
    .filter(({ field }) => !field.isHarmless)
    .map(({ field, path, value }) => {
      const effect = field.effect === undefined ? '' : `: ${field.effect}`;
      return `spec.${path.join('.')} = ${JSON.stringify(value)} is not enforced by this agent yet${effect}`;
    });
  found.push(...namesWithoutCommunity(resource));
  return found.length === 0 ? undefined : found.join('; ');
}

function namesWithoutCommunity(resource: Resource): readonly string[] {
  if (resource.kind !== 'BGPConfiguration') return [];
  return (resource.spec.communities ?? [])
    .filter(({ value }) => !isCommunity(value))
    .map(
      ({ name, value }) =>
        `spec.communities: ${name} = ${JSON.stringify(value)} is not a BGP community, and no route is given it: ` +
        'write 65000:100 with parts up to 65535, or 65000:1:2',
    );
}
