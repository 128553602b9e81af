/**
 * Forwarding tables of tunnels as netlink messages: neighbour entries of the family of bridges, with the flag `self`
 * (linux/neighbour.h).
 *
 * An entry without a destination is no tunnel's: bridges and ordinary interfaces have those.
 */
import { addressBytes, addressFromBytes } from '../../model/address.js';
import type { KernelForwarding } from '../rtnetlink.js';
import { decodeAttributes, encodePayload, LITTLE_ENDIAN, viewOf } from './attributes.js';
import { AF, NDA, NLM_F, NTF_SELF, RTM } from './constants.js';
import { decodeMac } from './link.js';
import { encodeMac } from './neighbor.js';
import type { NetlinkMessage, NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 12;

/** Asks for the tables of all interfaces. */
export function encodeForwardingDump(): NetlinkRequest {
  const header = new Uint8Array(HEADER_LENGTH);
  header[0] = AF.BRIDGE;
  return { type: RTM.GETNEIGH, flags: NLM_F.DUMP, payload: encodePayload(header, []) };
}

/** `replace` creates the entry, or sends the same MAC address elsewhere. */
export function encodeForwarding(op: 'replace' | 'delete', entry: KernelForwarding): NetlinkRequest {
  const header = new Uint8Array(HEADER_LENGTH);
  const view = viewOf(header);
  view.setUint8(0, AF.BRIDGE);
  view.setInt32(4, entry.interfaceIndex, LITTLE_ENDIAN);
  view.setUint16(8, entry.state, LITTLE_ENDIAN);
  view.setUint8(10, NTF_SELF);
  return {
    type: op === 'replace' ? RTM.NEWNEIGH : RTM.DELNEIGH,
    flags: op === 'replace' ? NLM_F.CREATE | NLM_F.REPLACE : 0,
    payload: encodePayload(header, [
      { type: NDA.DST, data: addressBytes(entry.destination) },
      { type: NDA.LLADDR, data: encodeMac(entry.mac) },
    ]),
  };
}

/** The entry that a message is about; undefined when it is no tunnel's. */
export function decodeForwarding({ type, payload }: NetlinkMessage): KernelForwarding | undefined {
  if (type !== RTM.NEWNEIGH && type !== RTM.DELNEIGH) return undefined;
  const view = viewOf(payload);
  if (view.getUint8(0) !== AF.BRIDGE) return undefined;
  const attributes = decodeAttributes(payload, HEADER_LENGTH);
  const destination = attributes.get(NDA.DST);
  const mac = decodeMac(attributes.get(NDA.LLADDR));
  if (!destination || !mac) return undefined;
  return {
    interfaceIndex: view.getInt32(4, LITTLE_ENDIAN),
    mac,
    destination: addressFromBytes(destination),
    state: view.getUint16(8, LITTLE_ENDIAN),
  };
}
