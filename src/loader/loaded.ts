/**
 * Resources together with the text that they came from, as the checks across resources see them.
 */
import type { Kind, Resource, ResourceId, ResourceOf } from '../model/resource.js';
import { idOf, resourceId } from '../model/resource.js';
import { isTouched } from './check-shape.js';
import type { FieldPath } from './field-path.js';
import type { ManifestDocument } from './yaml-documents.js';

export interface Loaded<R = Resource> {
  readonly resource: R;
  readonly document: ManifestDocument;
  /** Fields that stand for something unreadable: nothing may be concluded from them. */
  readonly touched: readonly FieldPath[];
}

export interface LoadedSet {
  /** Everything whose form could be understood; of duplicates, the first. */
  readonly resources: readonly Loaded[];
  /** Also what could not: it exists, and may be referred to. */
  readonly declared: ReadonlySet<ResourceId>;
  /** Kinds of which a document has no readable name: any name may be its own. */
  readonly unnamed: ReadonlySet<Kind>;
  /** Words of what could not be read at all: a name among them may be declared there. */
  readonly unread: ReadonlySet<string>;
}

/** True when each of the fields says what was meant. */
export function isSound({ touched }: Loaded, ...paths: readonly FieldPath[]): boolean {
  return paths.every((path) => !isTouched(touched, path));
}

/** False when a resource of this name may be declared by something that could not be read. */
export function isMissing(set: LoadedSet, kind: Kind, name: string): boolean {
  return !set.declared.has(resourceId(kind, name)) && !set.unnamed.has(kind) && !set.unread.has(name);
}

/** The loaded resources of one kind. */
export function loadedOf<K extends Kind>(set: LoadedSet, kind: K): Loaded<ResourceOf<K>>[] {
  return set.resources.filter(({ resource }) => resource.kind === kind) as Loaded<ResourceOf<K>>[];
}

/** `Kind/name (file:line)`. */
export function whereIs({ resource }: { readonly resource: Resource }): string {
  return `${idOf(resource)} (${resource.origin.file}:${resource.origin.line})`;
}
