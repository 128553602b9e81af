/**
 * From ConnectivityTests to packets: which probes show, in a running lab, what `heddle test` says of it. Pure.
 *
 * A test is about sets of packets that no rule tells apart (verify/classes/connection-space.ts): of each set one is
 * sent, of a range of ports that the test names both ends. What must become of a packet is what the verifier says of
 * that very packet, so that a probe that goes otherwise is a disagreement between engine and kernel, and not a test
 * that fails. What cannot be sent here is listed with the reason.
 */
import type { Address, IpFamily } from '../model/address.js';
import { IP_FAMILIES } from '../model/address.js';
import { membersOf } from '../model/bitset.js';
import { type DesiredState, type ResourceOf, resourcesOf } from '../model/resource.js';
import { type PortRange, PROTOCOL_NUMBERS } from '../model/rule.js';
import type { Packet } from '../policy/match-rule.js';
import type { Atom } from '../verify/classes/connection-space.js';
import { connectivityOf } from '../verify/classes/connectivity.js';
import type { FamilyConnectivity } from '../verify/classes/family-connectivity.js';
import { createJudge, type Judge } from '../verify/judge.js';
import { isMasqueradedSource } from '../verify/nat-outgoing.js';
import { type Network, networkFrom } from '../verify/network.js';
import { DEFAULT_SOURCE_PORT, icmpProtocol, protocolLabel } from '../verify/packets.js';
import { isSame, type Party } from '../verify/parties.js';
import { commonPorts, nameOf, showPacket } from '../verify/show-packet.js';
import { atomsOfTest, portsOf } from '../verify/test-packets.js';
import { pointsOfSide } from '../verify/test-sides.js';
import { traceBetween } from '../verify/trace.js';
import type { LabPlan } from './lab-plan.js';
import type { Probe } from './prober.js';

export interface ProbePlan {
  readonly probes: readonly PlannedProbe[];
  readonly skipped: readonly SkippedProbes[];
  /** Addresses of nobody, from and to which probes are sent: the fabric has to take them for a while. */
  readonly outside: readonly Address[];
}

export interface PlannedProbe {
  readonly test: string;
  readonly src: string;
  readonly dst: string;
  readonly family: IpFamily;
  /** What the verifier says of this packet. */
  readonly expected: 'allow' | 'deny';
  readonly probe: Probe;
  /** Namespace that answers. */
  readonly target: string;
}

/** A part of what a test is about, and why no packet of it is sent. */
export interface SkippedProbes {
  readonly test: string;
  /** A protocol, or somebody who is at an end of it. */
  readonly what: string;
  readonly reason: string;
}

type Test = ResourceOf<'ConnectivityTest'>;

export function planProbes(state: DesiredState, plan: LabPlan): ProbePlan {
  const network = networkFrom(state.values());
  const tests = resourcesOf(state.values(), 'ConnectivityTest');
  const asked = tests
    .flatMap(({ spec }) => [spec.from.cidr, spec.to.cidr])
    .filter((net) => net !== undefined);
  const connectivity = connectivityOf([network], asked);
  const planner = new Planner(plan, network);
  for (const test of tests) for (const family of IP_FAMILIES) planner.addTest(test, connectivity[family]);
  return planner.result();
}

class Planner {
  readonly #plan: LabPlan;
  readonly #judge: Judge;
  readonly #pools: Network['pools'];
  readonly #probes: PlannedProbe[] = [];
  readonly #skipped = new Map<string, SkippedProbes>();
  readonly #outside = new Set<Address>();

  constructor(plan: LabPlan, network: Network) {
    this.#plan = plan;
    this.#pools = network.pools;
    this.#judge = createJudge(network);
  }

  addTest(test: Test, { points, space }: FamilyConnectivity): void {
    const parties = (side: Test['spec']['from']): Party[] =>
      pointsOfSide(side, points).flatMap((point) => points[point]?.parties[0] ?? []);
    const atoms = membersOf(atomsOfTest(test.spec, space)).flatMap((index) => space.atoms[index] ?? []);
    const destinations = parties(test.spec.to);
    for (const from of parties(test.spec.from))
      for (const to of destinations)
        if (!isSame(from, to) && (from.type !== 'outside' || to.type !== 'outside'))
          this.#addPair(test, from, to, atoms);
  }

  result(): ProbePlan {
    return {
      probes: this.#probes,
      skipped: [...this.#skipped.values()],
      outside: [...this.#outside],
    };
  }

  #addPair(test: Test, from: Party, to: Party, atoms: readonly Atom[]): void {
    const [source, target] = [this.#namespaceOf(from), this.#namespaceOf(to)];
    if (source === undefined || target === undefined) {
      const absent = source === undefined ? from : to;
      this.#skip(test.metadata.name, nameOf(absent), 'it is not in the lab');
      return;
    }
    if (!this.#hasWayBack(from, to)) {
      this.#skip(test.metadata.name, `outside, ${nameOf(from.type === 'outside' ? to : from)}`, NO_WAY);
      return;
    }
    const named = portsOf(test.spec);
    for (const atom of atoms)
      for (const packet of packetsOf(atom, from, to, named))
        this.#addPacket(test, { from, to, source, target, atom, packet });
  }

  #addPacket({ metadata }: Test, { from, to, source, target, atom, packet }: PlannedPacket): void {
    const protocol = sendable(packet);
    if (protocol === undefined) {
      this.#skip(metadata.name, describeProtocol(atom, packet), 'the lab sends TCP, UDP and ping only');
      return;
    }
    const names = { src: nameOf(from), dst: nameOf(to) };
    for (const party of [from, to]) if (party.type === 'outside') this.#outside.add(party.address);
    this.#probes.push({
      test: metadata.name,
      ...names,
      family: packet.family,
      expected: traceBetween(this.#judge, names, { from, to, packet }).verdict,
      probe: { from: source, source: from.address, to: to.address, protocol, ...portsToSend(packet, atom) },
      target,
    });
  }

  /** The fabric, which stands for outside, is told of addresses that are routed there: not of those of an overlay. */
  #hasWayBack(from: Party, to: Party): boolean {
    if (from.type !== 'outside' && to.type !== 'outside') return true;
    return [from, to].every(
      (party) =>
        party.type !== 'workload' ||
        this.#plan.workloads.some(({ routedAddresses }) => routedAddresses.includes(party.address)) ||
        (party === from && isMasqueradedSource(this.#pools, party.address)),
    );
  }

  #skip(test: string, what: string, reason: string): void {
    this.#skipped.set(`${test} ${what}`, { test, what, reason });
  }

  /** The fabric stands for everybody outside. */
  #namespaceOf(party: Party): string | undefined {
    const { hosts, workloads, fabric } = this.#plan;
    switch (party.type) {
      case 'workload':
        return workloads.find(({ name }) => name === party.endpoint.name)?.namespace;
      case 'host':
        return hosts.find(({ name }) => name === party.name)?.namespace;
      case 'outside':
        return fabric.namespace;
    }
  }
}

const NO_WAY = 'outside has no route into a pool that is encapsulated';

interface PlannedPacket {
  readonly from: Party;
  readonly to: Party;
  readonly source: string;
  readonly target: string;
  readonly atom: Atom;
  readonly packet: Packet;
}

/** The packet that trace would show; of ports that the test names, the first and the last that the atom has. */
function packetsOf(atom: Atom, from: Party, to: Party, named: readonly PortRange[]): Packet[] {
  const shown = showPacket(atom, from, to, named);
  const { destinationPorts } = atom;
  if (!destinationPorts || named.some(({ first, last }) => first === 1 && last === 65_535)) return [shown];
  const ports = named.flatMap((range) => {
    const common = commonPorts(range, destinationPorts);
    return common ? [common.first, common.last] : [];
  });
  return [...new Set(ports)].map((port) => ({ ...shown, destination: { ...shown.destination, port } }));
}

function sendable({ protocol, family }: Packet): Probe['protocol'] | undefined {
  if (protocol === PROTOCOL_NUMBERS.TCP) return 'tcp';
  if (protocol === PROTOCOL_NUMBERS.UDP) return 'udp';
  return protocol === icmpProtocol(family) ? 'icmp' : undefined;
}

function describeProtocol({ protocol }: Atom, { family }: Packet): string {
  if (protocol === undefined) return 'other protocols';
  const isMisplaced = protocol === icmpProtocol(family === 4 ? 6 : 4);
  return `${protocolLabel(protocol)}${isMisplaced ? ` in IPv${family}` : ''}`;
}

/** A source port is asked for only where rules tell some of those apart that a kernel picks by itself (RFC 6335). */
function portsToSend({ destination }: Packet, { sourcePorts }: Atom): Pick<Probe, 'port' | 'sourcePort'> {
  if (destination.port === undefined) return {};
  const isPicked = sourcePorts && (sourcePorts.first > 1_024 || sourcePorts.last < 65_535);
  return { port: destination.port, ...(isPicked && { sourcePort: DEFAULT_SOURCE_PORT }) };
}
