/**
 * A Resource as a manifest again, for people: what `heddle get` prints of one object.
 */
import { stringify } from 'yaml';
import type { Resource } from '../model/resource.js';

export function formatManifest({ kind, metadata, spec }: Resource): string {
  const { name, labels, annotations } = metadata;
  const shown = {
    name,
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  return stringify({ apiVersion: 'heddle/v1', kind, metadata: shown, spec }, { lineWidth: 0 });
}
