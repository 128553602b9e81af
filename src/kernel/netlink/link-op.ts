/**
 * Making, changing and removing links, as netlink messages (rtnetlink(7), linux/if_link.h).
 *
 * A tunnel is made whole: its settings, name, MTU and `up` are one message, so it is never seen half made. The settings of
 * a device that is there cannot be changed; what can be is what every link has.
 */
import { type Address, addressBytes, familyOf } from '../../model/address.js';
import type { LinkChange, LinkOp, NewIpip, NewVxlan } from '../rtnetlink.js';
import {
  type Attribute,
  be16Attribute,
  encodePayload,
  LITTLE_ENDIAN,
  nestedAttribute,
  textAttribute,
  u32Attribute,
  viewOf,
} from './attributes.js';
import { IFF, IFLA, IFLA_INFO, IFLA_IPTUN, IFLA_VXLAN, NLM_F, RTM } from './constants.js';
import { encodeMac } from './neighbor.js';
import type { NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 16;

export function encodeLinkOp(op: LinkOp): NetlinkRequest {
  switch (op.op) {
    case 'create':
      return {
        type: RTM.NEWLINK,
        flags: NLM_F.CREATE | NLM_F.EXCL,
        payload: encodePayload(
          header(0, true),
          op.object === 'vxlan' ? vxlanAttributes(op.link) : ipipAttributes(op.link),
        ),
      };
    case 'change':
      return {
        type: RTM.NEWLINK,
        flags: 0,
        payload: encodePayload(header(op.link.index, op.link.up), changeAttributes(op.link)),
      };
    case 'delete':
      return { type: RTM.DELLINK, flags: 0, payload: encodePayload(header(op.link.index), []) };
  }
}

/** @param up - absent: as it is */
function header(index: number, up?: boolean): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH);
  const view = viewOf(bytes);
  view.setInt32(4, index, LITTLE_ENDIAN);
  view.setUint32(8, up ? IFF.UP : 0, LITTLE_ENDIAN);
  view.setUint32(12, up === undefined ? 0 : IFF.UP, LITTLE_ENDIAN);
  return bytes;
}

function vxlanAttributes({ name, mac, mtu, vxlan }: NewVxlan): readonly Attribute[] {
  const data: Attribute[] = [
    u32Attribute(IFLA_VXLAN.ID, vxlan.id),
    be16Attribute(IFLA_VXLAN.PORT, vxlan.port),
    { type: IFLA_VXLAN.LEARNING, data: Uint8Array.of(vxlan.learning ? 1 : 0) },
    ...(vxlan.local === undefined ? [] : [localAttribute(vxlan.local)]),
    ...(vxlan.underlay === undefined ? [] : [u32Attribute(IFLA_VXLAN.LINK, vxlan.underlay)]),
  ];
  return [
    textAttribute(IFLA.IFNAME, name),
    { type: IFLA.ADDRESS, data: encodeMac(mac) },
    u32Attribute(IFLA.MTU, mtu),
    linkInfo('vxlan', data),
  ];
}

function ipipAttributes({ name, mtu, ipip: { local, remote } }: NewIpip): readonly Attribute[] {
  const data = [
    ...(local === undefined ? [] : [{ type: IFLA_IPTUN.LOCAL, data: addressBytes(local) }]),
    ...(remote === undefined ? [] : [{ type: IFLA_IPTUN.REMOTE, data: addressBytes(remote) }]),
  ];
  return [textAttribute(IFLA.IFNAME, name), u32Attribute(IFLA.MTU, mtu), linkInfo('ipip', data)];
}

function linkInfo(kind: string, data: readonly Attribute[]): Attribute {
  return nestedAttribute(IFLA.LINKINFO, [
    textAttribute(IFLA_INFO.KIND, kind),
    nestedAttribute(IFLA_INFO.DATA, data),
  ]);
}

function changeAttributes({ mac, mtu }: LinkChange): readonly Attribute[] {
  return [
    ...(mac === undefined ? [] : [{ type: IFLA.ADDRESS, data: encodeMac(mac) }]),
    ...(mtu === undefined ? [] : [u32Attribute(IFLA.MTU, mtu)]),
  ];
}

function localAttribute(local: Address): Attribute {
  const type = familyOf(local) === 4 ? IFLA_VXLAN.LOCAL : IFLA_VXLAN.LOCAL6;
  return { type, data: addressBytes(local) };
}
