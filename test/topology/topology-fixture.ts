/** Builds topology inputs in a few words. */
import { type InterfaceAddress, maskCidr, parseInterfaceAddress } from '../../src/model/address.js';
import type { Kind, ResourceOf, SpecOf } from '../../src/model/resource.js';
import type { TopologyInput } from '../../src/topology/topology-input.js';

export interface NetworkText {
  /** Node name -> addresses with prefix, AS number. */
  readonly nodes?: Readonly<Record<string, { v4?: string; v6?: string; as?: number }>>;
  readonly bgp?: Readonly<Record<string, SpecOf<'BGPConfiguration'>>>;
  /** CIDR -> what differs from an ordinary pool. */
  readonly pools?: Readonly<Record<string, Partial<SpecOf<'IPPool'>>>>;
}

export function topologyInput({ nodes = {}, bgp = {}, pools = {} }: NetworkText): TopologyInput {
  return {
    nodes: named('Node', nodes, ({ v4, v6, as }) => ({
      bgp: {
        ...(v4 !== undefined && { ipv4Address: interfaceAddress(v4) }),
        ...(v6 !== undefined && { ipv6Address: interfaceAddress(v6) }),
        ...(as !== undefined && { asNumber: as }),
      },
    })),
    bgpConfigurations: named('BGPConfiguration', bgp, (spec) => spec),
    pools: named('IPPool', pools, (spec, cidr) => ({ ...ORDINARY_POOL, cidr: network(cidr), ...spec })),
    interfacePrefix: 'cali',
  };
}

const ORDINARY_POOL = {
  natOutgoing: false,
  disabled: false,
  ipipMode: 'Never',
  vxlanMode: 'Never',
  disableBGPExport: false,
} as const;

function named<K extends Kind, T>(
  kind: K,
  entries: Readonly<Record<string, T>>,
  spec: (entry: T, name: string) => SpecOf<K>,
): ReadonlyMap<string, ResourceOf<K>> {
  return new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      {
        kind,
        metadata: { name, labels: {}, annotations: {} },
        spec: spec(entry, name),
        origin: { file: 'network.yaml', line: 1, col: 1 },
      },
    ]),
  );
}

function interfaceAddress(text: string): InterfaceAddress {
  const address = parseInterfaceAddress(text);
  if (!address) throw new Error(`the fixture has no interface address: ${text}`);
  return address;
}

function network(text: string): SpecOf<'IPPool'>['cidr'] {
  const cidr = maskCidr(text);
  if (!cidr) throw new Error(`the fixture has no network: ${text}`);
  return cidr;
}
