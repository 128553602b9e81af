/**
 * The families in which a rule exists.
 *
 * One list of rules serves IPv4 and IPv6. As in Felix, a rule whose networks on one end are all of one family is
 * not there for the other, negated networks included: `allow to !10.0.0.0/8` says nothing of IPv6, and must not
 * open it. A rule between an IPv4 and an IPv6 network exists in neither.
 */
import { type Cidr, familyOf, IP_FAMILIES, type IpFamily } from '../model/address.js';
import type { Rule } from '../model/rule.js';

export function ruleFamilies(rule: Rule): readonly IpFamily[] {
  return IP_FAMILIES.filter((family) => isInFamily(rule, family));
}

/** Asked for every rule and packet, so without making a list. */
export function isInFamily({ family: own, source, destination }: Rule, family: IpFamily): boolean {
  return (
    (own === undefined || own === family) &&
    isOpenTo(source.nets, family) &&
    isOpenTo(source.notNets, family) &&
    isOpenTo(destination.nets, family) &&
    isOpenTo(destination.notNets, family)
  );
}

function isOpenTo(nets: readonly Cidr[], family: IpFamily): boolean {
  return nets.length === 0 || nets.some((net) => familyOf(net) === family);
}
