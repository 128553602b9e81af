/**
 * Addresses of interfaces as netlink messages: ifaddrmsg and IFA_* attributes (rtnetlink(7), linux/if_addr.h).
 *
 * LOCAL is the interface's own address; ADDRESS is the same, but for point-to-point links, where it is the other end.
 * IPv6 has ADDRESS alone.
 */
import {
  addressBytes,
  addressFromBytes,
  addressPart,
  familyOf,
  parseInterfaceAddress,
  prefixLength,
} from '../../model/address.js';
import type { KernelAddress } from '../rtnetlink.js';
import { decodeAttributes, encodePayload, LITTLE_ENDIAN, viewOf } from './attributes.js';
import { IFA, IFA_F_NODAD, NLM_F, RTM } from './constants.js';
import { addressFamily } from './route.js';
import type { NetlinkMessage, NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 8;

/** Asks for the addresses of all interfaces. */
export function encodeAddressDump(): NetlinkRequest {
  return {
    type: RTM.GETADDR,
    flags: NLM_F.DUMP,
    payload: encodePayload(new Uint8Array(HEADER_LENGTH), []),
  };
}

/** `replace` adds the address, or leaves it where it is. */
export function encodeAddress(
  op: 'replace' | 'delete',
  { address, interfaceIndex }: KernelAddress,
): NetlinkRequest {
  const header = new Uint8Array(HEADER_LENGTH);
  const family = familyOf(address);
  header.set([addressFamily(family), prefixLength(address), family === 6 ? IFA_F_NODAD : 0]);
  viewOf(header).setUint32(4, interfaceIndex, LITTLE_ENDIAN);
  const data = addressBytes(addressPart(address));
  return {
    type: op === 'replace' ? RTM.NEWADDR : RTM.DELADDR,
    flags: op === 'replace' ? NLM_F.CREATE | NLM_F.REPLACE : 0,
    payload: encodePayload(header, [
      { type: IFA.LOCAL, data },
      { type: IFA.ADDRESS, data },
    ]),
  };
}

/** The address that a message is about; undefined when it is about something else. */
export function decodeAddress({ type, payload }: NetlinkMessage): KernelAddress | undefined {
  if (type !== RTM.NEWADDR && type !== RTM.DELADDR) return undefined;
  const view = viewOf(payload);
  const attributes = decodeAttributes(payload, HEADER_LENGTH);
  const bytes = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS);
  const address = bytes && parseInterfaceAddress(`${addressFromBytes(bytes)}/${view.getUint8(1)}`);
  return address && { address, interfaceIndex: view.getUint32(4, LITTLE_ENDIAN) };
}
