/**
 * What an endpoint is known by: the labels and tags that selectors and rules look at.
 *
 * An endpoint has its own labels and those that its profiles apply. Its own win; among profiles the one that the
 * endpoint names first. A profile that does not exist gives nothing.
 */
import type { Labels } from '../model/selector/evaluate.js';
import type { Profile } from './policy.js';

/** @param profiles - the profiles of the endpoint that exist, in its order. */
export function endpointLabels(own: Labels, profiles: readonly Profile[]): Labels {
  return Object.assign(emptyLabels(), ...profiles.map((profile) => profile.labels).reverse(), own);
}

/** Every tag that one of the profiles gives. */
export function endpointTags(profiles: readonly Profile[]): ReadonlySet<string> {
  const tags = profiles.flatMap((profile) => profile.tags);
  return tags.length === 0 ? NO_TAGS : new Set(tags);
}

const NO_TAGS: ReadonlySet<string> = new Set();

/** Without a prototype, so that `__proto__` is a label like any other. */
function emptyLabels(): Record<string, string> {
  return Object.create(null);
}
