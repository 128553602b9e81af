/**
 * Selectors, tags and names that match nothing, where something else has nearly the same label, value or name.
 *
 * Matching nothing is no mistake by itself: a network grows. A near miss is. A ConnectivityTest needs none, because a
 * test that matches nothing fails.
 */
import type { Finding } from '../../model/diagnostic.js';
import { idOf, type ResourceId, resourcesOf } from '../../model/resource.js';
import { labelKeys, type SelectorNode } from '../../model/selector/ast.js';
import { type SelectorText, selectorAst } from '../../model/selector/selector.js';
import { suggest } from '../../model/suggest.js';
import { type LabelGroups, labelGroups } from '../classes/label-groups.js';
import { type LintContext, ruleEnds } from './lint-context.js';
import { type KnownLabels, knownLabels, nearMiss } from './near-miss.js';
import { picksNothing } from './selector-logic.js';

export function* checkSelectors(context: LintContext): Generator<Finding, void> {
  const uses = [...selectorUses(context)];
  const picking = whoIsPicked(context, uses);
  for (const use of uses) {
    const { text, scope } = use;
    const node = selectorAst(text);
    if (picking[scope].groups.some((groups) => groups.pickedBy(node).length > 0)) continue;
    const near = nearMiss(node, picking[scope].labels);
    // Of a rule whose selector contradicts itself, unmatchable-rule.ts speaks.
    if (scope === 'endpoints' && picksNothing(node)) yield contradictionFinding(use);
    else if (near || use.mustMatch) yield selectorFinding(use, near);
  }
  yield* checkTags(context);
  yield* checkTestNames(context);
}

/** Of what a selector picks: endpoints only, or network sets too. */
type Scope = 'endpoints' | 'members';

interface SelectorUse {
  readonly resource: ResourceId;
  readonly path: readonly (string | number)[];
  readonly text: SelectorText;
  readonly scope: Scope;
  readonly mustMatch: boolean;
}

function* selectorUses(context: LintContext): Generator<SelectorUse, void> {
  for (const policy of resourcesOf(context.resources, 'GlobalNetworkPolicy')) {
    const text = policy.spec.selector;
    const path = ['spec', 'selector'];
    if (text !== undefined)
      yield { resource: idOf(policy), path, text, scope: 'endpoints', mustMatch: false };
  }
  for (const { resource, path, match } of ruleEnds(context))
    for (const field of ['selector', 'notSelector'] as const) {
      const text = match[field];
      if (text !== undefined)
        yield { resource, path: [...path, field], text, scope: 'members', mustMatch: false };
    }
  for (const test of resourcesOf(context.resources, 'ConnectivityTest'))
    for (const side of ['from', 'to'] as const) {
      const text = test.spec[side].selector;
      const path = ['spec', side, 'selector'];
      if (text !== undefined) yield { resource: idOf(test), path, text, scope: 'endpoints', mustMatch: true };
    }
}

interface Picked {
  readonly groups: readonly LabelGroups[];
  readonly labels: KnownLabels;
}

function whoIsPicked(
  { network }: LintContext,
  uses: readonly SelectorUse[],
): Readonly<Record<Scope, Picked>> {
  const { endpoints, networkSets } = network;
  const nodes: ReadonlySet<SelectorNode> = new Set(uses.map(({ text }) => selectorAst(text)));
  const keys = new Set([...nodes].flatMap((node) => [...labelKeys(node)]));
  const ofEndpoints = labelGroups(endpoints, nodes, new Set());
  const ofSets = labelGroups(networkSets, nodes, new Set());
  return {
    endpoints: { groups: [ofEndpoints], labels: knownLabels(endpoints, keys) },
    members: { groups: [ofEndpoints, ofSets], labels: knownLabels([...endpoints, ...networkSets], keys) },
  };
}

function selectorFinding(
  { resource, path, text, scope, mustMatch }: SelectorUse,
  near: string | undefined,
): Finding {
  const who = scope === 'endpoints' ? 'no endpoint' : 'no endpoint and no network set';
  return {
    code: 'unmatched-selector',
    resource,
    path,
    value: text,
    message: `the selector picks ${who}${mustMatch ? ', and a test that matches nothing fails' : ''}`,
    hint: near ?? 'Correct the selector, or give the label to an endpoint',
  };
}

function contradictionFinding({ resource, path, text }: SelectorUse): Finding {
  return {
    code: 'unmatched-selector',
    resource,
    path,
    value: text,
    message: `the conditions of ${text} contradict each other: it can pick nothing`,
    hint: 'Write || between them if one is enough, or correct them',
  };
}

function* checkTags(context: LintContext): Generator<Finding, void> {
  const tags = new Set([...context.network.profiles.values()].flatMap((profile) => profile.tags));
  for (const { resource, path, match } of ruleEnds(context))
    for (const field of ['tag', 'notTag'] as const) {
      const tag = match[field];
      const near = tag === undefined || tags.has(tag) ? undefined : suggest(tag, tags);
      if (near === undefined) continue;
      yield {
        code: 'unmatched-selector',
        resource,
        path: [...path, field],
        value: tag,
        message: `no profile gives the tag ${tag}`,
        hint: `Did you mean ${near}?`,
      };
    }
}

/** The sides of tests that name somebody. */
function* checkTestNames({ resources, network }: LintContext): Generator<Finding, void> {
  const names = {
    endpoint: new Set(network.endpoints.map(({ name }) => name)),
    node: new Set(network.hosts.map(({ name }) => name)),
  };
  for (const test of resourcesOf(resources, 'ConnectivityTest'))
    for (const side of ['from', 'to'] as const)
      for (const field of ['endpoint', 'node'] as const) {
        const name = test.spec[side][field];
        if (name === undefined || names[field].has(name)) continue;
        const near = suggest(name, names[field]);
        yield {
          code: 'unmatched-selector',
          resource: idOf(test),
          path: ['spec', side, field],
          value: name,
          message: `there is no ${field} ${name}, and a test that matches nothing fails`,
          hint: near
            ? `Did you mean ${near}?`
            : `Write the name of ${field === 'node' ? 'a Node' : 'an endpoint'}`,
        };
      }
}
