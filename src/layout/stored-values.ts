/**
 * The keys of one object while it is being decoded, and the resource that comes of them.
 *
 * What is decoded has no manifest, so its origin names the key instead, with line 0.
 */
import type { Kind, Metadata, ResourceOf, SpecOf } from '../model/resource.js';
import { LayoutError } from './layout.js';

/** Paths below the root, and their values; all of one object. */
export type StoredValues = ReadonlyMap<string, string>;

export interface StoredValue {
  readonly path: string;
  readonly text: string;
}

/** The value whose path ends so. */
export function valueEnding(values: StoredValues, ending: string): StoredValue | undefined {
  for (const [path, text] of values) if (path.endsWith(ending)) return { path, text };
  return undefined;
}

/** The first value of all. @throws {TypeError} when there is none: an object has at least one key. */
export function firstValue(values: StoredValues): StoredValue {
  for (const [path, text] of values) return { path, text };
  throw new TypeError('An object of the store has at least one key');
}

/** A value that is no JSON but bare text. @throws {LayoutError} when `parse` knows no such text. */
export function rawValue<T>(stored: StoredValue, parse: (text: string) => T | undefined, what: string): T {
  const value = parse(stored.text.trim());
  if (value !== undefined) return value;
  throw new LayoutError(stored.path, stored.text, `expected ${what}, found ${JSON.stringify(stored.text)}`);
}

export function storedResource<K extends Kind>(
  kind: K,
  metadata: { readonly name: string; readonly labels?: Metadata['labels'] | undefined },
  spec: SpecOf<K>,
  values: StoredValues,
): ResourceOf<K> {
  return {
    kind,
    metadata: { name: metadata.name, labels: metadata.labels ?? {}, annotations: {} },
    spec,
    origin: { file: firstValue(values).path, line: 0, col: 0 },
  };
}

/** Members in the order of their names, so that a manifest's order does not show in the store. */
export function sortedMap(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same, or undefined when there is nothing to write. */
export function sortedMapUnlessEmpty(
  map: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  return Object.keys(map).length === 0 ? undefined : sortedMap(map);
}
