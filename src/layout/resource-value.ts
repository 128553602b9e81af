/**
 * Facts without a home in v1: /heddle/v1/resources/<plural>/<name>, a resource in the form of a manifest.
 *
 * A kind that v1 never had is stored whole; of a kind that v1 had, only what its keys cannot say.
 */
import { KINDS } from '../model/kinds.js';
import type { Kind, Metadata } from '../model/resource.js';
import { canonicalJson } from './canonical-value.js';
import { escapeName } from './escape.js';
import { type Decoder, decodeJson, object, text, textMap } from './json-decoder.js';
import type { StoredValue } from './stored-values.js';

/** What the paths of all resources begin with. */
export const RESOURCES = '/heddle/v1/resources/';

/** The path for a resource of this name. */
export function resourcePath(kind: Kind, name: string): string {
  return `${resourcesPrefix(kind)}${escapeName(name)}`;
}

/** The segment of a path that names the resource, still escaped. */
export function resourceSegment(kind: Kind, path: string): string | undefined {
  const prefix = resourcesPrefix(kind);
  const segment = path.startsWith(prefix) ? path.slice(prefix.length) : '';
  return segment === '' || segment.includes('/') ? undefined : segment;
}

/** Members sorted: the order in which a manifest lists its fields does not show in the store. */
export function encodeResourceValue(
  kind: Kind,
  { name, labels }: Pick<Metadata, 'name' | 'labels'>,
  spec: object,
): string {
  const hasLabels = Object.keys(labels).length > 0;
  return canonicalJson({
    apiVersion: 'heddle/v1',
    kind,
    metadata: { name, ...(hasLabels && { labels }) },
    spec,
  });
}

export interface ResourceValue<S> {
  readonly name: string | undefined;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly spec: S | undefined;
}

export function decodeResourceValue<S>(stored: StoredValue, spec: Decoder<S>): ResourceValue<S> {
  const value = decodeJson(stored.path, stored.text, object({ metadata, spec }));
  return { name: value.metadata?.name, labels: value.metadata?.labels, spec: value.spec };
}

const metadata = object({ name: text, labels: textMap });

/** What the paths of all resources of a kind begin with. */
export function resourcesPrefix(kind: Kind): string {
  return `${RESOURCES}${KINDS[kind].plural}/`;
}
