/**
 * Refuses what no agent enforces yet (law 5): a manifest that would be accepted and then not acted upon is worse
 * than an error. The list is model/support.ts.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '../../model/resource.js';
import { UNSUPPORTED_FIELDS, UNSUPPORTED_KINDS } from '../../model/support.js';
import type { Fault } from '../report.js';

/** One fault for the kind, or one for each field. */
export function checkSupport(resource: Resource): Fault[] {
  const { kind, spec } = resource;
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
  const faults: Fault[] = [];
  for (const { path, except = [] } of UNSUPPORTED_FIELDS[kind] ?? []) {
    const steps = path.split('.');
    const value = steps.reduce<unknown>(stepInto, spec);
    if (value === undefined || except.some((allowed) => isDeepStrictEqual(allowed, value))) continue;
    const allowed = except.map((one) => JSON.stringify(one)).join(' or ');
    faults.push({
      code: 'not-supported-yet',
      path: ['spec', ...steps],
      value,
      message: `${kind} spec.${path} is not supported yet: no agent enforces it`,
      hint: allowed ? `Take the field out, or write ${allowed}` : 'Take the field out',
    });
  }
  return faults;
}

function stepInto(value: unknown, step: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? Reflect.get(value, step)
    : undefined;
}
