/**
 * Rules in v1 JSON, both ways.
 *
 * v1 is flat: `src_` and `dst_` prefixes instead of source and destination, a leading `!` for negation. Two
 * generations wrote it, so one network may stand in `src_net` and several in `src_nets` (a rule with both means
 * their union), an action may be missing (allow) or be `pass` (the later `next-tier`), and `log_prefix` on a
 * deciding action means: note the packet, then decide. Annotations of a rule have no place in v1 and are lost.
 *
 * A member that is not known here is refused: it would be one more condition, and an allow that misses a
 * condition lets too much through.
 */
import type { DeepReadonly } from '../model/brand.js';
import {
  type Action,
  hasPorts,
  type PortText,
  PROTOCOL_NUMBERS,
  type ProtocolName,
  type ProtocolText,
  parsePortRange,
  protocolNumber,
} from '../model/rule.js';
import type { EntityRuleSpec, IcmpSpec, RuleSpec } from '../model/specs.generated.js';
import { compact } from './compact.js';
import { looseNet, ruleSelector } from './field-decoders.js';
import {
  type Decoded,
  type Decoder,
  fault,
  integer,
  list,
  object,
  oneOf,
  type Place,
  text,
  unexpected,
} from './json-decoder.js';
import type { Unreadable } from './unreadable.js';

type Rule = DeepReadonly<RuleSpec>;
type Entity = DeepReadonly<EntityRuleSpec>;
type End = 'src' | 'dst';

/** The rule as v1 writes it; members in the order of libcalico-go's structure. */
export function encodeRule(rule: Rule): Readonly<Record<string, unknown>> {
  const source = rule.source ?? {};
  const destination = rule.destination ?? {};
  return compact({
    action: V1_ACTIONS[rule.action],
    ip_version: rule.ipVersion,
    protocol: encodeProtocol(rule.protocol),
    icmp_type: rule.icmp?.type,
    icmp_code: rule.icmp?.code,
    '!protocol': encodeProtocol(rule.notProtocol),
    '!icmp_type': rule.notICMP?.type,
    '!icmp_code': rule.notICMP?.code,
    ...encodeEntity('src', source),
    ...encodeEntity('dst', destination),
    ...encodeNegatedEntity('src', source),
    ...encodeNegatedEntity('dst', destination),
  });
}

/** Reads a list of v1 rules. A rule that logs and decides becomes two. */
export const ruleList: Decoder<readonly Rule[]> = (value, place) => list(decodeRule)(value, place).flat();

export const DENY: Rule = { action: 'Deny' };

/** The same; a rule that cannot be read denies whatever reaches it, since it may have been meant to deny that. */
export function closingRuleList(unreadable: Unreadable): Decoder<readonly Rule[]> {
  return (value, place) =>
    unreadable
      .list(decodeRule, [[DENY]])(value, place)
      .flat();
}

const V1_ACTIONS: Readonly<Record<Action, string>> = {
  Allow: 'allow',
  Deny: 'deny',
  Log: 'log',
  Pass: 'next-tier',
};

const ACTIONS = new Map<string, Action>([
  ['allow', 'Allow'],
  ['deny', 'Deny'],
  ['log', 'Log'],
  ['next-tier', 'Pass'],
  ['pass', 'Pass'],
]);

const PROTOCOLS = new Map(
  (Object.keys(PROTOCOL_NUMBERS) as ProtocolName[]).map((name) => [name.toLowerCase(), name]),
);

function encodeProtocol(protocol: ProtocolText | undefined): string | number | undefined {
  return typeof protocol === 'string' ? protocol.toLowerCase() : protocol;
}

function encodeEntity(end: End, entity: Entity): Readonly<Record<string, unknown>> {
  return {
    [`${end}_tag`]: entity.tag,
    [`${end}_nets`]: unlessEmpty(entity.nets),
    [`${end}_selector`]: entity.selector,
    [`${end}_ports`]: unlessEmpty(entity.ports),
  };
}

function encodeNegatedEntity(end: End, entity: Entity): Readonly<Record<string, unknown>> {
  return {
    [`!${end}_tag`]: entity.notTag,
    [`!${end}_nets`]: unlessEmpty(entity.notNets),
    [`!${end}_selector`]: entity.notSelector,
    [`!${end}_ports`]: unlessEmpty(entity.notPorts),
  };
}

function unlessEmpty<T>(items: readonly T[] | undefined): readonly T[] | undefined {
  return items && items.length > 0 ? items : undefined;
}

const protocol: Decoder<ProtocolText> = (value, place) => {
  const name = typeof value === 'string' ? PROTOCOLS.get(value.toLowerCase()) : undefined;
  return name ?? integer(1, 255)(value, place);
};

const port: Decoder<PortText> = (value, place) => {
  const range = typeof value === 'number' || typeof value === 'string' ? parsePortRange(value) : undefined;
  if (!range) throw unexpected(place, 'a port from 1 to 65535, or first:last', value);
  return range.first === range.last ? range.first : `${range.first}:${range.last}`;
};

const action: Decoder<Action> = (value, place) => {
  const found = typeof value === 'string' ? ACTIONS.get(value.toLowerCase()) : undefined;
  if (found === undefined) throw unexpected(place, 'allow, deny, next-tier, pass or log', value);
  return found;
};

const icmpType = integer(0, 254);
const icmpCode = integer(0, 255);
const nets = list(looseNet);
const ports = list(port);

const V1_RULE = {
  action,
  ip_version: oneOf(4, 6),
  protocol,
  '!protocol': protocol,
  icmp_type: icmpType,
  icmp_code: icmpCode,
  '!icmp_type': icmpType,
  '!icmp_code': icmpCode,
  src_tag: text,
  '!src_tag': text,
  src_net: looseNet,
  '!src_net': looseNet,
  src_nets: nets,
  '!src_nets': nets,
  src_selector: ruleSelector,
  '!src_selector': ruleSelector,
  src_ports: ports,
  '!src_ports': ports,
  dst_tag: text,
  '!dst_tag': text,
  dst_net: looseNet,
  '!dst_net': looseNet,
  dst_nets: nets,
  '!dst_nets': nets,
  dst_selector: ruleSelector,
  '!dst_selector': ruleSelector,
  dst_ports: ports,
  '!dst_ports': ports,
  log_prefix: text,
};
type V1Rule = Decoded<typeof V1_RULE>;

const v1Rule = object(V1_RULE, 'refused');

function decodeRule(value: unknown, place: Place): readonly Rule[] {
  const v1 = v1Rule(value, place);
  const rule = compact({
    action: v1.action ?? 'Allow',
    ipVersion: v1.ip_version,
    protocol: v1.protocol,
    notProtocol: v1['!protocol'],
    icmp: decodeIcmp(v1.icmp_type, v1.icmp_code, place),
    notICMP: decodeIcmp(v1['!icmp_type'], v1['!icmp_code'], place),
    source: decodeEntity(v1, 'src'),
    destination: decodeEntity(v1, 'dst'),
  });
  checkPorts(rule, place);
  return v1.log_prefix === undefined || rule.action === 'Log' ? [rule] : [{ ...rule, action: 'Log' }, rule];
}

function decodeIcmp(type: number | undefined, code: number | undefined, place: Place): IcmpSpec | undefined {
  if (type !== undefined) return compact({ type, code });
  if (code !== undefined) throw fault(place, 'an ICMP code needs an ICMP type');
  return undefined;
}

function decodeEntity(v1: V1Rule, end: End): Entity | undefined {
  const entity = compact({
    nets: unlessEmpty([...(v1[`${end}_nets`] ?? []), ...optional(v1[`${end}_net`])]),
    notNets: unlessEmpty([...(v1[`!${end}_nets`] ?? []), ...optional(v1[`!${end}_net`])]),
    // Blank is no condition, as in Felix.
    selector: v1[`${end}_selector`] || undefined,
    notSelector: v1[`!${end}_selector`] || undefined,
    ports: unlessEmpty(v1[`${end}_ports`]),
    notPorts: unlessEmpty(v1[`!${end}_ports`]),
    tag: v1[`${end}_tag`],
    notTag: v1[`!${end}_tag`],
  });
  return Object.keys(entity).length === 0 ? undefined : entity;
}

function optional<T>(item: T | undefined): readonly T[] {
  return item === undefined ? [] : [item];
}

function checkPorts(rule: Rule, place: Place): void {
  const usesPorts = [rule.source, rule.destination].some((entity) => entity?.ports ?? entity?.notPorts);
  const allowed = rule.protocol !== undefined && hasPorts(protocolNumber(rule.protocol));
  if (usesPorts && !allowed)
    throw fault(place, 'ports need a protocol that has them: tcp, udp, sctp, udplite');
}
