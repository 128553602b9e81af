/**
 * Neighbour entries, of ARP and neighbour discovery alike, as netlink messages: ndmsg and NDA_* attributes
 * (rtnetlink(7), linux/neighbour.h).
 */

import type { IpFamily, MacAddress } from '../../model/address.js';
import { addressBytes, addressFromBytes } from '../../model/address.js';
import type { KernelNeighbor } from '../rtnetlink.js';
import type { Attribute } from './attributes.js';
import { decodeAttributes, encodePayload, LITTLE_ENDIAN, viewOf } from './attributes.js';
import { NDA, NLM_F, RTM } from './constants.js';
import { decodeMac } from './link.js';
import { addressFamily, ipFamily } from './route.js';
import type { NetlinkMessage, NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 12;

/** Asks for all entries of one family. */
export function encodeNeighborDump(family: IpFamily): NetlinkRequest {
  const header = new Uint8Array(HEADER_LENGTH);
  header[0] = addressFamily(family);
  return { type: RTM.GETNEIGH, flags: NLM_F.DUMP, payload: encodePayload(header, []) };
}

/** `replace` creates the entry, or changes the one with the same interface and address. */
export function encodeNeighbor(op: 'replace' | 'delete', neighbor: KernelNeighbor): NetlinkRequest {
  const header = new Uint8Array(HEADER_LENGTH);
  const view = viewOf(header);
  view.setUint8(0, addressFamily(neighbor.family));
  view.setInt32(4, neighbor.interfaceIndex, LITTLE_ENDIAN);
  view.setUint16(8, neighbor.state, LITTLE_ENDIAN);
  const attributes: Attribute[] = [{ type: NDA.DST, data: addressBytes(neighbor.address) }];
  if (neighbor.mac !== undefined) attributes.push({ type: NDA.LLADDR, data: encodeMac(neighbor.mac) });
  return {
    type: op === 'replace' ? RTM.NEWNEIGH : RTM.DELNEIGH,
    flags: op === 'replace' ? NLM_F.CREATE | NLM_F.REPLACE : 0,
    payload: encodePayload(header, attributes),
  };
}

/** The entry that a message is about; undefined when it is about something else, such as a bridge's table. */
export function decodeNeighbor(message: NetlinkMessage): KernelNeighbor | undefined {
  const { type, payload } = message;
  if (type !== RTM.NEWNEIGH && type !== RTM.DELNEIGH) return undefined;
  const view = viewOf(payload);
  const family = ipFamily(view.getUint8(0));
  const attributes = decodeAttributes(payload, HEADER_LENGTH);
  const address = attributes.get(NDA.DST);
  if (family === undefined || address === undefined) return undefined;
  return {
    family,
    address: addressFromBytes(address),
    interfaceIndex: view.getInt32(4, LITTLE_ENDIAN),
    mac: decodeMac(attributes.get(NDA.LLADDR)),
    state: view.getUint16(8, LITTLE_ENDIAN),
  };
}

export function encodeMac(mac: MacAddress): Uint8Array {
  return Uint8Array.from(mac.split(':'), (octet) => Number.parseInt(octet, 16));
}
