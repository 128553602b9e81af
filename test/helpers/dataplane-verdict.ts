/**
 * What a dataplane that does as it is told says of a packet: compiled rules and sets, read literally.
 */
import type { CompiledRule, EntityCondition, IpSetId, LocalEndpoint } from '../../src/agent/calc/updates.js';
import { type Cidr, cidrContains } from '../../src/model/address.js';
import type { Direction } from '../../src/model/rule.js';
import type { DataplaneState } from './dataplane-view.js';
import type { NaivePacket } from './naive-policy.js';

export function dataplaneVerdict(
  state: DataplaneState,
  endpoint: LocalEndpoint,
  direction: Direction,
  packet: NaivePacket,
): 'allow' | 'deny' {
  const { tiers, profiles, default: otherwise } = endpoint[direction];
  const first = (rules: readonly CompiledRule[]) =>
    rules.find((rule) => rule.action !== 'Log' && matches(state, rule, packet))?.action;
  for (const tier of tiers) {
    const action = tier.policies
      .map((name) => first(state.policies.get(`${tier.name}/${name}`)?.[direction] ?? []))
      .find((found) => found !== undefined);
    const end = action ?? tier.endOfTier;
    if (end !== 'Pass') return end === 'Allow' ? 'allow' : 'deny';
  }
  for (const name of profiles) {
    const profile = state.profiles.get(name);
    if (!profile || profile.missing) return 'deny';
    const action = first(profile.rules[direction]);
    if (action !== undefined) return action === 'Deny' ? 'deny' : 'allow';
  }
  return otherwise === 'Allow' ? 'allow' : 'deny';
}

function matches(state: DataplaneState, rule: CompiledRule, packet: NaivePacket): boolean {
  const { family, protocol, notProtocol, icmp, notIcmp } = rule;
  if (family !== undefined && family !== packet.family) return false;
  if (protocol !== undefined && protocol !== packet.protocol) return false;
  if (notProtocol === packet.protocol) return false;
  for (const condition of [icmp, notIcmp]) {
    if (!condition) continue;
    if (!packet.icmp) return false;
    const { type, code = packet.icmp.code } = condition;
    if ((type === packet.icmp.type && code === packet.icmp.code) !== (condition === icmp)) return false;
  }
  return (
    matchesEnd(state, rule.source, packet.source) && matchesEnd(state, rule.destination, packet.destination)
  );
}

function matchesEnd(state: DataplaneState, condition: EntityCondition, end: NaivePacket['source']): boolean {
  const { nets, notNets, sets, notSets, ports, notPorts } = condition;
  const isIn = (net: Cidr) => cidrContains(net, end.address);
  const isMember = (id: IpSetId) =>
    (state.sets.get(id)?.members ?? []).some((member) => isIn(member as Cidr));
  const hasPort = ({ first, last }: { first: number; last: number }) =>
    end.port !== undefined && first <= end.port && end.port <= last;
  if (ports.length + notPorts.length > 0 && end.port === undefined) return false;
  return (
    (nets.length === 0 || nets.some(isIn)) &&
    !notNets.some(isIn) &&
    sets.every(isMember) &&
    !notSets.some(isMember) &&
    (ports.length === 0 || ports.some(hasPort)) &&
    !notPorts.some(hasPort)
  );
}
