/**
 * Who may talk to whom, in both IP versions, in one network or in two that are compared.
 */
import type { Cidr, IpFamily } from '../../model/address.js';
import { selectorAst } from '../../model/selector/selector.js';
import type { Network } from '../network.js';
import { FamilyConnectivity } from './family-connectivity.js';
import { type LabelGroups, labelGroups } from './label-groups.js';
import { rulesOf } from './points.js';

export type Connectivity = Readonly<Record<IpFamily, FamilyConnectivity>>;

/** @param asked - networks whose outside addresses are asked about, besides those that rules name. */
export function connectivityOf(networks: readonly Network[], asked: readonly Cidr[] = []): Connectivity {
  const groups = groupsOf(networks);
  const inFamily = (family: IpFamily) => new FamilyConnectivity(networks, family, groups, asked);
  return { 4: inFamily(4), 6: inFamily(6) };
}

function groupsOf(networks: readonly Network[]): LabelGroups {
  const ends = networks.flatMap((network) =>
    [...rulesOf(network)].flatMap(({ source, destination }) => [source, destination]),
  );
  const texts = new Set(ends.flatMap(({ selector, notSelector }) => [selector, notSelector]));
  const selectors = [
    ...networks.flatMap(({ policies }) => policies.map(({ selector }) => selector)),
    ...[...texts].flatMap((text) => (text === undefined ? [] : [selectorAst(text)])),
  ];
  const tags = new Set(ends.flatMap(({ tag, notTag }) => [tag, notTag]).filter((tag) => tag !== undefined));
  const items = networks.flatMap(({ endpoints, networkSets }) => [...endpoints, ...networkSets]);
  return labelGroups(items, selectors, tags);
}
