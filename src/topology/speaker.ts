/**
 * What one node is to BGP: its addresses, its AS number, its settings.
 *
 * BGPConfiguration `node.<name>` overrides `default` field by field; the AS number may also stand in the Node,
 * which is the more specific place and wins. The router id is the node's IPv4 address (RFC 4271 section 4.2 wants
 * four octets), for both families.
 */
import { type Address, addressPart, type InterfaceAddress, type IpFamily } from '../model/address.js';
import type { SpecOf } from '../model/resource.js';
import type { BgpModel } from './bgp-model.js';
import type { TopologyInput } from './topology-input.js';

/** The first of the private AS numbers (RFC 6996), and Calico's default since v2. */
export const DEFAULT_AS_NUMBER = 64512;
/** RFC 4271 section 8. */
export const DEFAULT_BGP_PORT = 179;

export interface Speaker {
  readonly name: string;
  readonly routerId: Address;
  /** One address per family that the node has. */
  readonly addresses: ReadonlyMap<IpFamily, Address>;
  readonly asNumber: number;
  readonly listenPort: number;
  readonly logSeverity: BgpModel['logSeverity'];
  readonly meshEnabled: boolean;
}

/** The node as a BGP speaker; undefined when it is unknown or has no IPv4 address. */
export function speakerOf(name: string, input: TopologyInput): Speaker | undefined {
  const bgp = input.nodes.get(name)?.spec.bgp;
  if (!bgp?.ipv4Address) return undefined;
  const settings = bgpSettingsOf(name, input);
  const routerId = addressPart(bgp.ipv4Address);
  return {
    name,
    routerId,
    addresses: addressesOf(bgp.ipv4Address, bgp.ipv6Address),
    asNumber: bgp.asNumber ?? settings.asNumber ?? DEFAULT_AS_NUMBER,
    listenPort: settings.listenPort ?? DEFAULT_BGP_PORT,
    logSeverity: settings.logSeverityScreen ?? 'Info',
    meshEnabled: settings.nodeToNodeMeshEnabled ?? true,
  };
}

type BgpSettings = SpecOf<'BGPConfiguration'>;

/** `default` overridden field by field by `node.<name>`. */
function bgpSettingsOf(name: string, input: TopologyInput): BgpSettings {
  return {
    ...input.bgpConfigurations.get('default')?.spec,
    ...input.bgpConfigurations.get(`node.${name}`)?.spec,
  };
}

function addressesOf(
  ipv4Address: InterfaceAddress,
  ipv6Address: InterfaceAddress | undefined,
): ReadonlyMap<IpFamily, Address> {
  const addresses = new Map<IpFamily, Address>([[4, addressPart(ipv4Address)]]);
  if (ipv6Address) addresses.set(6, addressPart(ipv6Address));
  return addresses;
}
