/**
 * Everybody who can be at an end of a packet of one IP version, in one network or in two that are compared.
 *
 * A workload is a point for each of its addresses, a host likewise, and outside there is a point for each region
 * that rules tell apart. A workload's point is the same in both networks when it is the n-th address of the same name:
 * an endpoint that moves, or gets another address, remains itself. Hosts are known by their addresses.
 */
import { type Address, type Cidr, familyOf, type IpFamily } from '../../model/address.js';
import type { Rule } from '../../model/rule.js';
import type { Policy, Profile } from '../../policy/policy.js';
import type { Endpoint, Host, Network } from '../network.js';
import { guardOf, type Party } from '../parties.js';
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
  const inside = new InsidePoints(networks.length);
  for (const [version, network] of networks.entries()) addInside(inside, network, family, version);
  const wanted = asked.filter((net) => familyOf(net) === family);
  const regions = regionsOf(family, inside.all.length === 0 ? [] : [...wanted, ...netsOf(networks, family)]);
  const taken = new Set<Address>();
  for (const { parties } of inside.all) for (const party of parties) if (party) taken.add(party.address);
  const outside = outsideRegions(regions, taken).map(({ region, sample }): Point => {
    const party: Party = { type: 'outside', address: sample };
    return { type: 'outside', name: '', parties: networks.map(() => party), region };
  });
  return { points: [...inside.all, ...outside], regions };
}

interface GrowingPoint extends Point {
  readonly parties: (Party | undefined)[];
}

/** Finds the n-th address of a workload, or an address of a host, in one network again in the other. */
class InsidePoints {
  readonly all: GrowingPoint[] = [];
  readonly #versions: number;
  readonly #workloads = new Map<string, GrowingPoint[]>();
  readonly #hosts = new Map<string, GrowingPoint[]>();

  constructor(versions: number) {
    this.#versions = versions;
  }

  add(name: string, party: Exclude<Party, { type: 'outside' }>, version: number): void {
    const [known, key] =
      party.type === 'workload' ? [this.#workloads, name] : [this.#hosts, `${name} ${party.address}`];
    let own = known.get(key);
    if (!own) {
      own = [];
      known.set(key, own);
    }
    let point = own.find(({ parties }) => parties[version] === undefined);
    if (!point) {
      const parties = new Array<Party | undefined>(this.#versions).fill(undefined);
      point = { type: party.type, name, parties };
      own.push(point);
      this.all.push(point);
    }
    point.parties[version] = party;
  }
}

function addInside(inside: InsidePoints, network: Network, family: IpFamily, version: number): void {
  const guards = new Map<string, Endpoint[]>();
  const hostAddresses = new Set(network.hosts.flatMap(({ addresses }) => addresses));
  for (const endpoint of network.endpoints) {
    const { name, node } = endpoint;
    const isWorkload = endpoint.kind === 'WorkloadEndpoint';
    if (!isWorkload) guards.set(node, [...(guards.get(node) ?? []), endpoint]);
    for (const address of endpoint.addresses) {
      if (familyOf(address) !== family) continue;
      if (isWorkload) inside.add(name, { type: 'workload', address, endpoint }, version);
      // A host endpoint at an address of its host is met there.
      else if (!hostAddresses.has(address))
        inside.add(node, { type: 'host', address, name: node, hostEndpoint: endpoint }, version);
    }
  }
  for (const host of network.hosts) addHost(inside, host, guards.get(host.name) ?? [], family, version);
}

function addHost(
  inside: InsidePoints,
  { name, addresses }: Host,
  guards: readonly Endpoint[],
  family: IpFamily,
  version: number,
): void {
  for (const address of addresses) {
    if (familyOf(address) !== family) continue;
    inside.add(name, { type: 'host', address, name, hostEndpoint: guardOf(guards, address) }, version);
  }
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
