/**
 * Which packets carry others between hosts, and who may send them to a host: hosts, and nobody else
 * (agent/dataplane/rules/encapsulation.ts). To workloads they may not matter, but from one they go nowhere.
 */
import type { Address, IpFamily } from '../model/address.js';
import { OUTER_HEADERS } from '../model/encapsulation.js';
import type { Rule } from '../model/rule.js';
import type { Packet } from '../policy/match-rule.js';
import type { Network } from './network.js';

type Encapsulating = Pick<Network, 'encapsulations' | 'encapsulators'>;

export function isEncapsulated(
  { encapsulations }: Encapsulating,
  { family, protocol, destination }: Pick<Packet, 'family' | 'protocol' | 'destination'>,
): boolean {
  return encapsulations[family].some((each) => {
    const header = OUTER_HEADERS[each];
    return header.protocol === protocol && (header.port === undefined || header.port === destination.port);
  });
}

/** Whether hosts take such packets from the address. */
export function mayEncapsulate({ encapsulators }: Encapsulating, source: Address): boolean {
  return encapsulators.has(source);
}

/** Whether both mean the same by what is above. */
export function encapsulateAlike(a: Encapsulating, b: Encapsulating): boolean {
  return a.encapsulations === b.encapsulations && a.encapsulators === b.encapsulators;
}

/** Rules that match what `isEncapsulated` says of a family, and tell it from all other packets. */
export function encapsulatedRules({ encapsulations }: Encapsulating, family: IpFamily): readonly Rule[] {
  const anywhere = { nets: [], notNets: [], ports: [], notPorts: [] };
  return encapsulations[family].map((each) => {
    const { protocol, port } = OUTER_HEADERS[each];
    const ports = port === undefined ? [] : [{ first: port, last: port }];
    return { action: 'Deny', family, protocol, source: anywhere, destination: { ...anywhere, ports } };
  });
}
