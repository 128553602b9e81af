/**
 * Everybody who can be at an end of a packet of one IP version, in one network or in two that are compared.
 *
 * A workload is a point for each of its addresses, a host likewise, and outside there is a point for each region
 * that rules tell apart. A workload's point is the same in both networks when it is the n-th address of the same name:
 * an endpoint that moves, or gets another address, remains itself. Hosts are known by their addresses.
 */
import { type Address, type Cidr, familyOf, type IpFamily } from '../../model/address.js';
import type { Endpoint, Host, Network } from '../network.js';
import { guardOf, type Party } from '../parties.js';
import { outsideRegions, type Taken } from './outside.js';
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

/** @param nets - all networks that are told apart, of any family. */
export function pointsOf(networks: readonly Network[], family: IpFamily, nets: Iterable<Cidr>): Points {
  const inside = new InsidePoints(networks);
  for (const [version, network] of networks.entries()) {
    const like = networks.findIndex((one) => hasSamePeople(one, network));
    if (like < version) inside.repeat(like, version);
    else addInside(inside, network, family, version);
  }
  const told = inside.all.length === 0 ? [] : [...nets].filter((net) => familyOf(net) === family);
  const regions = regionsOf(family, told);
  const outside = outsideRegions(regions, takenIn(networks)).map(({ region, sample }): Point => {
    const party: Party = { type: 'outside', address: sample };
    return { type: 'outside', name: '', parties: networks.map(() => party), region };
  });
  return { points: [...inside.all, ...outside], regions };
}

function hasSamePeople(one: Network, other: Network): boolean {
  return one.endpoints === other.endpoints && one.hosts === other.hosts;
}

function takenIn(networks: readonly Network[]): Taken {
  const ofHosts = new Set<Address>();
  for (const { hosts } of networks)
    for (const { addresses } of hosts) for (const address of addresses) ofHosts.add(address);
  const has = (address: Address): boolean =>
    ofHosts.has(address) || networks.some(({ index }) => index.isHeld(address));
  return { has };
}

type Inside = Exclude<Party, { type: 'outside' }>;

interface GrowingPoint extends Point {
  readonly parties: (Party | undefined)[];
}

class InsidePoints {
  readonly all: GrowingPoint[] = [];
  readonly #absent: readonly undefined[];
  /** Only a second network that is not like the first looks for points. */
  #known: KnownPoints | undefined;

  constructor(networks: readonly Network[]) {
    this.#absent = networks.map(() => undefined);
  }

  add(party: Inside, version: number): void {
    if (version > 0) this.#known ??= new KnownPoints(this.all);
    const known = this.#known?.find(party, version);
    if (known) {
      known.parties[version] = party;
      return;
    }
    const point: GrowingPoint = { type: party.type, name: nameOf(party), parties: [...this.#absent] };
    point.parties[version] = party;
    this.all.push(point);
    this.#known?.add(point, party);
  }

  /** The same people are in one network as in another. */
  repeat(like: number, version: number): void {
    for (const { parties } of this.all) parties[version] = parties[like];
  }
}

function nameOf(party: Inside): string {
  return party.type === 'workload' ? party.endpoint.name : party.name;
}

/** Finds the n-th address of a workload, or an address of a host, in one network again in the other. */
class KnownPoints {
  /** By name, the points of all first addresses, of all second ones, and so on. */
  readonly #workloads: Map<string, GrowingPoint>[] = [];
  /** By name and address, likewise. */
  readonly #hosts: Map<string, GrowingPoint>[] = [];

  constructor(points: readonly GrowingPoint[]) {
    for (const point of points) {
      const party = point.parties.find((one) => one !== undefined);
      if (party && party.type !== 'outside') this.add(point, party);
    }
  }

  /** One that is not in this network yet. */
  find(party: Inside, version: number): GrowingPoint | undefined {
    const key = keyOf(party);
    for (const points of this.#nth(party)) {
      const point = points.get(key);
      if (!point || point.parties[version] === undefined) return point;
    }
    return undefined;
  }

  add(point: GrowingPoint, party: Inside): void {
    const key = keyOf(party);
    const nth = this.#nth(party);
    const free = nth.find((points) => !points.has(key));
    if (free) free.set(key, point);
    else nth.push(new Map([[key, point]]));
  }

  #nth({ type }: Inside): Map<string, GrowingPoint>[] {
    return type === 'workload' ? this.#workloads : this.#hosts;
  }
}

function keyOf(party: Inside): string {
  return party.type === 'workload' ? party.endpoint.name : `${party.name} ${party.address}`;
}

function addInside(inside: InsidePoints, network: Network, family: IpFamily, version: number): void {
  const guards = new Map<string, Endpoint[]>();
  const hostAddresses = new Set<Address>();
  for (const { addresses } of network.hosts) for (const address of addresses) hostAddresses.add(address);
  const { endpoints } = network;
  for (let position = 0; position < endpoints.length; position += 1) {
    const endpoint = endpoints[position];
    if (!endpoint) continue;
    const { node, addresses } = endpoint;
    const isWorkload = endpoint.kind === 'WorkloadEndpoint';
    if (!isWorkload) guards.set(node, [...(guards.get(node) ?? []), endpoint]);
    for (let index = 0; index < addresses.length; index += 1) {
      const address = addresses[index];
      if (address === undefined || familyOf(address) !== family) continue;
      if (isWorkload) inside.add({ type: 'workload', address, endpoint }, version);
      // A host endpoint at an address of its host is met there.
      else if (!hostAddresses.has(address)) {
        inside.add({ type: 'host', address, name: node, hostEndpoint: endpoint }, version);
      }
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
    inside.add({ type: 'host', address, name, hostEndpoint: guardOf(guards, address) }, version);
  }
}
