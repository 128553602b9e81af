/**
 * What the rules in the kernel say of a first packet, worked out without the kernel (PURE).
 *
 * It reads what the dataplane was told (calc/updates.ts): `policy/evaluate.ts` asks the same of what people wrote. The
 * two, and the chains of rules/, agree; the tests compare all three.
 */
import { type Address, type Cidr, cidrContains, familyOf, type IpFamily } from '../../../model/address.js';
import { matchesIcmp, matchesPort } from '../../../model/header-match.js';
import { type Direction, hasPorts, type IcmpMatch } from '../../../model/rule.js';
import type { CompiledRule, EndpointPolicy, EntityCondition, IpSetId, RuleSet } from '../../calc/updates.js';

/** The packet that opened a flow, as the filter table met it. */
export interface FirstPacket {
  readonly family: IpFamily;
  /** IANA protocol number. */
  readonly protocol: number;
  readonly source: PacketEnd;
  readonly destination: PacketEnd;
  readonly icmp?: Required<IcmpMatch>;
}

export interface PacketEnd {
  readonly address: Address;
  readonly port?: number | undefined;
}

/** The rules and sets that a policy names. */
export interface Rulebook {
  ofPolicy(tier: string, name: string): RuleSet | undefined;
  /** undefined: the profile is missing, and denies. */
  ofProfile(name: string): RuleSet | undefined;
  isMember(set: IpSetId, address: Address): boolean;
}

export function isAllowed(
  policy: EndpointPolicy,
  direction: Direction,
  packet: FirstPacket,
  rulebook: Rulebook,
): boolean {
  for (const tier of policy.tiers) {
    const verdict = tierVerdict(tier, direction, packet, rulebook);
    if (verdict !== 'Pass') return verdict === 'Allow';
  }
  for (const name of policy.profiles) {
    const rules = rulebook.ofProfile(name);
    if (!rules) return false;
    const action = firstAction(rules[direction], packet, rulebook);
    // Behind a profile there is no tier to pass to.
    if (action) return action !== 'Deny';
  }
  return policy.default === 'Allow';
}

type Verdict = 'Allow' | 'Deny' | 'Pass';

function tierVerdict(
  { name, policies, endOfTier }: EndpointPolicy['tiers'][number],
  direction: Direction,
  packet: FirstPacket,
  rulebook: Rulebook,
): Verdict {
  for (const policy of policies) {
    const rules = rulebook.ofPolicy(name, policy)?.[direction] ?? [];
    const action = firstAction(rules, packet, rulebook);
    if (action) return action;
  }
  return endOfTier;
}

function firstAction(
  rules: readonly CompiledRule[],
  packet: FirstPacket,
  rulebook: Rulebook,
): Verdict | undefined {
  for (const rule of rules) if (rule.action !== 'Log' && matches(rule, packet, rulebook)) return rule.action;
  return undefined;
}

function matches(rule: CompiledRule, packet: FirstPacket, rulebook: Rulebook): boolean {
  return (
    (rule.family ?? packet.family) === packet.family &&
    (rule.protocol ?? packet.protocol) === packet.protocol &&
    rule.notProtocol !== packet.protocol &&
    matchesIcmp(rule, packet.icmp) &&
    matchesEnd(rule.source, packet.source, packet, rulebook) &&
    matchesEnd(rule.destination, packet.destination, packet, rulebook)
  );
}

function matchesEnd(
  condition: EntityCondition,
  { address, port }: PacketEnd,
  { family, protocol }: FirstPacket,
  rulebook: Rulebook,
): boolean {
  const { nets, notNets, sets, notSets } = condition;
  const isIn = (net: Cidr): boolean => cidrContains(net, address);
  return (
    (nets.length === 0 || nets.some(isIn)) &&
    // A rule of networks that are all of the other family is not there in this one, negated or not.
    (notNets.length === 0 || notNets.some((net) => familyOf(net) === family)) &&
    !notNets.some(isIn) &&
    sets.every((set) => rulebook.isMember(set, address)) &&
    !notSets.some((set) => rulebook.isMember(set, address)) &&
    matchesPort(condition, hasPorts(protocol) ? port : undefined)
  );
}
