/**
 * Profiles that no endpoint names: their rules, tags and labels apply to nobody.
 */
import type { Finding } from '../../model/diagnostic.js';
import { resourceId } from '../../model/resource.js';
import { suggest } from '../../model/suggest.js';
import type { LintContext } from './lint-context.js';

export function* checkProfiles({ network: { endpoints, profiles } }: LintContext): Generator<Finding, void> {
  const named = new Set(endpoints.flatMap((endpoint) => endpoint.profiles));
  const missing = [...named].filter((name) => !profiles.has(name));
  for (const name of profiles.keys()) {
    if (named.has(name)) continue;
    const near = suggest(name, missing);
    yield {
      code: 'unused-profile',
      resource: resourceId('Profile', name),
      path: ['metadata', 'name'],
      value: name,
      message: `no endpoint names the profile ${name}: it applies to nobody`,
      hint: near
        ? `An endpoint names ${near}, which does not exist: is that the one?`
        : 'Name it in spec.profiles of an endpoint, or take it out, unless an orchestrator uses it',
    };
  }
}
