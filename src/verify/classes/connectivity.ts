/**
 * Who may talk to whom, in both IP versions, in one network or in two that are compared.
 */
import type { Cidr, IpFamily } from '../../model/address.js';
import type { EntityMatch } from '../../model/rule.js';
import { type SelectorText, selectorAst } from '../../model/selector/selector.js';
import type { Network } from '../network.js';
import { FamilyConnectivity } from './family-connectivity.js';
import { type LabelGroups, labelGroups } from './label-groups.js';
import { rulesOf } from './points.js';
import { PolicyIndex } from './policy-index.js';

export type Connectivity = Readonly<Record<IpFamily, FamilyConnectivity>>;

/** @param asked - networks whose outside addresses are asked about, besides those that rules name. */
export function connectivityOf(networks: readonly Network[], asked: readonly Cidr[] = []): Connectivity {
  const groups = groupsOf(networks);
  const policies = networks.map((network) => new PolicyIndex(network, groups));
  const inFamily = (family: IpFamily) => new FamilyConnectivity(networks, family, groups, policies, asked);
  return { 4: inFamily(4), 6: inFamily(6) };
}

function groupsOf(networks: readonly Network[]): LabelGroups {
  const texts = new Set<SelectorText>();
  const tags = new Set<string>();
  for (const network of networks) {
    for (const { source, destination } of rulesOf(network)) {
      addMentions(source, texts, tags);
      addMentions(destination, texts, tags);
    }
  }
  const selectors = [
    ...networks.flatMap(({ policies }) => policies.map(({ selector }) => selector)),
    ...Array.from(texts, selectorAst),
  ];
  const items = networks.flatMap(({ endpoints, networkSets }) => [...endpoints, ...networkSets]);
  return labelGroups(items, selectors, tags);
}

function addMentions(
  { selector, notSelector, tag, notTag }: EntityMatch,
  texts: Set<SelectorText>,
  tags: Set<string>,
): void {
  if (selector !== undefined) texts.add(selector);
  if (notSelector !== undefined) texts.add(notSelector);
  if (tag !== undefined) tags.add(tag);
  if (notTag !== undefined) tags.add(notTag);
}
