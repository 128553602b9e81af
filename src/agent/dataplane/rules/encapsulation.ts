/**
 * Nobody but our hosts may encapsulate.
 *
 * A host takes a packet out of another and believes its inner source: policy has judged that one on the host it came
 * from. Whoever else can send such a packet to a host could be anybody. Outer packets to the host are therefore taken
 * from hosts of ours only, and the outer source is as good as the network between the hosts: what leaves a workload has
 * no source but its own.
 *
 * What comes from workloads is dropped whatever its destination, not only towards our hosts: masqueraded it would bear
 * the address of its host, which the others trust, and a host has more addresses than its Node names. And it is dropped
 * only of the kind, and in the family, in which hosts do encapsulate: where no tunnel listens there is nothing to take
 * it apart. Both as Calico does.
 *
 * The set is looked into in a chain of its own. Should the set be missing, the kernel refuses that chain alone, and it
 * becomes a drop (law 5); one without members drops everything by itself.
 */
import { type Encapsulation, OUTER_HEADERS } from '../../../model/encapsulation.js';
import { ALL_HOSTS_SET } from '../../calc/ip-set-definition.js';
import type { Chain, ChainRule, Match } from '../intent.js';
import { CHAINS } from './chain-names.js';
import { DROP, jump, rule } from './chain-rule.js';

/** Packets to the host that are encapsulated: on to the chain that asks who sent them. */
export function fromHostsOnly(inUse: readonly Encapsulation[]): readonly ChainRule[] {
  return inUse.map((each) => rule(outerHeader(each), jump(CHAINS.encapsulatedToHost)));
}

/** @param from - what tells packets of workloads, where the chain meets others too */
export function notFromWorkload(
  from: readonly Match[],
  inUse: readonly Encapsulation[],
): readonly ChainRule[] {
  return inUse.map((each) => rule([...from, ...outerHeader(each)], DROP, 'Encapsulated by a workload'));
}

export function encapsulatedToHostChain(): Chain {
  const { id } = ALL_HOSTS_SET;
  return {
    table: 'filter',
    name: CHAINS.encapsulatedToHost,
    rules: [rule([{ type: 'ip-set', end: 'source', id, negated: true }], DROP, 'Not encapsulated by a host')],
    // A host that joins is let in, and takes nothing from anybody.
    setUses: new Map([[id, { joining: false, leaving: true }]]),
  };
}

function outerHeader(encapsulation: Encapsulation): readonly Match[] {
  const { protocol, port } = OUTER_HEADERS[encapsulation];
  const ports = port === undefined ? [] : [{ first: port, last: port }];
  return [
    { type: 'protocol', protocol, negated: false },
    ...(ports.length > 0 ? [{ type: 'ports', end: 'destination', ports, negated: false } as const] : []),
  ];
}
