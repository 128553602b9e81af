/**
 * What a policy rule asks of a packet, in the shape that netfilter can ask it.
 *
 * A netfilter rule is one AND of single conditions, with one `-s`, one `-d` and one `-p` in it. Conditions that fit
 * go inline. A list of networks, more ports than a multiport match holds (15 slots, a range takes two), or a
 * negated network beside another one become blocks of alternatives, which cost extra rules (rule-chains.ts).
 *
 * As in the verifier, a condition on a header that the packet does not have is not met, negated or not; and a rule
 * with networks on one end exists only in their families. See iptables-extensions(8), `multiport`.
 */
import { type Cidr, familyOf, type IpFamily, prefixLength } from '../../../model/address.js';
import { hasPorts, type PortRange, PROTOCOL_NUMBERS } from '../../../model/rule.js';
import type { CompiledRule, EntityCondition } from '../../calc/updates.js';
import type { End, Match } from '../intent.js';

/** Alternatives of which one must match (`any`), or none may (`none`). */
export interface Block {
  readonly quantifier: 'any' | 'none';
  readonly options: readonly Match[];
  /** What must stand before an option in a rule of its own: a protocol before ports. */
  readonly needs: readonly Match[];
}

export interface RuleConditions {
  /** Met by one netfilter rule, in this order. */
  readonly inline: readonly Match[];
  readonly blocks: readonly Block[];
}

const PORT_SLOTS = 15;
const ENDS: readonly End[] = ['source', 'destination'];

/** One entry for each protocol that has to be asked for by itself; none when no packet of the family can match. */
export function ruleConditions(rule: CompiledRule, family: IpFamily): readonly RuleConditions[] {
  if (rule.family !== undefined && rule.family !== family) return [];
  return protocolsOf(rule, family).flatMap((protocol) => {
    const parts = [
      protocol === 'any' ? excludedProtocol(rule) : inline(protocolMatch(protocol)),
      icmpConditions(rule),
      ...ENDS.map((end) => addressConditions(end, rule[end], family)),
      ...ENDS.map((end) => portConditions(end, rule[end], protocol)),
    ];
    if (parts.some((part) => part === 'never')) return [];
    const met = parts.filter((part) => part !== 'never');
    return [{ inline: met.flatMap((part) => part.inline), blocks: met.flatMap((part) => part.blocks) }];
  });
}

type Conditions = RuleConditions | 'never';

function inline(...matches: readonly Match[]): RuleConditions {
  return { inline: matches, blocks: [] };
}

/** Ports and ICMP types are only there in some protocols: a rule that names none means those. */
function protocolsOf(rule: CompiledRule, family: IpFamily): readonly (number | 'any')[] {
  const icmp = family === 4 ? PROTOCOL_NUMBERS.ICMP : PROTOCOL_NUMBERS.ICMPv6;
  const asksIcmp = rule.icmp !== undefined || rule.notIcmp !== undefined;
  const asksPorts = ENDS.some((end) => rule[end].ports.length > 0 || rule[end].notPorts.length > 0);
  if (rule.protocol === undefined && !asksIcmp && !asksPorts) return ['any'];
  const candidates = rule.protocol === undefined ? Object.values(PROTOCOL_NUMBERS) : [rule.protocol];
  return candidates.filter(
    (protocol) =>
      protocol !== rule.notProtocol && (!asksIcmp || protocol === icmp) && (!asksPorts || hasPorts(protocol)),
  );
}

function protocolMatch(protocol: number): Match {
  return { type: 'protocol', protocol, negated: false };
}

function excludedProtocol({ notProtocol }: CompiledRule): RuleConditions {
  return notProtocol === undefined
    ? inline()
    : inline({ type: 'protocol', protocol: notProtocol, negated: true });
}

function icmpConditions({ icmp, notIcmp }: CompiledRule): RuleConditions {
  const matches: Match[] = [];
  if (icmp) matches.push({ type: 'icmp', icmp, negated: false });
  if (notIcmp) matches.push({ type: 'icmp', icmp: notIcmp, negated: true });
  return inline(...matches);
}

function addressConditions(end: End, condition: EntityCondition, family: IpFamily): Conditions {
  const sets: readonly Match[] = [
    ...condition.sets.map((id): Match => ({ type: 'ip-set', end, id, negated: false })),
    ...condition.notSets.map((id): Match => ({ type: 'ip-set', end, id, negated: true })),
  ];
  const nets = condition.nets.filter((net) => familyOf(net) === family);
  const notNets = condition.notNets.filter((net) => familyOf(net) === family);
  const isOfOtherFamily =
    (condition.nets.length > 0 && nets.length === 0) ||
    (condition.notNets.length > 0 && notNets.length === 0);
  if (isOfOtherFamily || notNets.some(isEverything)) return 'never';
  const wanted = nets.some(isEverything) ? [] : nets;
  const blocks: Block[] = [];
  const single = wanted.length + notNets.length === 1;
  if (!single && wanted.length > 0) blocks.push(netBlock('any', end, wanted));
  if (!single && notNets.length > 0) blocks.push(netBlock('none', end, notNets));
  const only = single ? [...netMatches(end, wanted), ...netMatches(end, notNets, true)] : [];
  return { inline: [...only, ...sets], blocks };
}

/** What `0.0.0.0/0` says is not worth a match, and iptables may drop its negation without a word. */
function isEverything(net: Cidr): boolean {
  return prefixLength(net) === 0;
}

function netBlock(quantifier: Block['quantifier'], end: End, nets: readonly Cidr[]): Block {
  return { quantifier, options: netMatches(end, nets), needs: [] };
}

function netMatches(end: End, nets: readonly Cidr[], negated = false): Match[] {
  return nets.map((net): Match => ({ type: 'net', end, net, negated }));
}

function portConditions(
  end: End,
  { ports, notPorts }: EntityCondition,
  protocol: number | 'any',
): RuleConditions {
  const wanted = splitPorts(ports).map(
    (chunk): Match => ({ type: 'ports', end, ports: chunk, negated: false }),
  );
  const refused = splitPorts(notPorts).map(
    (chunk): Match => ({ type: 'ports', end, ports: chunk, negated: true }),
  );
  const needs = protocol === 'any' ? [] : [protocolMatch(protocol)];
  return wanted.length > 1
    ? { inline: refused, blocks: [{ quantifier: 'any', options: wanted, needs }] }
    : inline(...wanted, ...refused);
}

/** Cuts a list of ports into pieces that a multiport match can hold. */
function splitPorts(ports: readonly PortRange[]): PortRange[][] {
  const chunks: PortRange[][] = [];
  let free = 0;
  for (const range of ports) {
    const slots = range.first === range.last ? 1 : 2;
    if (slots > free) {
      chunks.push([]);
      free = PORT_SLOTS;
    }
    chunks.at(-1)?.push(range);
    free -= slots;
  }
  return chunks;
}
