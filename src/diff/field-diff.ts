/**
 * What differs between two specs, field by field.
 *
 * Lists of equal length are compared by position, others by content: one rule put in front of forty is one line
 * and not forty. Secrets are references in every manifest, yet a store may hold a literal one that somebody
 * else wrote; its text is replaced here, before any renderer sees it.
 */
import type { FieldDiff } from './plan-types.js';

const REDACTED = '<redacted>';

const SECRET_FIELD = /password|secret|token/i;

/** Compares two JSON-like values. `root` is the path of the values themselves, `spec` for example, or ''. */
export function diffFields(before: unknown, after: unknown, root = ''): FieldDiff[] {
  if (sameValue(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(before, after, root);
  if (isMap(before) && isMap(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) =>
      diffNamed(name, own(before, name), own(after, name), joinPath(root, name)),
    );
  }
  return [fieldDiff(root, before, after)];
}

/** Every field of a value as if it had just appeared (or, with `side` before, gone). */
export function listFields(value: unknown, root: string, side: 'before' | 'after'): FieldDiff[] {
  if (!isMap(value)) return [{ path: root, [side]: redact(value) }];
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => ({ path: joinPath(root, name), [side]: redactNamed(name, field) }));
}

function diffNamed(name: string, before: unknown, after: unknown, path: string): FieldDiff[] {
  if (sameValue(before, after)) return [];
  if (SECRET_FIELD.test(name) && (typeof before === 'string' || typeof after === 'string')) {
    return [fieldDiff(path, redactNamed(name, before), redactNamed(name, after))];
  }
  return diffFields(before, after, path);
}

function diffLists(before: readonly unknown[], after: readonly unknown[], root: string): FieldDiff[] {
  if (before.length === after.length) {
    return before.flatMap((item, index) => diffFields(item, after[index], `${root}[${index}]`));
  }
  const kept = commonItems(before, after);
  return [
    ...missingItems(before, kept).map(({ item, index }) => fieldDiff(`${root}[${index}]`, item, undefined)),
    ...missingItems(after, kept).map(({ item, index }) => fieldDiff(`${root}[${index}]`, undefined, item)),
  ];
}

/** How often each item, by content, occurs on both sides. */
function commonItems(before: readonly unknown[], after: readonly unknown[]): ReadonlyMap<string, number> {
  const counts = countItems(after);
  return new Map(
    [...countItems(before)].map(([text, count]) => [text, Math.min(count, counts.get(text) ?? 0)]),
  );
}

function countItems(items: readonly unknown[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) {
    const text = canonicalText(item);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

function missingItems(items: readonly unknown[], kept: ReadonlyMap<string, number>) {
  const left = new Map(kept);
  return items
    .map((item, index) => ({ item, index }))
    .filter(({ item }) => {
      const text = canonicalText(item);
      const count = left.get(text) ?? 0;
      left.set(text, count - 1);
      return count <= 0;
    });
}

function fieldDiff(path: string, before: unknown, after: unknown): FieldDiff {
  return {
    path,
    ...(before !== undefined && { before: redact(before) }),
    ...(after !== undefined && { after: redact(after) }),
  };
}

function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, redactNamed(name, field)]));
}

function redactNamed(name: string, value: unknown): unknown {
  return SECRET_FIELD.test(name) && typeof value === 'string' ? REDACTED : redact(value);
}

function sameValue(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || (typeof a === 'object' && canonicalText(a) === canonicalText(b));
}

/** JSON with sorted names, so that equal values have equal text. */
function canonicalText(value: unknown): string {
  return (
    JSON.stringify(value, (_name, field: unknown) =>
      isMap(field) ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1))) : field,
    ) ?? ''
  );
}

/** `spec.ingress`; names that are no plain words are quoted: `metadata.labels["example.org/zone"]`. */
function joinPath(root: string, name: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(name)) return `${root}[${JSON.stringify(name)}]`;
  return root === '' ? name : `${root}.${name}`;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(map: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
