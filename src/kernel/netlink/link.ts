/**
 * Links as netlink messages: ifinfomsg and IFLA_* attributes (rtnetlink(7), linux/if_link.h).
 */
import { addressFromBytes, parseMac } from '../../model/address.js';
import type { IpipSettings, Link, VxlanSettings } from '../rtnetlink.js';
import {
  decodeAttributes,
  encodePayload,
  LITTLE_ENDIAN,
  readText,
  readU32,
  u32Attribute,
  viewOf,
} from './attributes.js';
import {
  AF,
  IFF,
  IFLA,
  IFLA_INFO,
  IFLA_IPTUN,
  IFLA_VXLAN,
  NLM_F,
  RTEXT_FILTER_SKIP_STATS,
  RTM,
} from './constants.js';
import type { NetlinkMessage, NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 16;

/** Asks for all links of the namespace. */
export function encodeLinkDump(): NetlinkRequest {
  return {
    type: RTM.GETLINK,
    flags: NLM_F.DUMP,
    payload: encodePayload(new Uint8Array(HEADER_LENGTH), [
      u32Attribute(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS),
    ]),
  };
}

/** The link that a message is about; undefined when it is about something else, such as a port of a bridge. */
export function decodeLink(message: NetlinkMessage): Link | undefined {
  const { type, payload } = message;
  if (type !== RTM.NEWLINK && type !== RTM.DELLINK) return undefined;
  const view = viewOf(payload);
  if (view.getUint8(0) !== AF.UNSPEC) return undefined;
  const attributes = decodeAttributes(payload, HEADER_LENGTH);
  const flags = view.getUint32(8, LITTLE_ENDIAN);
  return {
    index: view.getInt32(4, LITTLE_ENDIAN),
    name: readText(attributes.get(IFLA.IFNAME)) ?? '',
    mac: decodeMac(attributes.get(IFLA.ADDRESS)),
    mtu: readU32(attributes.get(IFLA.MTU)) ?? 0,
    up: (flags & IFF.UP) !== 0,
    running: (flags & IFF.LOWER_UP) !== 0,
    ...decodeTunnel(attributes.get(IFLA.LINKINFO)),
  };
}

/** Nothing for links of other kinds. */
function decodeTunnel(linkInfo: Uint8Array | undefined): Pick<Link, 'vxlan' | 'ipip'> {
  if (!linkInfo) return {};
  const info = decodeAttributes(linkInfo);
  const data = info.get(IFLA_INFO.DATA);
  if (!data) return {};
  switch (readText(info.get(IFLA_INFO.KIND))) {
    case 'vxlan':
      return { vxlan: decodeVxlan(decodeAttributes(data)) };
    case 'ipip':
      return { ipip: decodeIpip(decodeAttributes(data)) };
    default:
      return {};
  }
}

function decodeVxlan(attributes: ReadonlyMap<number, Uint8Array>): VxlanSettings {
  const local = attributes.get(IFLA_VXLAN.LOCAL) ?? attributes.get(IFLA_VXLAN.LOCAL6);
  const [high = 0, low = 0] = attributes.get(IFLA_VXLAN.PORT) ?? [];
  return {
    id: readU32(attributes.get(IFLA_VXLAN.ID)) ?? 0,
    port: (high << 8) | low,
    local: local && addressFromBytes(local),
    // The kernel says 0 for none.
    underlay: readU32(attributes.get(IFLA_VXLAN.LINK)) || undefined,
    learning: attributes.get(IFLA_VXLAN.LEARNING)?.[0] === 1,
  };
}

/** The kernel says 0.0.0.0 for any. */
function decodeIpip(attributes: ReadonlyMap<number, Uint8Array>): IpipSettings {
  const end = (type: number) => {
    const bytes = attributes.get(type);
    return bytes?.some((octet) => octet !== 0) ? addressFromBytes(bytes) : undefined;
  };
  return { local: end(IFLA_IPTUN.LOCAL), remote: end(IFLA_IPTUN.REMOTE) };
}

/** The MAC address in an attribute; undefined when the link has none, or one of another length. */
export function decodeMac(data: Uint8Array | undefined) {
  if (data?.length !== 6) return undefined;
  return parseMac([...data].map((octet) => octet.toString(16).padStart(2, '0')).join(':'));
}
