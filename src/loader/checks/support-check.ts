/**
 * Refuses what no agent enforces yet (law 5): a manifest that would be accepted and then not acted upon is worse
 * than an error. The list is model/support.ts.
 */
import type { Resource } from '../../model/resource.js';
import { UNSUPPORTED_KINDS, unsupportedValues } from '../../model/support.js';
import type { Fault } from '../report.js';

/** One fault for the kind, or one for each field. */
export function checkSupport(resource: Resource): Fault[] {
  const { kind } = resource;
  if (UNSUPPORTED_KINDS.has(kind))
    return [
      {
        code: 'not-supported-yet',
        path: ['kind'],
        value: kind,
        message: `${kind} is not supported yet: no agent enforces it`,
        hint: 'Take the resource out until it is',
      },
    ];
  return unsupportedValues(resource).map(({ field, path, value }) => {
    const allowed = (field.except ?? []).map((one) => JSON.stringify(one)).join(' or ');
    return {
      code: 'not-supported-yet',
      path: ['spec', ...path],
      value,
      message: `${kind} spec.${path.join('.')} is not supported yet: no agent enforces it`,
      hint: allowed ? `Take the field out, or write ${allowed}` : 'Take the field out',
    };
  });
}
