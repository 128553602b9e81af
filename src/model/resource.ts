/**
 * Resources: what a manifest means once it has been read, checked and filled with defaults.
 *
 * Spec types come from schemas/ (specs.generated.ts). A Resource keeps its origin, so that whatever is said of
 * it later, in a plan or in a status, can name the line that a person has to change.
 */
import type { Brand, DeepReadonly } from './brand.js';
import type { Direction } from './rule.js';
import type { SpecByKind } from './specs.generated.js';

/** Where something was written: file below the root of the source, line and column from 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

/** Where the rules of each direction were written, in their order. */
export type RuleOrigins = Readonly<Partial<Record<Direction, readonly Origin[]>>>;

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
  /**
   * Only from manifests: the store does not keep it. No part of what the resource says, like `origin`: plans compare
   * metadata and spec.
   */
  readonly ruleOrigins?: RuleOrigins;
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

/** The place of a rule, from 1; of the whole document where that of the rule is not known. */
export function originOfRule(
  { origin, ruleOrigins }: Pick<Resource, 'origin' | 'ruleOrigins'>,
  direction: Direction,
  rule: number,
): Origin {
  return ruleOrigins?.[direction]?.[rule - 1] ?? origin;
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
