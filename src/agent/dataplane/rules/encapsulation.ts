/**
 * Nobody but our hosts may encapsulate.
 *
 * A host that decapsulates a packet believes the inner source address, because policy has judged it on the host that
 * encapsulated. Whoever else could send encapsulated packets to a host could pass for any workload. So a host takes them
 * from the addresses of Nodes only. How far an outer source address can be believed is up to the network between the
 * hosts; a workload cannot send with another address than its own.
 *
 * Encapsulated packets of workloads are dropped whatever their destination: masqueraded, they would bear the address of
 * their host, which the others trust. Both rules concern only the encapsulations, and the families, that a pool asks
 * for: where no tunnel is, nobody decapsulates. As in Calico.
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
