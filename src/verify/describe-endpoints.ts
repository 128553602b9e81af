/**
 * Endpoints in words, as one would pick them in a manifest: a label that they share and nobody else has, two labels,
 * a few values of one label, everybody but a few. Where no short selector picks exactly them, they are told by labels
 * that only some of them have, and the rest by name.
 */
import type { EndpointIndex } from './endpoint-index.js';
import type { Endpoint } from './network.js';

export interface EndpointsText {
  readonly text: string;
  /** The text picks exactly these, written into a manifest. */
  readonly selector?: string;
}

/** One label and its value. */
interface Condition {
  readonly key: string;
  readonly value: string;
  readonly text: string;
}

function conditionsOf({ labels }: Endpoint): readonly Condition[] {
  return Object.entries(labels).map(([key, value]) => conditionOf(key, value));
}

function conditionOf(key: string, value: string): Condition {
  return { key, value, text: `${key} == ${quote(value)}` };
}

function having({ key, value }: Condition, index: EndpointIndex): readonly Endpoint[] {
  return index.having(key, value);
}

/** Label values never hold both kinds of quotes. */
function quote(value: string): string {
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}

export function describeEndpoints(members: readonly Endpoint[], index: EndpointIndex): EndpointsText {
  if (members.length === index.all.length && members.length > 1)
    return { text: 'all endpoints', selector: 'all()' };
  if (members.length === 1) return { text: namesOf(members) };
  const only = onlyCondition(members, index);
  if (only) return { text: only.text, selector: only.text };
  const shared = sharedConditions(members, index);
  const selector =
    twoConditions(members, shared, index) ??
    valuesOfOneLabel(members, index.all) ??
    withinShared(members, shared, index) ??
    allButOneLabel(members, index);
  if (selector !== undefined) return { text: selector, selector };
  return { text: allButNames(members, index) ?? coveringText(members, index) };
}

/** The shortest condition that all members meet and nobody else. */
function onlyCondition(members: readonly Endpoint[], index: EndpointIndex): Condition | undefined {
  const [only] = commonConditions(members)
    .filter(({ key, value }) => index.count(key, value, members.length) === members.length)
    .sort((a, b) => compareTexts(a.text, b.text));
  return only;
}

/** Conditions that all members meet, the one that fewest others meet first. */
function sharedConditions(members: readonly Endpoint[], index: EndpointIndex): readonly Condition[] {
  return commonConditions(members)
    .map((condition) => ({ condition, size: index.count(condition.key, condition.value) }))
    .sort((a, b) => a.size - b.size || compareTexts(a.condition.text, b.condition.text))
    .map(({ condition }) => condition);
}

function commonConditions([first, ...others]: readonly Endpoint[]): readonly Condition[] {
  if (!first) return [];
  const { labels } = first;
  const isShared = (key: string) =>
    others.every((other) => Object.hasOwn(other.labels, key) && other.labels[key] === labels[key]);
  return Object.keys(labels)
    .filter(isShared)
    .map((key) => conditionOf(key, labels[key] ?? ''));
}

/** The shortest first. */
function compareTexts(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

const CONDITIONS_TRIED = 8;

function twoConditions(
  members: readonly Endpoint[],
  shared: readonly Condition[],
  index: EndpointIndex,
): string | undefined {
  const tried = shared.slice(0, CONDITIONS_TRIED);
  for (const [position, first] of tried.entries()) {
    const havingFirst = having(first, index);
    for (const { key, value, text } of tried.slice(position + 1)) {
      const both = havingFirst.filter(({ labels }) => Object.hasOwn(labels, key) && labels[key] === value);
      if (both.length === members.length) return `${first.text} && ${text}`;
    }
  }
  return undefined;
}

const MAX_VALUES = 4;

/** `app in {'api', 'web'}`, among all of which it is to pick the members. */
function valuesOfOneLabel(members: readonly Endpoint[], all: readonly Endpoint[]): string | undefined {
  for (const key of Object.keys(members[0]?.labels ?? {}).sort()) {
    const values = new Set<string | undefined>();
    for (const { labels } of members) {
      values.add(Object.hasOwn(labels, key) ? labels[key] : undefined);
      if (values.size > MAX_VALUES) break;
    }
    if (values.size > MAX_VALUES || values.has(undefined)) continue;
    const picked = all.filter(({ labels }) => Object.hasOwn(labels, key) && values.has(labels[key]));
    if (picked.length !== members.length) continue;
    const known = [...values].flatMap((value) => value ?? []).sort();
    return known.length === 1
      ? `${key} == ${quote(known[0] ?? '')}`
      : `${key} in {${known.map(quote).join(', ')}}`;
  }
  return undefined;
}

/** `env == 'prod' && app in {'api', 'web'}`. */
function withinShared(
  members: readonly Endpoint[],
  shared: readonly Condition[],
  index: EndpointIndex,
): string | undefined {
  for (const condition of shared.slice(0, CONDITIONS_TRIED)) {
    const narrower = valuesOfOneLabel(members, having(condition, index));
    if (narrower !== undefined) return `${condition.text} && ${narrower}`;
  }
  return undefined;
}

/** `role != 'db'`: true of those without the label as well. */
function allButOneLabel(members: readonly Endpoint[], index: EndpointIndex): string | undefined {
  const others = restOf(members, index);
  // Of a few one says who they are, not who they are not.
  if (others.length > members.length) return undefined;
  return onlyCondition(others, index)?.text.replace(' == ', ' != ');
}

const NAMES_SHOWN = 3;

function allButNames(members: readonly Endpoint[], index: EndpointIndex): string | undefined {
  const others = restOf(members, index);
  if (others.length > NAMES_SHOWN || others.length * 2 > members.length) return undefined;
  return `all endpoints but ${namesOf(others)}`;
}

function restOf(members: readonly Endpoint[], index: EndpointIndex): readonly Endpoint[] {
  const inside = new Set(members);
  return index.all.filter((endpoint) => !inside.has(endpoint));
}

/** What only some of the members have, and nobody else has, until few are left to be named. */
function coveringText(members: readonly Endpoint[], index: EndpointIndex): string {
  const left = new Set(members);
  const chosen: string[] = [];
  for (const condition of ownConditions(members, index)) {
    if (chosen.length === MAX_VALUES) break;
    const news = having(condition, index).filter((endpoint) => left.has(endpoint));
    if (news.length < 2) continue;
    chosen.push(condition.text);
    for (const endpoint of news) left.delete(endpoint);
  }
  if (chosen.length === 0) return namesOf(members);
  const rest = left.size > 0 ? [namesOf([...left])] : [];
  return [chosen.join(' or '), ...rest].join(', ');
}

/** Conditions that only members meet, those of most members first. */
function ownConditions(members: readonly Endpoint[], index: EndpointIndex): readonly Condition[] {
  const counts = new Map<string, { readonly condition: Condition; count: number }>();
  for (const condition of members.flatMap(conditionsOf)) {
    const known = counts.get(condition.text);
    if (known) known.count += 1;
    else counts.set(condition.text, { condition, count: 1 });
  }
  return [...counts.values()]
    .filter(({ condition, count }) => count > 1 && having(condition, index).length === count)
    .sort((a, b) => b.count - a.count || compareTexts(a.condition.text, b.condition.text))
    .map(({ condition }) => condition);
}

function namesOf(members: readonly { readonly name: string }[]): string {
  return listOf(members.map(({ name }) => name).sort());
}

/** The first three, and how many more. */
export function listOf(texts: readonly string[]): string {
  const shown = texts.slice(0, NAMES_SHOWN).join(', ');
  return texts.length > NAMES_SHOWN ? `${shown} and ${texts.length - NAMES_SHOWN} more` : shown;
}
