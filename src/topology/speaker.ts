/**
 * What a Node or a RouteReflector is to BGP: its addresses, its AS number, its settings.
 *
 * BGPConfiguration `node.<name>` overrides `default` field by field; the AS number may also stand in the resource
 * itself, which is the more specific place and wins. The router id is the IPv4 address (RFC 4271 section 4.2 wants
 * four octets), for both families. An address that no session can have counts as absent: the loader refuses it, and
 * in the store it must not cost the other hosts their sessions. Whoever has a cluster id reflects (RFC 4456) and is in no mesh of nodes.
 */

import { type Address, addressPart, type IpFamily } from '../model/address.js';
import { unfitForBgp } from '../model/bgp-address.js';
import { compareText } from '../model/compare-text.js';
import type { ResourceOf, SpecOf } from '../model/resource.js';
import type { Labels } from '../model/selector/evaluate.js';
import type { SelectorText } from '../model/selector/selector.js';
import type { TopologyInput } from './topology-input.js';

/** The first of the private AS numbers (RFC 6996), and Calico's default since v2. */
export const DEFAULT_AS_NUMBER = 64512;
/** RFC 4271 section 8. */
export const DEFAULT_BGP_PORT = 179;

export interface Speaker {
  readonly kind: 'Node' | 'RouteReflector';
  readonly name: string;
  readonly labels: Labels;
  readonly routerId: Address;
  /** One address per family that it has. */
  readonly addresses: ReadonlyMap<IpFamily, Address>;
  readonly asNumber: number;
  readonly listenPort: number;
  /** Of BGPConfiguration: `default` overridden field by field by `node.<name>`. */
  readonly settings: SpecOf<'BGPConfiguration'>;
  readonly inNodeMesh: boolean;
  /** Present: it reflects routes, for this cluster. */
  readonly clusterId?: Address;
  /** Of a RouteReflector: which nodes are its clients. Absent: every node that does not reflect itself. */
  readonly clientSelector?: SelectorText;
}

/** Everything that speaks BGP, sorted by name. A node without an IPv4 address does not. */
export function allSpeakers(input: TopologyInput): readonly Speaker[] {
  const nodes = [...input.nodes.values()].flatMap((node) => nodeSpeaker(node, input) ?? []);
  const reflectors = [...input.routeReflectors.values()]
    .filter(({ metadata, spec }) => !input.nodes.has(metadata.name) && !unfitForBgp(spec.ipv4Address))
    .map((reflector) => reflectorSpeaker(reflector, input));
  return [...nodes, ...reflectors].sort(
    (a, b) => compareText(a.name, b.name) || compareText(a.routerId, b.routerId),
  );
}

function nodeSpeaker({ metadata, spec }: ResourceOf<'Node'>, input: TopologyInput): Speaker | undefined {
  const { ipv4Address, ipv6Address, asNumber, routeReflectorClusterID: clusterId } = spec.bgp ?? {};
  if (!ipv4Address) return undefined;
  const settings = bgpSettingsOf(metadata.name, input);
  const address4 = addressPart(ipv4Address);
  if (unfitForBgp(address4) !== undefined) return undefined;
  return {
    kind: 'Node',
    name: metadata.name,
    labels: metadata.labels,
    routerId: address4,
    addresses: addressesOf(address4, ipv6Address && addressPart(ipv6Address)),
    ...numbersFrom(settings, asNumber),
    inNodeMesh: clusterId === undefined && (settings.nodeToNodeMeshEnabled ?? true),
    ...(clusterId !== undefined && { clusterId }),
  };
}

function reflectorSpeaker({ metadata, spec }: ResourceOf<'RouteReflector'>, input: TopologyInput): Speaker {
  const { ipv4Address, ipv6Address, asNumber, clusterID: clusterId, clientSelector } = spec;
  return {
    kind: 'RouteReflector',
    name: metadata.name,
    labels: metadata.labels,
    routerId: ipv4Address,
    addresses: addressesOf(ipv4Address, ipv6Address),
    ...numbersFrom(bgpSettingsOf(metadata.name, input), asNumber),
    inNodeMesh: false,
    clusterId,
    ...(clientSelector !== undefined && { clientSelector }),
  };
}

type BgpSettings = Speaker['settings'];

function bgpSettingsOf(name: string, input: TopologyInput): BgpSettings {
  return {
    ...input.bgpConfigurations.get('default')?.spec,
    ...input.bgpConfigurations.get(`node.${name}`)?.spec,
  };
}

function numbersFrom(settings: BgpSettings, ownAs: number | undefined) {
  return {
    settings,
    asNumber: ownAs ?? settings.asNumber ?? DEFAULT_AS_NUMBER,
    listenPort: settings.listenPort ?? DEFAULT_BGP_PORT,
  };
}

function addressesOf(address4: Address, address6: Address | undefined): ReadonlyMap<IpFamily, Address> {
  const addresses = new Map<IpFamily, Address>([[4, address4]]);
  if (address6 && unfitForBgp(address6) === undefined) addresses.set(6, address6);
  return addresses;
}
