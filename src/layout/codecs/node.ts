/**
 * Node: /v1/host/<node>/{metadata,bird_ip,config/IpInIpTunnelAddr} and
 * /bgp/v1/host/<node>/{ip_addr_v4,ip_addr_v6,network_v4,as_num}.
 *
 * Who gives the address owns its keys. A manifest with an IPv4 address writes all of them, `ip_addr_v6` as an
 * empty string when there is none, because readers wait for the key. A manifest without one leaves them to the
 * agent, which registers what it finds on the host. What v1 had no key for is a further member of `metadata`; the
 * prefix length of the IPv6 address is not kept, since nothing needs it: it comes back as 128. A value that cannot be read
 * takes no other along.
 */
import {
  type Address,
  addressLength,
  addressPart,
  familyOf,
  type InterfaceAddress,
  networkOf,
  parseAddress,
  parseCidr,
  parseInterfaceAddress,
  prefixLength,
} from '../../model/address.js';
import type { ResourceOf, SpecOf } from '../../model/resource.js';
import { compact } from '../compact.js';
import { escapeName, idSegments, storedId, unescapeName } from '../escape.js';
import { address, address4, mac, parseAsNumber } from '../field-decoders.js';
import { decodeJson, text } from '../json-decoder.js';
import type { Codec } from '../layout.js';
import {
  rawValue,
  type StoredValues,
  sortedMapUnlessEmpty,
  storedResource,
  valueEnding,
} from '../stored-values.js';
import { settle, Unreadable } from '../unreadable.js';

export const nodeCodec: Codec<'Node'> = {
  kind: 'Node',

  encode(node) {
    const name = escapeName(node.metadata.name);
    const bgp = node.spec.bgp ?? {};
    return [
      { path: `/v1/host/${name}/metadata`, value: JSON.stringify(encodeMetadata(node)) },
      ...(bgp.ipv4Address ? [{ path: `/v1/host/${name}/bird_ip`, value: addressPart(bgp.ipv4Address) }] : []),
      ...(bgp.ipv4IPIPTunnelAddr
        ? [{ path: `/v1/host/${name}/config/IpInIpTunnelAddr`, value: bgp.ipv4IPIPTunnelAddr }]
        : []),
      ...encodeBgp(bgp).map(([key, value]) => ({ path: `/bgp/v1/host/${name}/${key}`, value })),
    ];
  },

  identify(path) {
    const match = NODE_PATHS.exec(path);
    const name = match?.[1] ?? match?.[2];
    return name === undefined ? undefined : storedId('Node', name);
  },

  decode(id, values) {
    const unreadable = new Unreadable();
    const stored = valueEnding(values, '/metadata');
    const readMetadata = unreadable.object(v1Metadata(unreadable));
    const metadata =
      (stored && unreadable.attempt(() => decodeJson(stored.path, stored.text, readMetadata))) ?? {};
    const raw = <T>(...what: RawValue<T>) => unreadable.attempt(() => rawEnding(values, ...what));
    const bgp = compact({
      ipv4Address: interfaceAddress(raw, 4),
      ipv6Address: interfaceAddress(raw, 6),
      asNumber: raw('/as_num', parseAsNumber, 'an AS number'),
      ipv4IPIPTunnelAddr: raw('/IpInIpTunnelAddr', ofFamily(4), 'an IPv4 address'),
      routeReflectorClusterID: metadata.route_reflector_cluster_id,
    });
    const spec = compact({
      bgp: Object.keys(bgp).length === 0 ? undefined : bgp,
      ipv4VXLANTunnelAddr: metadata.ipv4_vxlan_tunnel_addr,
      vxlanTunnelMACAddr: metadata.vxlan_tunnel_mac_addr,
      ipv6VXLANTunnelAddr: metadata.ipv6_vxlan_tunnel_addr,
      vxlanTunnelMACAddrV6: metadata.vxlan_tunnel_mac_addr_v6,
    });
    const name = unescapeName(idSegments(id)[0] ?? '');
    return settle(storedResource('Node', { name, labels: metadata.labels }, spec, values), unreadable);
  },
};

/** `marker` is how Python said that a host exists; `ipv4_address` is an older name of `bird_ip`. */
const NODE_PATHS =
  /^(?:\/v1\/host\/([^/]+)\/(?:metadata|bird_ip|ipv4_address|config\/(?:marker|IpInIpTunnelAddr))|\/bgp\/v1\/host\/([^/]+)\/(?:ip_addr_v[46]|network_v[46]|as_num))$/;

const v1Metadata = (unreadable: Unreadable) => ({
  labels: unreadable.mapOf(text),
  route_reflector_cluster_id: address4,
  ipv4_vxlan_tunnel_addr: address,
  vxlan_tunnel_mac_addr: mac,
  ipv6_vxlan_tunnel_addr: address,
  vxlan_tunnel_mac_addr_v6: mac,
});

function encodeMetadata({ metadata, spec }: ResourceOf<'Node'>): object {
  return compact({
    labels: sortedMapUnlessEmpty(metadata.labels),
    route_reflector_cluster_id: spec.bgp?.routeReflectorClusterID,
    ipv4_vxlan_tunnel_addr: spec.ipv4VXLANTunnelAddr,
    vxlan_tunnel_mac_addr: spec.vxlanTunnelMACAddr,
    ipv6_vxlan_tunnel_addr: spec.ipv6VXLANTunnelAddr,
    vxlan_tunnel_mac_addr_v6: spec.vxlanTunnelMACAddrV6,
  });
}

function encodeBgp(bgp: NonNullable<SpecOf<'Node'>['bgp']>): [string, string][] {
  const { ipv4Address, ipv6Address, asNumber } = bgp;
  const entries: [string, string][] = [];
  if (ipv4Address) entries.push(['ip_addr_v4', addressPart(ipv4Address)]);
  if (ipv6Address) entries.push(['ip_addr_v6', addressPart(ipv6Address)]);
  else if (ipv4Address) entries.push(['ip_addr_v6', '']);
  if (ipv4Address) entries.push(['network_v4', networkOf(ipv4Address)]);
  if (asNumber !== undefined) entries.push(['as_num', String(asNumber)]);
  return entries;
}

type RawValue<T> = [ending: string, parse: (text: string) => T | undefined, what: string];
type ReadRaw = <T>(...value: RawValue<T>) => T | undefined;

/** The address, with the prefix length of the network key, or as a single address where there is none. */
function interfaceAddress(raw: ReadRaw, family: 4 | 6): InterfaceAddress | undefined {
  const ip = raw(`/ip_addr_v${family}`, ofFamily(family), `an IPv${family} address`);
  if (ip === undefined) return undefined;
  const network = raw(`/network_v${family}`, parseCidr, 'a network');
  const length = network && familyOf(network) === family ? prefixLength(network) : addressLength(family);
  return parseInterfaceAddress(`${ip}/${length}`);
}

function ofFamily(family: 4 | 6): (text: string) => Address | undefined {
  return (text) => {
    const ip = parseAddress(text);
    return ip && familyOf(ip) === family ? ip : undefined;
  };
}

/** The raw value of the key that ends so; blank is absent. */
function rawEnding<T>(values: StoredValues, ...[ending, parse, what]: RawValue<T>): T | undefined {
  const stored = valueEnding(values, ending);
  return stored && stored.text.trim() !== '' ? rawValue(stored, parse, what) : undefined;
}
