/**
 * Resources together with the text that they came from, as the checks across resources see them.
 */
import type { Kind, Resource, ResourceId, ResourceOf } from '../model/resource.js';
import { idOf } from '../model/resource.js';
import type { ManifestDocument } from './yaml-documents.js';

export interface Loaded<R = Resource> {
  readonly resource: R;
  readonly document: ManifestDocument;
}

export interface LoadedSet {
  /** Everything that follows its schema; of duplicates, the first. */
  readonly resources: readonly Loaded[];
  /** Also what does not follow its schema: it exists, and may be referred to. */
  readonly declared: ReadonlySet<ResourceId>;
  /** True when every document could be read: then what is not declared does not exist. */
  readonly complete: boolean;
}

/** The loaded resources of one kind. */
export function loadedOf<K extends Kind>(set: LoadedSet, kind: K): Loaded<ResourceOf<K>>[] {
  return set.resources.filter(({ resource }) => resource.kind === kind) as Loaded<ResourceOf<K>>[];
}

/** `Kind/name (file:line)`. */
export function whereIs({ resource }: { readonly resource: Resource }): string {
  return `${idOf(resource)} (${resource.origin.file}:${resource.origin.line})`;
}
