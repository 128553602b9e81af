/**
 * Random policy in a world so small that conditions often hold: 8 addresses and 24 ports in each family.
 */
import fc from 'fast-check';
import type { CompiledRule, EntityCondition, IpSetId } from '../../../src/agent/calc/updates.js';
import {
  type Address,
  addressFromBits,
  type Cidr,
  cidrContains,
  hostCidr,
  IP_FAMILIES,
  type IpFamily,
  maskCidr,
} from '../../../src/model/address.js';
import {
  type EntityMatch,
  hasPorts,
  type IcmpMatch,
  type PortRange,
  PROTOCOL_NUMBERS,
  type Rule,
} from '../../../src/model/rule.js';
import type { SelectorText } from '../../../src/model/selector/selector.js';
import type { Membership, Packet, PacketEnd } from '../../../src/policy/match-rule.js';
import type { IpSets } from './simulator.js';

const BASE = { 4: 0x0a000000n, 6: 0xfd00n << 112n } as const;
const SELECTORS = ["a == '1'", "b == '1'"] as const;
const TAGS = ['red', 'blue'] as const;

export const arbitraryFamily: fc.Arbitrary<IpFamily> = fc.constantFrom(...IP_FAMILIES);

function addressIn(family: IpFamily): fc.Arbitrary<Address> {
  return fc.nat(7).map((host) => addressFromBits(BASE[family] + BigInt(host), family));
}

/** Mostly of one family, and seldom everything. */
function arbitraryNet(mostly: IpFamily): fc.Arbitrary<Cidr> {
  const other = mostly === 4 ? 6 : 4;
  const family = fc.oneof(
    { weight: 9, arbitrary: fc.constant<IpFamily>(mostly) },
    { weight: 1, arbitrary: fc.constant<IpFamily>(other) },
  );
  return family.chain((chosen) =>
    fc.tuple(addressIn(chosen), fc.constantFrom(0, 29, 30, 30, 31, 31, 32, 32)).map(([address, length]) => {
      const cidr = maskCidr(`${address}/${chosen === 6 && length > 0 ? length + 96 : length}`);
      if (!cidr) throw new Error(`No network: ${address}/${length}`);
      return cidr;
    }),
  );
}

const arbitraryPorts: fc.Arbitrary<PortRange> = fc
  .tuple(fc.integer({ min: 1, max: 24 }), fc.constantFrom(0, 0, 0, 1, 3))
  .map(([first, more]) => ({ first, last: first + more }));

const arbitraryIcmp: fc.Arbitrary<IcmpMatch> = fc.oneof(
  fc.record({ type: fc.constantFrom(8, 128) }),
  fc.record({ type: fc.constantFrom(8, 128), code: fc.nat(1) }),
);

/** Mostly absent, as in policies that people write: too many conditions never hold. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

function list<T>(arbitrary: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<readonly T[]> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant<readonly T[]>([]) },
    { weight: 1, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength, size: 'max' }) },
  );
}

function arbitraryEntity(family: IpFamily, withPorts: boolean): fc.Arbitrary<EntityMatch> {
  const ports = withPorts ? list(arbitraryPorts, 24) : fc.constant([]);
  return fc
    .record({
      nets: fc.oneof(
        list(arbitraryNet(family), 5),
        fc.array(arbitraryNet(family), { minLength: 2, maxLength: 4 }),
      ),
      notNets: list(arbitraryNet(family), 2),
      ports,
      notPorts: ports,
      selector: seldom(fc.constantFrom(...SELECTORS)),
      notSelector: seldom(fc.constantFrom(...SELECTORS)),
      tag: seldom(fc.constantFrom(...TAGS)),
      notTag: seldom(fc.constantFrom(...TAGS)),
    })
    .map(({ selector, notSelector, tag, notTag, ...lists }) => ({
      ...lists,
      ...(selector && { selector: selector as SelectorText }),
      ...(notSelector && { notSelector: notSelector as SelectorText }),
      ...(tag && { tag }),
      ...(notTag && { notTag }),
    }));
}

/** Both kinds of transport often, so that rules and packets meet. */
function arbitraryProtocol(family: IpFamily): fc.Arbitrary<number> {
  const { TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6 } = PROTOCOL_NUMBERS;
  const icmp = family === 4 ? ICMP : ICMPv6;
  return fc.constantFrom(TCP, TCP, TCP, UDP, UDP, icmp, icmp, SCTP, UDPLite, 47);
}

export function arbitraryRule(family: IpFamily): fc.Arbitrary<Rule> {
  const common = {
    action: fc.constantFrom('Allow', 'Deny', 'Log', 'Pass'),
    family: seldom(arbitraryFamily),
    protocol: fc.option(arbitraryProtocol(family), { nil: undefined }),
    notProtocol: seldom(arbitraryProtocol(family)),
  } as const;
  const plain = fc.record({
    ...common,
    icmp: fc.constant(undefined),
    notIcmp: fc.constant(undefined),
    source: arbitraryEntity(family, true),
    destination: arbitraryEntity(family, true),
  });
  const icmp = fc.record({
    ...common,
    icmp: seldom(arbitraryIcmp),
    notIcmp: seldom(arbitraryIcmp),
    source: arbitraryEntity(family, false),
    destination: arbitraryEntity(family, false),
  });
  return fc
    .oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: icmp })
    .map(({ action, source, destination, ...optional }) => ({
      action,
      source,
      destination,
      ...(optional.family !== undefined && { family: optional.family }),
      ...(optional.protocol !== undefined && { protocol: optional.protocol }),
      ...(optional.notProtocol !== undefined && { notProtocol: optional.notProtocol }),
      ...(optional.icmp && { icmp: optional.icmp }),
      ...(optional.notIcmp && { notIcmp: optional.notIcmp }),
    }));
}

export function arbitraryPacket(family: IpFamily): fc.Arbitrary<Packet> {
  return arbitraryProtocol(family).chain((protocol) => {
    const end: fc.Arbitrary<PacketEnd> = hasPorts(protocol)
      ? fc.record({ address: addressIn(family), port: fc.integer({ min: 1, max: 28 }) })
      : fc.record({ address: addressIn(family) });
    const icmp = fc.record({ type: fc.constantFrom(8, 128), code: fc.nat(1) });
    const hasType = protocol === PROTOCOL_NUMBERS[family === 4 ? 'ICMP' : 'ICMPv6'];
    return fc.record({
      family: fc.constant(family),
      protocol: fc.constant(protocol),
      source: end,
      destination: end,
      ...(hasType && { icmp }),
    });
  });
}

/** The sets of every selector and tag above. */
export const arbitrarySets: fc.Arbitrary<IpSets> = fc
  .array(fc.uniqueArray(arbitraryFamily.chain(addressIn), { maxLength: 8 }), {
    minLength: SELECTORS.length + TAGS.length,
    maxLength: SELECTORS.length + TAGS.length,
  })
  .map((members) => {
    const ids = [...SELECTORS.map(selectorSet), ...TAGS.map(tagSet)];
    return new Map(ids.map((id, index) => [id, new Set((members[index] ?? []).map(hostCidr))]));
  });

export function membershipOf(sets: IpSets): Membership {
  const isIn = (address: Address, id: IpSetId): boolean =>
    [...(sets.get(id) ?? [])].some((net) => cidrContains(net, address));
  return {
    inSelector: (address, selector) => isIn(address, selectorSet(selector)),
    inTag: (address, tag) => isIn(address, tagSet(tag)),
  };
}

/** What the calculation graph makes of a rule: selectors and tags become sets. */
export function compileRule(rule: Rule): CompiledRule {
  return { ...rule, source: compileEntity(rule.source), destination: compileEntity(rule.destination) };
}

function compileEntity({ nets, notNets, ports, notPorts, ...entity }: EntityMatch): EntityCondition {
  const ids = (selector?: string, tag?: string): IpSetId[] => [
    ...(selector === undefined ? [] : [selectorSet(selector)]),
    ...(tag === undefined ? [] : [tagSet(tag)]),
  ];
  return {
    nets,
    notNets,
    ports,
    notPorts,
    sets: ids(entity.selector, entity.tag),
    notSets: ids(entity.notSelector, entity.notTag),
  };
}

function selectorSet(selector: string): IpSetId {
  return `s:${selector.replaceAll(/\W/g, '')}` as IpSetId;
}

function tagSet(tag: string): IpSetId {
  return `t:${tag}` as IpSetId;
}
