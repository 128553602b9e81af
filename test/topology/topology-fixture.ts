/** Builds topology inputs in a few words. */
import {
  type Address,
  type InterfaceAddress,
  maskCidr,
  parseAddress,
  parseInterfaceAddress,
} from '../../src/model/address.js';
import type { BlockState } from '../../src/model/ipam-block.js';
import type { Kind, ResourceOf, SpecOf } from '../../src/model/resource.js';
import type { Labels } from '../../src/model/selector/evaluate.js';
import { type SelectorText, toSelectorText } from '../../src/model/selector/selector.js';
import type { TopologyInput } from '../../src/topology/topology-input.js';

export interface NetworkText {
  /** Node name -> addresses with prefix, AS number, cluster id, labels. */
  readonly nodes?: Readonly<Record<string, NodeText>>;
  /** Reflector name -> addresses, cluster id, AS number, selector of clients. */
  readonly reflectors?: Readonly<Record<string, ReflectorText>>;
  readonly peers?: Readonly<Record<string, PeerText>>;
  readonly filters?: Readonly<Record<string, SpecOf<'BGPFilter'>>>;
  readonly bgp?: Readonly<Record<string, SpecOf<'BGPConfiguration'>>>;
  /** CIDR -> what differs from an ordinary pool. */
  readonly pools?: Readonly<Record<string, Partial<SpecOf<'IPPool'>>>>;
  /** CIDR -> node -> state of its claim. */
  readonly blocks?: Readonly<Record<string, Readonly<Record<string, BlockState>>>>;
}

interface NodeText {
  readonly v4?: string;
  readonly v6?: string;
  readonly as?: number;
  readonly cluster?: string;
  readonly labels?: Labels;
}

interface ReflectorText {
  readonly v4: string;
  readonly v6?: string;
  readonly cluster: string;
  readonly as?: number;
  readonly clients?: string;
}

export type PeerText = Omit<SpecOf<'BGPPeer'>, 'nodeSelector' | 'peerSelector'> & {
  readonly nodeSelector?: string;
  readonly peerSelector?: string;
};

export function topologyInput({
  nodes = {},
  reflectors = {},
  peers = {},
  filters = {},
  bgp = {},
  pools = {},
  blocks = {},
}: NetworkText): TopologyInput {
  return {
    nodes: named('Node', nodes, nodeSpec, ({ labels }) => labels),
    routeReflectors: named('RouteReflector', reflectors, reflectorSpec),
    bgpPeers: named('BGPPeer', peers, ({ nodeSelector, peerSelector, ...spec }) => ({
      ...spec,
      ...(nodeSelector !== undefined && { nodeSelector: selector(nodeSelector) }),
      ...(peerSelector !== undefined && { peerSelector: selector(peerSelector) }),
    })),
    bgpFilters: named('BGPFilter', filters, (spec) => spec),
    bgpConfigurations: named('BGPConfiguration', bgp, (spec) => spec),
    pools: named('IPPool', pools, (spec, cidr) => ({ ...ORDINARY_POOL, cidr: network(cidr), ...spec })),
    blocks: blockMap(blocks),
    interfacePrefix: 'cali',
  };
}

function nodeSpec({ v4, v6, as, cluster }: NodeText): SpecOf<'Node'> {
  return {
    bgp: {
      ...(v4 !== undefined && { ipv4Address: interfaceAddress(v4) }),
      ...(v6 !== undefined && { ipv6Address: interfaceAddress(v6) }),
      ...(as !== undefined && { asNumber: as }),
      ...(cluster !== undefined && { routeReflectorClusterID: address(cluster) }),
    },
  };
}

function reflectorSpec({ v4, v6, cluster, as, clients }: ReflectorText): SpecOf<'RouteReflector'> {
  return {
    ipv4Address: address(v4),
    ...(v6 !== undefined && { ipv6Address: address(v6) }),
    clusterID: address(cluster),
    ...(as !== undefined && { asNumber: as }),
    ...(clients !== undefined && { clientSelector: selector(clients) }),
  };
}

const ORDINARY_POOL = {
  natOutgoing: false,
  disabled: false,
  ipipMode: 'Never',
  vxlanMode: 'Never',
  disableBGPExport: false,
} as const;

function blockMap(blocks: NonNullable<NetworkText['blocks']>): TopologyInput['blocks'] {
  return new Map(
    Object.entries(blocks).map(([cidr, claims]) => [
      cidr,
      {
        cidr: network(cidr),
        affinities: Object.entries(claims).map(([node, state]) => ({ node, state })),
      },
    ]),
  );
}

function named<K extends Kind, T>(
  kind: K,
  entries: Readonly<Record<string, T>>,
  spec: (entry: T, name: string) => SpecOf<K>,
  labels: (entry: T) => Labels | undefined = () => undefined,
): ReadonlyMap<string, ResourceOf<K>> {
  return new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      {
        kind,
        metadata: { name, labels: labels(entry) ?? {}, annotations: {} },
        spec: spec(entry, name),
        origin: { file: 'network.yaml', line: 1, col: 1 },
      },
    ]),
  );
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`the fixture has no address: ${text}`);
  return parsed;
}

function selector(text: string): SelectorText {
  const parsed = toSelectorText(text);
  if (parsed === undefined) throw new Error(`the fixture has no selector: ${text}`);
  return parsed;
}

function interfaceAddress(text: string): InterfaceAddress {
  const address = parseInterfaceAddress(text);
  if (!address) throw new Error(`the fixture has no interface address: ${text}`);
  return address;
}

export function network(text: string): SpecOf<'IPPool'>['cidr'] {
  const cidr = maskCidr(text);
  if (!cidr) throw new Error(`the fixture has no network: ${text}`);
  return cidr;
}
