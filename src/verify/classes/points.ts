/**
 * Everybody who can be at an end of a packet of one IP version, in one network or in two that are compared.
 *
 * A workload is a point for each of its addresses, a host likewise, and outside there is a point for each region
 * that rules tell apart. A point is the same in both networks when it is the n-th address of the same name: an
 * endpoint that moves, or gets another address, remains itself.
 */
import { type Address, type Cidr, familyOf, type IpFamily } from '../../model/address.js';
import type { Rule } from '../../model/rule.js';
import type { Policy, Profile } from '../../policy/policy.js';
import type { Host, Network } from '../network.js';
import { createDirectory, type Party } from '../parties.js';
import { outsideRegions } from './outside.js';
import { type Region, type Regions, regionsOf } from './regions.js';

export interface Point {
  readonly type: Party['type'];
  /** Of the endpoint or host; '' outside. */
  readonly name: string;
  /** In each network; undefined where it is not there. */
  readonly parties: readonly (Party | undefined)[];
  /** Outside only. */
  readonly region?: Region;
}

export interface Points {
  readonly points: readonly Point[];
  readonly regions: Regions;
}

/** @param asked - networks that are told apart even where no rule does, of any family. */
export function pointsOf(networks: readonly Network[], family: IpFamily, asked: readonly Cidr[]): Points {
  const wanted = asked.filter((net) => familyOf(net) === family);
  const regions = regionsOf(family, [...wanted, ...netsOf(networks, family)]);
  const inside = new Map<string, { type: Party['type']; name: string; parties: (Party | undefined)[] }>();
  const taken = new Set<Address>();
  for (const [version, network] of networks.entries()) {
    const places = new Counter();
    for (const { name, party } of partiesOf(network, family)) {
      const place = `${party.type} ${name}`;
      const key = `${place} ${places.next(place)}`;
      const point = inside.get(key) ?? { type: party.type, name, parties: networks.map(() => undefined) };
      point.parties[version] = party;
      inside.set(key, point);
      taken.add(party.address);
    }
  }
  const outside = outsideRegions(regions, taken).map(({ region, sample }): Point => {
    const party: Party = { type: 'outside', address: sample };
    return { type: 'outside', name: '', parties: networks.map(() => party), region };
  });
  return { points: [...inside.values(), ...outside], regions };
}

class Counter {
  readonly #counts = new Map<string, number>();

  next(key: string): number {
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    return count;
  }
}

function* partiesOf(
  network: Network,
  family: IpFamily,
): Generator<{ readonly name: string; readonly party: Party }, void> {
  const { hostParty } = createDirectory(network);
  const isHosts = new Set(network.hosts.flatMap(({ addresses }) => addresses));
  for (const endpoint of network.endpoints) {
    const { kind, name } = endpoint;
    for (const address of endpoint.addresses) {
      if (familyOf(address) !== family) continue;
      if (kind === 'WorkloadEndpoint') yield { name, party: { type: 'workload', address, endpoint } };
      // A host endpoint at an address of its host is met there.
      else if (!isHosts.has(address)) yield { name: endpoint.node, party: hostParty(endpoint, address) };
    }
  }
  for (const host of network.hosts)
    for (const address of addressesIn(host, family))
      yield { name: host.name, party: hostParty(host, address) };
}

function addressesIn({ addresses }: Host, family: IpFamily): readonly Address[] {
  return addresses.filter((address) => familyOf(address) === family);
}

/** Every network that a rule or a network set names. */
function* netsOf(networks: readonly Network[], family: IpFamily): Generator<Cidr, void> {
  for (const network of networks) {
    for (const { nets } of network.networkSets) yield* nets.filter((net) => familyOf(net) === family);
    for (const { source, destination } of rulesOf(network))
      for (const list of [source.nets, source.notNets, destination.nets, destination.notNets])
        for (const net of list) if (familyOf(net) === family) yield net;
  }
}

/** Every rule of a network that can decide on a connection. */
export function* rulesOf({ policies, profiles }: Network): Generator<Rule, void> {
  const holders: readonly (Policy | Profile)[] = [
    ...policies.filter(({ judgesConnections }) => judgesConnections),
    ...profiles.values(),
  ];
  for (const { rules } of holders)
    for (const list of [rules.ingress, rules.egress])
      for (const rule of list) if (rule.action !== 'Log') yield rule;
}
