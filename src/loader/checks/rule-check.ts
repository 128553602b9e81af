/**
 * What a schema cannot say of a rule: conditions that need each other, and conditions that no packet meets.
 */
import { familyOf, IP_FAMILIES, type IpFamily } from '../../model/address.js';
import type { DeepReadonly } from '../../model/brand.js';
import { hasPorts, impliedFamily, PROTOCOL_NUMBERS, protocolNumber } from '../../model/rule.js';
import type { RuleSpec } from '../../model/specs.generated.js';
import { type FieldPath, fieldName } from '../field-path.js';
import type { Fault } from '../report.js';

type Rule = DeepReadonly<RuleSpec>;
const ENDS = ['source', 'destination'] as const;

/** Faults of a list of rules that stands at `path`. */
export function checkRules(rules: readonly Rule[] | undefined, path: FieldPath): Fault[] {
  return (rules ?? []).flatMap((rule, index) => {
    const at = [...path, index];
    return [...checkPorts(rule, at), ...checkIcmp(rule, at), ...checkFamilies(rule, at)];
  });
}

function checkPorts(rule: Rule, path: FieldPath): Fault[] {
  const protocol = rule.protocol === undefined ? undefined : protocolNumber(rule.protocol);
  if (protocol !== undefined && hasPorts(protocol)) return [];
  const faults: Fault[] = [];
  for (const end of ENDS)
    for (const field of ['ports', 'notPorts'] as const) {
      const ports = rule[end]?.[field];
      if (!ports || ports.length === 0) continue;
      const at = [...path, end, field];
      faults.push({
        code: 'invalid-value',
        path: at,
        reads: [[...path, 'protocol']],
        part: 'key',
        value: ports,
        message:
          rule.protocol === undefined
            ? `${fieldName(at)} needs a protocol that has ports, and the rule has none`
            : `${fieldName(at)} needs a protocol that has ports, and ${rule.protocol} has none`,
        hint: 'Add protocol: TCP, UDP, SCTP or UDPLite',
      });
    }
  return faults;
}

function checkIcmp(rule: Rule, path: FieldPath): Fault[] {
  const { ICMP, ICMPv6 } = PROTOCOL_NUMBERS;
  const protocol = rule.protocol === undefined ? undefined : protocolNumber(rule.protocol);
  if (protocol === ICMP || protocol === ICMPv6) return [];
  return (['icmp', 'notICMP'] as const)
    .filter((field) => rule[field] !== undefined)
    .map((field) => ({
      code: 'invalid-value',
      path: [...path, field],
      reads: [[...path, 'protocol']],
      part: 'key',
      value: rule[field],
      message: `${fieldName([...path, field])} needs protocol ICMP or ICMPv6`,
      hint: 'Add protocol: ICMP, or ICMPv6 for IPv6',
    }));
}

function checkFamilies(rule: Rule, path: FieldPath): Fault[] {
  const implied = impliedFamily(rule.protocol === undefined ? undefined : protocolNumber(rule.protocol));
  if (rule.ipVersion !== undefined && implied !== undefined && rule.ipVersion !== implied)
    return [
      {
        code: 'invalid-value',
        path: [...path, 'ipVersion'],
        reads: [[...path, 'protocol']],
        value: rule.ipVersion,
        message: `no packet is both IPv${rule.ipVersion} and ${rule.protocol}`,
        hint: `Write ipVersion: ${implied}, or take it away`,
      },
    ];
  const family = rule.ipVersion ?? implied;
  const faults = family === undefined ? [] : checkNets(rule, path, family);
  return faults.length > 0 ? faults : checkCommonFamily(rule, path);
}

function checkNets(rule: Rule, path: FieldPath, family: IpFamily): Fault[] {
  const faults: Fault[] = [];
  for (const end of ENDS)
    for (const field of ['nets', 'notNets'] as const)
      for (const [index, net] of (rule[end]?.[field] ?? []).entries()) {
        if (familyOf(net) === family) continue;
        const at = [...path, end, field, index];
        faults.push({
          code: 'invalid-value',
          path: at,
          reads: [
            [...path, 'protocol'],
            [...path, 'ipVersion'],
          ],
          value: net,
          message: `${fieldName(at)}: the rule is for IPv${family} packets, and ${net} is an IPv${familyOf(net)} network`,
          hint: 'Take it out, or write a rule of its own for it',
        });
      }
  return faults;
}

function checkCommonFamily(rule: Rule, path: FieldPath): Fault[] {
  const { source, destination } = rule;
  const both = IP_FAMILIES.some((family) =>
    [source?.nets, destination?.nets].every(
      (nets) => !nets || nets.length === 0 || nets.some((net) => familyOf(net) === family),
    ),
  );
  if (both) return [];
  return [
    {
      code: 'invalid-value',
      path: [...path, 'destination', 'nets'],
      reads: [[...path, 'source', 'nets']],
      part: 'key',
      value: destination?.nets,
      message: `${fieldName(path)} matches no packet: its source and destination networks are of different IP versions`,
      hint: 'Write networks of one IP version at both ends',
    },
  ];
}
