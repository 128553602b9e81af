/**
 * What rules mention: the conditions by which packets, addresses and endpoints are told apart, collected once for both
 * IP versions and for both of two compared networks.
 */
import type { Cidr } from '../../model/address.js';
import type { EntityMatch, Rule } from '../../model/rule.js';
import type { SelectorText } from '../../model/selector/selector.js';
import type { Policy, Profile } from '../../policy/policy.js';
import type { Network } from '../network.js';

export interface Mentions {
  /** Every rule that can decide on a connection, once. */
  readonly rules: readonly Rule[];
  readonly selectors: ReadonlySet<SelectorText>;
  readonly tags: ReadonlySet<string>;
  /** Those of network sets among them, of both families. */
  readonly nets: ReadonlySet<Cidr>;
}

export function mentionsIn(networks: readonly Network[]): Mentions {
  const rules = rulesOf(networks);
  const selectors = new Set<SelectorText>();
  const tags = new Set<string>();
  const nets = new Set<Cidr>();
  const collect = ({ selector, notSelector, tag, notTag, nets: own, notNets }: EntityMatch): void => {
    if (selector !== undefined) selectors.add(selector);
    if (notSelector !== undefined) selectors.add(notSelector);
    if (tag !== undefined) tags.add(tag);
    if (notTag !== undefined) tags.add(notTag);
    for (const net of own) nets.add(net);
    for (const net of notNets) nets.add(net);
  };
  for (const { networkSets } of networks)
    for (const set of networkSets) for (const net of set.nets) nets.add(net);
  for (const { source, destination } of rules) {
    collect(source);
    collect(destination);
  }
  return { rules, selectors, tags, nets };
}

function rulesOf(networks: readonly Network[]): readonly Rule[] {
  const holders = new Set<Policy | Profile>();
  for (const { policies, profiles } of networks) {
    for (const policy of policies) if (policy.judgesConnections) holders.add(policy);
    for (const profile of profiles.values()) holders.add(profile);
  }
  const rules: Rule[] = [];
  for (const { rules: own } of holders)
    for (const list of [own.ingress, own.egress])
      for (const rule of list) if (rule.action !== 'Log') rules.push(rule);
  return rules;
}
