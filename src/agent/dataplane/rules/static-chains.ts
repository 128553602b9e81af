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
 * Whether a workload sends from an address of its own is asked in raw PREROUTING: the route back to the source must
 * leave by the interface that the packet came in on. The sysctl rp_filter, which asks the same of IPv4, cannot be relied
 * on: `all`, which is the operator's, overrules that of an interface when it is 2. IPv6 has none. In IPv6 it also drops
 * router advertisements, by which a workload could become its host's gateway (CVE-2020-13597).
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
    rawPrerouting(family, fromWorkload),
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

export function hookRules({ chainInsertMode }: StaticSettings): readonly HookRules[] {
  const position = chainInsertMode === 'Insert' ? 'first' : 'last';
  const hook = (table: Table, name: Hook, chain: ChainName): HookRules => ({
    table,
    hook: name,
    position,
    rules: [rule([], jump(chain))],
  });
  return [
    hook('raw', 'PREROUTING', CHAINS.rawPrerouting),
    hook('nat', 'POSTROUTING', CHAINS.natPostrouting),
    hook('filter', 'INPUT', CHAINS.input),
    hook('filter', 'FORWARD', CHAINS.forward),
    hook('filter', 'OUTPUT', CHAINS.output),
  ];
}

function rawPrerouting(family: IpFamily, fromWorkload: Match): Chain {
  const advertisement = rule(
    [fromWorkload, ...icmp6(ROUTER_ADVERTISEMENT)],
    DROP,
    'Router advertisement from a workload',
  );
  const spoofed = rule([fromWorkload, { type: 'rpf-failed' }], DROP, 'Spoofed source');
  return {
    table: 'raw',
    name: CHAINS.rawPrerouting,
    rules: family === 6 ? [advertisement, spoofed] : [spoofed],
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
