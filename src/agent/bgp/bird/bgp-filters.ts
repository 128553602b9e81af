/**
 * BGPFilters as functions of BIRD's filter language: one per filter, direction and family, called by the sessions that
 * name it, before the rules of the pools.
 *
 * A rule that matches ends the filter of the session, whichever way it decides; a function that decides nothing returns
 * to its caller. A filter that does not exist decides against every route. Priorities are metrics of the kernel, where
 * less is better; between hosts they travel as local preference, where more is better, so it is counted down from the
 * largest number (as Calico does).
 */
import { createHash } from 'node:crypto';
import { addressLength, type Cidr, type IpFamily, prefixLength } from '../../../model/address.js';
import type { SpecOf } from '../../../model/resource.js';
import type { BgpModel, BgpSession } from '../../../topology/bgp-model.js';
import {
  type BirdText,
  bird,
  block,
  community,
  interfacesLike,
  joined,
  network,
  symbol,
} from './bird-text.js';

type Spec = SpecOf<'BGPFilter'>;
type Rule = NonNullable<Spec['exportV4']>[number];
type Operation = NonNullable<Rule['operations']>[number];
export type Direction = 'import' | 'export';

/** The functions that sessions of this family can call. */
export function filterFunctions(family: IpFamily, { filters, sessions }: BgpModel): BirdText[] {
  const used = new Set(
    sessions.filter((session) => session.family === family).flatMap((session) => session.filters ?? []),
  );
  return filters
    .filter(({ name }) => used.has(name))
    .flatMap(({ name, spec }) =>
      (['export', 'import'] as const).flatMap((direction) => {
        const rules = spec && rulesOf(spec, direction, family);
        if (rules?.length === 0) return [];
        const statements = rules?.map((rule) => statement(rule, direction, family)) ?? [bird`reject;`];
        return block(
          bird`\nfunction ${functionName(name, direction, family)}(bool is_internal)`,
          ...statements,
        );
      }),
    );
}

/** What a session does with a route before the rules of the pools are asked. */
export function filterCalls(session: BgpSession, direction: Direction, { filters }: BgpModel): BirdText[] {
  const { family, localAs, peerAs } = session;
  const internal = localAs === peerAs ? bird`true` : bird`false`;
  return (session.filters ?? []).flatMap((name) => {
    const spec = filters.find((filter) => filter.name === name)?.spec;
    if (spec && rulesOf(spec, direction, family).length === 0) return [];
    return [bird`${functionName(name, direction, family)}(${internal});`];
  });
}

function rulesOf(spec: Spec, direction: Direction, family: IpFamily): readonly Rule[] {
  return spec[`${direction}V${family}`] ?? [];
}

/** Filters whose names read alike are told apart by the hash. */
function functionName(name: string, direction: Direction, family: IpFamily): BirdText {
  const readable = name.replace(/\W/g, '_').slice(0, 24);
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return symbol('heddle_', `filter_${readable}_${hash}_${direction}_${family}`);
}

function statement(rule: Rule, direction: Direction, family: IpFamily): BirdText {
  const conditions = conditionsOf(rule, direction, family);
  const operations = joined((rule.operations ?? []).map((one) => operation(one, direction)));
  const then = rule.action === 'Reject' ? bird`reject;` : bird`${operations}accept;`;
  // A block by itself is no statement to BIRD 1.6.
  if (conditions.length === 0) return then;
  const all = conditions.map((condition, index) => bird`${index > 0 ? bird` && ` : bird``}${condition}`);
  return bird`if ${joined(all)} then ${rule.action === 'Reject' ? then : bird`{ ${then} }`}`;
}

function conditionsOf(rule: Rule, direction: Direction, family: IpFamily): BirdText[] {
  const { cidr, source, peerType, communities, asPathPrefix, priority } = rule;
  return [
    ...(cidr === undefined ? [] : [networkCondition(cidr, rule, family)]),
    ...(source === 'RemotePeers' ? [bird`source = RTS_BGP`] : []),
    ...(rule.interface === undefined ? [] : [bird`ifname ~ ${interfacesLike(rule.interface)}`]),
    ...(peerType === undefined ? [] : [peerType === 'iBGP' ? bird`is_internal` : bird`!is_internal`]),
    ...(communities === undefined ? [] : [anyCommunity(communities.values)]),
    ...(asPathPrefix === undefined || asPathPrefix.length === 0
      ? []
      : [bird`bgp_path ~ [= ${joined(asPathPrefix.map((as) => bird`${as} `))}* =]`]),
    ...(priority === undefined ? [] : [priorityCondition(priority, direction)]),
  ];
}

/**
 * Lengths say which prefixes count as inside or as equal (Calico writes `net !~ [ cidr{min,max} ]`), so each operator
 * with Not matches exactly what the one without does not.
 */
function networkCondition(cidr: Cidr, rule: Rule, family: IpFamily): BirdText {
  const { prefixLength: range = {}, matchOperator = 'In' } = rule;
  const { min = 0, max = addressLength(family) } = range;
  const own = prefixLength(cidr);
  const shortest = Math.max(min, own);
  // BIRD refuses a range that ends before it begins.
  const inside = max < shortest ? bird`false` : bird`(net ~ [ ${network(cidr)}{${shortest},${max}} ])`;
  const equal = own < min || own > max ? bird`false` : bird`(net = ${network(cidr)})`;
  switch (matchOperator) {
    case 'Equal':
      return equal;
    case 'NotEqual':
      return bird`!${equal}`;
    case 'In':
      return inside;
    case 'NotIn':
      return bird`!${inside}`;
  }
}

function anyCommunity(values: readonly string[]): BirdText {
  const tests = values.map((text, index) => {
    const { attribute, value } = community(text);
    return bird`${index > 0 ? bird` || ` : bird``}${value} ~ ${attribute}`;
  });
  return values.length === 0 ? bird`false` : bird`(${joined(tests)})`;
}

const MOST_PREFERRED = 2_147_483_647;

function priorityCondition(priority: number, direction: Direction): BirdText {
  return direction === 'export'
    ? bird`(defined(krt_metric) && krt_metric = ${priority})`
    : bird`(defined(bgp_local_pref) && bgp_local_pref = ${MOST_PREFERRED - priority})`;
}

function operation({ addCommunity, prependASPath, setPriority }: Operation, direction: Direction): BirdText {
  if (addCommunity) {
    const { attribute, value } = community(addCommunity.value);
    return bird`${attribute}.add(${value}); `;
  }
  if (prependASPath) {
    // Each goes before what is there, so the outermost is the last.
    const numbers = [...prependASPath.prefix].reverse();
    return joined(numbers.map((as) => bird`bgp_path.prepend(${as}); `));
  }
  // On import it would be a metric of the kernel, and BIRD leaves the IPv4 route with the old metric behind.
  return setPriority && direction === 'export'
    ? bird`bgp_local_pref = ${MOST_PREFERRED - setPriority.value}; `
    : bird``;
}
