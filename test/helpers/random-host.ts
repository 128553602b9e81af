/**
 * Random networks as one host sees them: three workloads that may be there, one on another host, and the outside.
 *
 * The policy is that of random-network.ts, with all fields of rules; the addresses are those that it knows.
 */
import fc from 'fast-check';
import { type LoadResult, loadManifests } from '../../src/loader/load.js';
import { type Address, IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import { hasPorts, PROTOCOL_NUMBERS } from '../../src/model/rule.js';
import type { Packet } from '../../src/policy/match-rule.js';
import { address } from './build-resources.js';
import { anyLabels, policyParts } from './random-network.js';

export type Place = 'w1' | 'w2' | 'w3' | 'elsewhere' | 'outside' | 'host';

export const HOST_NAME = 'host-1';
export const WORKLOADS = ['w1', 'w2', 'w3'] as const;
export const PLACES: Readonly<Record<Place, Readonly<Record<IpFamily, Address>>>> = {
  w1: { 4: address('10.0.0.1'), 6: address('fd00::1') },
  w2: { 4: address('10.0.0.2'), 6: address('fd00::2') },
  w3: { 4: address('10.0.1.1'), 6: address('fd00:1::1') },
  elsewhere: { 4: address('10.0.1.7'), 6: address('fd00:1::7') },
  outside: { 4: address('203.0.113.9'), 6: address('2001:db8::1') },
  host: { 4: address('192.0.2.1'), 6: address('fd99::1') },
};

/** The other host. */
export const PEER: Readonly<Record<IpFamily, Address>> = { 4: address('192.0.2.2'), 6: address('fd99::2') };

export interface Sent {
  readonly from: Place;
  readonly to: Place;
  readonly packet: Packet;
  /** Inside it: either of the two may be what comes to where it was sent. */
  readonly carries?: Packet;
}

type Document = Readonly<Record<string, unknown>>;

function document(kind: string, name: string, spec: object, labels: object = {}): Document {
  return { apiVersion: 'heddle/v1', kind, metadata: { name, labels }, spec };
}

const endpoint = (name: (typeof WORKLOADS)[number] | 'elsewhere') =>
  fc
    .record({
      isThere: fc.integer({ min: 0, max: 7 }).map((number) => number > 0),
      labels: anyLabels,
      profiles: fc.uniqueArray(fc.constantFrom('web', 'api', 'open', 'missing'), { maxLength: 2 }),
      state: fc.constantFrom('active', 'active', 'active', 'active', 'active', 'inactive'),
    })
    .map(({ isThere, labels, ...spec }) => {
      const node = name === 'elsewhere' ? 'host-2' : HOST_NAME;
      const ipNetworks = IP_FAMILIES.map((family) => PLACES[name][family]);
      const mac = 'ee:ee:ee:ee:ee:ee';
      const place = { node, ipNetworks, mac, interfaceName: `cali${name}` };
      return isThere ? [document('WorkloadEndpoint', name, { ...place, ...spec }, labels)] : [];
    });

const vxlanMode = fc.constantFrom('Never', 'Always', 'CrossSubnet');

const surroundings = fc
  .record({
    masquerade: fc.boolean(),
    toHost: fc.constantFrom('Drop', 'Accept', 'Return'),
    noPolicyEgress: fc.constantFrom('Allow', 'Deny'),
    overlay: fc.record({ 4: vxlanMode, 6: vxlanMode }),
  })
  .map(({ masquerade: natOutgoing, toHost: defaultEndpointToHostAction, noPolicyEgress, overlay }) => [
    document('IPPool', 'four', { cidr: '10.0.0.0/24', natOutgoing, vxlanMode: overlay[4] }),
    document('IPPool', 'six', { cidr: 'fd00::/64', natOutgoing, vxlanMode: overlay[6] }),
    document('AgentConfiguration', 'default', { defaultEndpointToHostAction, noPolicyEgress }),
    document('Node', HOST_NAME, { bgp: { ipv4Address: '192.0.2.1/24', ipv6Address: 'fd99::1/64' } }),
    document('Node', 'host-2', { bgp: { ipv4Address: '192.0.2.2/24', ipv6Address: 'fd99::2/64' } }),
  ]);

/** The text of a file of manifests that the loader lets through. */
export const hostManifests: fc.Arbitrary<string> = fc
  .tuple(
    surroundings,
    fc.tuple(...[...WORKLOADS, 'elsewhere' as const].map(endpoint)).map((lists) => lists.flat()),
    policyParts.map((parts) =>
      parts.map(({ kind, metadata, spec }) => document(kind, metadata.name, spec, metadata.labels)),
    ),
  )
  .map(
    (parts) =>
      `${parts
        .flat()
        .map((one) => JSON.stringify(one))
        .join('\n---\n')}\n`,
  )
  .filter((text) => loadText(text).diagnostics.every(({ severity }) => severity !== 'error'));

export function loadText(text: string): LoadResult {
  return loadManifests([{ path: 'network.yaml', blobId: text, bytes: new TextEncoder().encode(text) }]);
}

const PORTS = [79, 80, 250, 443, 8500];
const TYPES: Readonly<Record<IpFamily, readonly number[]>> = { 4: [0, 3, 8, 13], 6: [1, 128, 129, 135, 139] };
const IPIP = 4;
const GRE = 47;
const ESP = 50;

/** Every packet that could be sent, to or from a workload of the host, or into its tunnels. No two are equal. */
export const POSSIBLE_PACKETS: readonly Sent[] = (Object.keys(PLACES) as Place[])
  .flatMap((from) =>
    (Object.keys(PLACES) as Place[])
      .filter((to) => from !== to && [from, to].some(isLocal))
      .flatMap((to) => IP_FAMILIES.flatMap((family) => packetsBetween(from, to, family))),
  )
  .concat(IP_FAMILIES.flatMap(encapsulatedPackets));

/** What tunnels would take, of those who may send it and of those who may not. */
function encapsulatedPackets(family: IpFamily): Sent[] {
  const ofWorkloads = WORKLOADS.flatMap((from) =>
    (Object.keys(PLACES) as Place[])
      .filter((to) => from !== to)
      .flatMap((to) => tunnelPackets(from, to, family, PLACES[from])),
  );
  return [
    ...ofWorkloads,
    ...tunnelPackets('outside', 'host', family, PLACES.outside),
    ...tunnelPackets('elsewhere', 'host', family, PLACES.elsewhere),
    ...tunnelPackets('outside', 'host', family, PEER),
    ...tunnelPackets('outside', 'w1', family, PLACES.outside),
  ];
}

function tunnelPackets(from: Place, to: Place, family: IpFamily, sender: (typeof PLACES)[Place]): Sent[] {
  const [source, destination] = [{ address: sender[family] }, { address: PLACES[to][family] }];
  const vxlan = { source: { ...source, port: 49_152 }, destination: { ...destination, port: 4789 } };
  const packets: Packet[] = [
    { family, protocol: PROTOCOL_NUMBERS.UDP, ...vxlan },
    { family, protocol: IPIP, source, destination },
  ];
  return packets.map((packet) => ({ from, to, packet }));
}

export function isLocal(place: Place): boolean {
  return WORKLOADS.some((name) => name === place);
}

/** In the pools of `surroundings`, so masqueraded on the way out of them. */
export function isPooled(place: Place): boolean {
  return place === 'w1' || place === 'w2';
}

function packetsBetween(from: Place, to: Place, family: IpFamily): Sent[] {
  const [source, destination] = [{ address: PLACES[from][family] }, { address: PLACES[to][family] }];
  const icmp = family === 4 ? PROTOCOL_NUMBERS.ICMP : PROTOCOL_NUMBERS.ICMPv6;
  const transport = Object.values(PROTOCOL_NUMBERS).filter(hasPorts);
  const packets: Packet[] = [
    ...transport.flatMap((protocol) =>
      PORTS.flatMap((port) =>
        PORTS.map((other) => ({
          family,
          protocol,
          source: { ...source, port: other },
          destination: { ...destination, port },
        })),
      ),
    ),
    ...TYPES[family].flatMap((type) =>
      [0, 1].map((code) => ({ family, protocol: icmp, source, destination, icmp: { type, code } })),
    ),
    ...[GRE, ESP].map((protocol) => ({ family, protocol, source, destination })),
  ];
  return packets.map((packet) => ({ from, to, packet }));
}
