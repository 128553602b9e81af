/**
 * Resources: what a manifest means once it has been read, checked and filled with defaults.
 *
 * Spec types come from schemas/ (specs.generated.ts). A Resource keeps its origin, so that whatever is said of
 * it later, in a plan or in a status, can name the line that a person has to change.
 */
import type { Brand, DeepReadonly } from './brand.js';
import type { SpecByKind } from './specs.generated.js';

/** Where something was written: file below the root of the source, line and column from 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

export interface Metadata {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export type Kind = keyof SpecByKind;
export type SpecOf<K extends Kind> = DeepReadonly<SpecByKind[K]>;

export interface ResourceOf<K extends Kind> {
  readonly kind: K;
  readonly metadata: Metadata;
  readonly spec: SpecOf<K>;
  readonly origin: Origin;
}
/** Any resource; `switch (resource.kind)` narrows it. */
export type Resource = { [K in Kind]: ResourceOf<K> }[Kind];

/** `Kind/name`, as people write it. */
export type ResourceId = Brand<string, 'ResourceId'>;

export function resourceId(kind: Kind, name: string): ResourceId {
  return `${kind}/${name}` as ResourceId;
}

export function idOf(resource: Pick<Resource, 'kind' | 'metadata'>): ResourceId {
  return resourceId(resource.kind, resource.metadata.name);
}

/** Splits `Kind/name`; the name may hold slashes when it came from a key. */
export function splitResourceId(id: ResourceId): { readonly kind: Kind; readonly name: string } {
  const slash = id.indexOf('/');
  return { kind: id.slice(0, slash) as Kind, name: id.slice(slash + 1) };
}

/** Everything that one commit of one source asks for. */
export type DesiredState = ReadonlyMap<ResourceId, Resource>;

/** The resources of one kind, in the order of the map. */
export function resourcesOf<K extends Kind>(state: Iterable<Resource>, kind: K): ResourceOf<K>[] {
  const found: ResourceOf<K>[] = [];
  for (const resource of state) if (resource.kind === kind) found.push(resource as ResourceOf<K>);
  return found;
}
