/**
 * Who may talk to whom, in both IP versions, in one network or in two that are compared.
 */
import type { Cidr, IpFamily } from '../../model/address.js';
import { selectorAst } from '../../model/selector/selector.js';
import type { Network } from '../network.js';
import { FamilyConnectivity } from './family-connectivity.js';
import { type LabelGroups, labelGroups } from './label-groups.js';
import { type Mentions, mentionsIn } from './mentions.js';
import { PolicyIndex } from './policy-index.js';

export type Connectivity = Readonly<Record<IpFamily, FamilyConnectivity>>;

/** @param asked - networks whose outside addresses are asked about, besides those that rules name. */
export function connectivityOf(networks: readonly Network[], asked: readonly Cidr[] = []): Connectivity {
  const mentions = mentionsIn(networks);
  const groups = groupsOf(networks, mentions);
  const policies = new PolicyIndex(networks, groups);
  const subject = { networks, groups, policies, rules: mentions.rules, nets: [...asked, ...mentions.nets] };
  return { 4: new FamilyConnectivity(4, subject), 6: new FamilyConnectivity(6, subject) };
}

function groupsOf(networks: readonly Network[], { selectors: texts, tags }: Mentions): LabelGroups {
  const selectors = [
    ...networks.flatMap(({ policies }) => policies.map(({ selector }) => selector)),
    ...Array.from(texts, selectorAst),
  ];
  const lists = new Set(networks.flatMap(({ endpoints, networkSets }) => [endpoints, networkSets]));
  return labelGroups([...lists].flat(), selectors, tags);
}
