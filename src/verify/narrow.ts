/**
 * The part of two networks that a small change can touch, so that comparing it costs what the change affects.
 *
 * When two networks share everything but a few policies, only the endpoints that these select can meet another
 * verdict, and only for packets that a rule that came, went or changed can match. So the endpoints that are selected
 * and those that such a rule can be about are compared, with the policies that they have, and all others are left out:
 * between any two of the others, and between one of them and a selected one, nothing changes. Where that would not be
 * few, or not be certain, there is no part.
 */
import { type Address, cidrContains } from '../model/address.js';
import { DIRECTIONS, type Direction, type EntityMatch, type Rule } from '../model/rule.js';
import { matchesSelector } from '../model/selector/evaluate.js';
import { selectorAst } from '../model/selector/selector.js';
import type { Policy } from '../policy/policy.js';
import { LabelValues } from './label-values.js';
import { type Endpoint, type Network, partOf } from './network.js';

export type Networks = readonly [before: Network, after: Network];

/** Changed policies beyond which nobody gains from looking at each. */
const MAX_CHANGED = 100;

/** undefined: nothing is left out. */
export function narrow(networks: Networks): Networks | undefined {
  const [before, after] = networks;
  const changed = shareAllButPolicies(networks) ? changedPolicies(networks) : undefined;
  if (!changed || changed.length > MAX_CHANGED) return undefined;
  const changing = new Set(changed.flatMap(({ versions }) => versions));
  const steady = after.policies.filter((one) => !changing.has(one));
  const touched = new Set<Endpoint>();
  for (const change of changed) if (!addTouched(touched, change, before, steady)) return undefined;
  const endpoints = withNeighbours(touched, before.endpoints);
  if (!endpoints) return undefined;
  const names = new Set(endpoints.flatMap(({ profiles }) => profiles));
  const profiles = new Map([...before.profiles].filter(([name]) => names.has(name)));
  const kept = new Set(relevant([...steady, ...changing], endpoints));
  const part = (network: Network) =>
    partOf(
      network,
      endpoints,
      network.policies.filter((one) => kept.has(one)),
      profiles,
    );
  return [part(before), part(after)];
}

/** The touched, whoever has an address of theirs, and host endpoints; undefined where the first two are not few. */
function withNeighbours(
  touched: ReadonlySet<Endpoint>,
  all: readonly Endpoint[],
): readonly Endpoint[] | undefined {
  const theirs = new Set<Address>();
  for (const { addresses } of touched) for (const address of addresses) theirs.add(address);
  const isTheirs = (address: Address): boolean => theirs.has(address);
  let count = 0;
  const chosen = all.filter(({ kind, addresses }) => {
    const isTouched = addresses.some(isTheirs);
    count += Number(isTouched);
    return isTouched || kind === 'HostEndpoint';
  });
  return count * 2 > all.length ? undefined : chosen;
}

function shareAllButPolicies([before, after]: Networks): boolean {
  return (
    before.endpoints === after.endpoints &&
    before.hosts === after.hosts &&
    before.networkSets === after.networkSets &&
    before.pools === after.pools &&
    before.tiers === after.tiers &&
    before.profiles === after.profiles &&
    before.settingsOf === after.settingsOf
  );
}

interface ChangedPolicy {
  readonly versions: readonly Policy[];
  /** It is in both networks, and only rules differ: it stays where it is, for the same endpoints. */
  readonly isInPlace: boolean;
  /** Those that came, went or changed. */
  readonly rules: readonly DirectedRule[];
}

type DirectedRule = readonly [direction: Direction, rule: Rule];

function changedPolicies([{ policies: before }, { policies: after }]: Networks): readonly ChangedPolicy[] {
  const [start, end] = commonEnds(before, after, (one, other) => one === other);
  const old = new Map(before.slice(start, before.length - end).map((policy) => [policy.name, policy]));
  const changed: ChangedPolicy[] = [];
  for (const policy of after.slice(start, after.length - end)) {
    const known = old.get(policy.name);
    old.delete(policy.name);
    if (known !== policy) changed.push(compare(known, policy));
  }
  return [...changed, ...[...old.values()].map((policy) => compare(policy, undefined))];
}

/** How many items two lists have in common at their beginnings, and at their ends. */
function commonEnds<T>(
  before: readonly T[],
  after: readonly T[],
  isSame: (one: T | undefined, other: T | undefined) => boolean,
): readonly [start: number, end: number] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isSame(before[start], after[start])) start += 1;
  let end = 0;
  while (end < shorter - start && isSame(before.at(-1 - end), after.at(-1 - end))) end += 1;
  return [start, end];
}

function compare(before: Policy | undefined, after: Policy | undefined): ChangedPolicy {
  const versions = [before, after].flatMap((one) => one ?? []);
  const isInPlace = before !== undefined && after !== undefined && frameOf(before) === frameOf(after);
  const rules = DIRECTIONS.flatMap((direction) => {
    const [own = [], others = []] = versions.map((one) => one.rules[direction]);
    const differing = isInPlace ? differingRules(own, others) : [...own, ...others];
    return differing.map((rule): DirectedRule => [direction, rule]);
  });
  return { versions, isInPlace, rules };
}

/** All of a policy but its rules. */
function frameOf({ tier, order, selector, types, judgesConnections }: Policy): string {
  const values = (_: string, value: unknown) => (value instanceof Set ? [...value].sort() : value);
  return JSON.stringify([tier, String(order), selector, types, judgesConnections], values);
}

/** What two lists do not begin and end with alike: a packet that matches none of it fares alike. */
function differingRules(before: readonly Rule[], after: readonly Rule[]): readonly Rule[] {
  const [start, end] = commonEnds(
    before,
    after,
    (one, other) => JSON.stringify(one) === JSON.stringify(other),
  );
  return [...before.slice(start, before.length - end), ...after.slice(start, after.length - end)];
}

/**
 * @param steady - policies that stay as they are.
 * @returns false when it cannot be told who is touched, or everybody is.
 */
function addTouched(
  touched: Set<Endpoint>,
  { versions, isInPlace, rules }: ChangedPolicy,
  network: Network,
  steady: readonly Policy[],
): boolean {
  const { index, pools } = network;
  const selected = [...new Set(versions.flatMap(({ selector }) => index.select(selector)))];
  const others = isInPlace ? [] : relevant(steady, selected);
  for (const endpoint of selected) {
    // What a host says, and who hides behind its address, concerns more than rules name.
    if (endpoint.kind === 'HostEndpoint' || isBeyondPools(endpoint, pools)) return false;
    if (!isInPlace && !hasOthers(endpoint, versions, others)) return false;
    touched.add(endpoint);
  }
  if (selected.length === 0) return true;
  for (const [direction, rule] of rules) {
    if (rule.action === 'Log') continue;
    const peers = possiblePeers(direction === 'egress' ? rule.destination : rule.source, network);
    if (!peers) return false;
    for (const peer of peers) touched.add(peer);
  }
  return true;
}

/** Masquerading (classes/masquerade.ts) hides senders from it. */
function isBeyondPools({ addresses }: Endpoint, pools: Network['pools']): boolean {
  return (
    pools.some(({ natOutgoing }) => natOutgoing) &&
    addresses.some((address) => !pools.some(({ cidr }) => cidrContains(cidr, address)))
  );
}

/** Without another policy in its tier, a policy that comes or goes decides on packets that none of its rules names. */
function hasOthers({ labels }: Endpoint, versions: readonly Policy[], others: readonly Policy[]): boolean {
  return versions.every(({ tier, types }) =>
    [...types].every((direction) =>
      others.some(
        (other) =>
          other.tier === tier &&
          other.judgesConnections &&
          other.types.has(direction) &&
          matchesSelector(other.selector, labels),
      ),
    ),
  );
}

/** Whom a rule can be about, and perhaps some more; undefined: anybody. */
function possiblePeers(
  { selector, tag, nets }: EntityMatch,
  { endpoints, index, networkSets }: Network,
): readonly Endpoint[] | undefined {
  if (selector !== undefined) {
    const ast = selectorAst(selector);
    const listed = networkSets
      .filter(({ labels }) => matchesSelector(ast, labels))
      .flatMap((set) => set.nets);
    return [...index.select(ast), ...index.within(listed)];
  }
  if (tag !== undefined) return endpoints.filter(({ tags }) => tags.has(tag));
  return nets.length > 0 ? index.within(nets) : undefined;
}

/** Those that select one of the endpoints. */
function relevant(policies: readonly Policy[], endpoints: readonly Endpoint[]): readonly Policy[] {
  const values = new LabelValues(endpoints);
  const isRelevant = ({ selector }: Policy): boolean =>
    values.mayPick(selector) && endpoints.some(({ labels }) => matchesSelector(selector, labels));
  return policies.filter(isRelevant);
}
