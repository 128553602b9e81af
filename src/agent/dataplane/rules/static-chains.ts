/**
 * The chains that are there before any endpoint is, and the jumps from the kernel's own chains into them.
 *
 * A packet between workloads meets FORWARD: first what its source may send, then what its destination may receive;
 * one that comes back from both is accepted, so that no rule of another program behind us decides on our traffic.
 * A packet to the host itself meets INPUT: egress rules, then defaultEndpointToHostAction, which is what keeps a
 * workload from speaking BGP to its host (CVE-2021-26928). The host's own packets to a workload are not policed.
 *
 * While pools have hosts encapsulate, a packet inside a packet would pass all of this with whatever source it names. So
 * only hosts may bring one (rules/encapsulation.ts), which is asked before anything else of it is.
 *
 * IPv4 sources are checked by the sysctl rp_filter. IPv6 has none, so raw PREROUTING does it, and drops router
 * advertisements, by which a workload could become its host's gateway (CVE-2020-13597).
 */
import type { IpFamily } from '../../../model/address.js';
import type { Encapsulation } from '../../../model/encapsulation.js';
import { PROTOCOL_NUMBERS } from '../../../model/rule.js';
import type { AgentSettings } from '../../calc/agent-settings.js';
import type { Chain, ChainName, ChainRule, Hook, HookRules, Match, Table } from '../intent.js';
import { CHAINS } from './chain-names.js';
import { ACCEPT, DROP, goTo, jump, RETURN, rule } from './chain-rule.js';
import { fromHostsOnly, notFromWorkload } from './encapsulation.js';

export type StaticSettings = Pick<
  AgentSettings,
  'interfacePrefix' | 'defaultEndpointToHostAction' | 'chainInsertMode'
>;

/** RFC 4861, RFC 2710: without these a workload finds no gateway. MLD is 130 to 132. */
const NEIGHBOR_DISCOVERY_TYPES = [130, 131, 132, 133, 135, 136];
const ROUTER_ADVERTISEMENT = 134;

/** @param inUse - how hosts encapsulate in packets of the family */
export function staticChains(
  family: IpFamily,
  settings: StaticSettings,
  inUse: readonly Encapsulation[],
): readonly Chain[] {
  const fromWorkload = workload('in-interface', settings);
  const toWorkload = workload('out-interface', settings);
  const filter = (name: ChainName, rules: readonly ChainRule[]): Chain => ({ table: 'filter', name, rules });
  return [
    ...(family === 6 ? [rawPrerouting(fromWorkload)] : []),
    { table: 'nat', name: CHAINS.natPostrouting, rules: [rule([], jump(CHAINS.natOutgoing))] },
    filter(CHAINS.input, [rule([fromWorkload], goTo(CHAINS.workloadToHost)), ...fromHostsOnly(inUse)]),
    filter(CHAINS.workloadToHost, [...notFromWorkload([], inUse), ...workloadToHost(family, settings)]),
    filter(CHAINS.forward, [
      ...notFromWorkload([fromWorkload], inUse),
      rule([fromWorkload], jump(CHAINS.fromWorkload)),
      rule([toWorkload], jump(CHAINS.toWorkload)),
      rule([fromWorkload], ACCEPT),
      rule([toWorkload], ACCEPT),
    ]),
    filter(CHAINS.output, [rule([toWorkload], RETURN, 'Host to workload is not policed')]),
  ];
}

export function hookRules(family: IpFamily, { chainInsertMode }: StaticSettings): readonly HookRules[] {
  const position = chainInsertMode === 'Insert' ? 'first' : 'last';
  const hook = (table: Table, name: Hook, chain: ChainName): HookRules => ({
    table,
    hook: name,
    position,
    rules: [rule([], jump(chain))],
  });
  return [
    ...(family === 6 ? [hook('raw', 'PREROUTING', CHAINS.rawPrerouting)] : []),
    hook('nat', 'POSTROUTING', CHAINS.natPostrouting),
    hook('filter', 'INPUT', CHAINS.input),
    hook('filter', 'FORWARD', CHAINS.forward),
    hook('filter', 'OUTPUT', CHAINS.output),
  ];
}

function rawPrerouting(fromWorkload: Match): Chain {
  const advertisement = [fromWorkload, ...icmp6(ROUTER_ADVERTISEMENT)];
  return {
    table: 'raw',
    name: CHAINS.rawPrerouting,
    rules: [
      rule(advertisement, DROP, 'Router advertisement from a workload'),
      rule([fromWorkload, { type: 'rpf-failed' }], DROP, 'Spoofed source'),
    ],
  };
}

function workloadToHost(family: IpFamily, { defaultEndpointToHostAction }: StaticSettings): ChainRule[] {
  const lastWord = { Drop: DROP, Return: RETURN, Accept: ACCEPT }[defaultEndpointToHostAction];
  const discovery = family === 6 ? NEIGHBOR_DISCOVERY_TYPES : [];
  return [
    ...discovery.map((type) => rule(icmp6(type), ACCEPT)),
    rule([], jump(CHAINS.fromWorkload)),
    rule([], lastWord, 'defaultEndpointToHostAction'),
  ];
}

function workload(
  type: 'in-interface' | 'out-interface',
  { interfacePrefix }: Pick<StaticSettings, 'interfacePrefix'>,
): Match {
  return { type, name: interfacePrefix, prefix: true };
}

function icmp6(type: number): readonly Match[] {
  return [
    { type: 'protocol', protocol: PROTOCOL_NUMBERS.ICMPv6, negated: false },
    { type: 'icmp', icmp: { type }, negated: false },
  ];
}
