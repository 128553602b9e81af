/**
 * How a field of a document is named: by the keys and indexes that lead to it from the top.
 */

/** ['spec', 'ingress', 0, 'action'] */
export type FieldPath = readonly (string | number)[];

/** A path as people write it: spec.ingress[0].action. */
export function fieldName(path: FieldPath): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    return name === '' ? step : `${name}.${step}`;
  }, '');
}

/** RFC 6901. */
export function pointer(path: FieldPath): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
