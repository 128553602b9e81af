/**
 * What is allowed and probably not meant: the registry of checks. Adding a check is one file and one line here.
 *
 * Findings are warnings, so a check never guesses: it speaks only of what is certain of these resources. Checks of
 * one resource by itself hold whatever else there is; those of the network are asked when all of it could be read.
 */
import type { Finding } from '../../model/diagnostic.js';
import type { Resource } from '../../model/resource.js';
import { networkFrom } from '../network.js';
import { checkEndpoints } from './endpoint-without-policy.js';
import type { LintContext, LintedResources } from './lint-context.js';
import { checkShadows } from './shadowed-rule.js';
import { checkMatchable } from './unmatchable-rule.js';
import { checkPeers } from './unmatched-peer.js';
import { checkSelectors } from './unmatched-selector.js';
import { checkProfiles } from './unused-profile.js';

const RESOURCE_CHECKS: readonly ((resources: LintedResources) => Iterable<Finding>)[] = [
  checkMatchable,
  checkShadows,
];
const NETWORK_CHECKS: readonly ((context: LintContext) => Iterable<Finding>)[] = [
  checkSelectors,
  checkEndpoints,
  checkProfiles,
  checkPeers,
];

/** More findings of one check than this say no more than that there are many. */
const MAX_FINDINGS = 100;

export interface LintOptions {
  /** False when some resources are missing, because they could not be read. */
  readonly isWhole: boolean;
}

export function lint(resources: Iterable<Resource>, { isWhole }: LintOptions): readonly Finding[] {
  const linted: LintedResources = { resources: [...resources] };
  const found = RESOURCE_CHECKS.flatMap((check) => atMost(check(linted)));
  if (!isWhole) return found;
  const context: LintContext = { ...linted, network: networkFrom(linted.resources) };
  return [...found, ...NETWORK_CHECKS.flatMap((check) => atMost(check(context)))];
}

function atMost(findings: Iterable<Finding>): Finding[] {
  const kept: Finding[] = [];
  for (const finding of findings) {
    const last = kept.at(-1);
    if (last && kept.length === MAX_FINDINGS) {
      const message = `${last.message}; and there are more such places than these ${MAX_FINDINGS}`;
      return [...kept.slice(0, -1), { ...last, message }];
    }
    kept.push(finding);
  }
  return kept;
}
