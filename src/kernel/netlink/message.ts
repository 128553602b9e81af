/**
 * Netlink messages as they are on the wire: a header of 16 octets, a payload, padding (netlink(7)).
 *
 * One datagram holds many of them, in both directions. An acknowledgement is a message of type ERROR whose errno
 * is zero; with NETLINK_EXT_ACK the kernel adds, as attributes after the quoted request, what it found wrong.
 */
import { align, decodeAttributes, LITTLE_ENDIAN, readText, viewOf } from './attributes.js';
import { NLM_F, NLMSGERR_ATTR } from './constants.js';
import { netlinkError } from './errno.js';
import type { NetlinkError, NetlinkMessage, NetlinkRequest } from './transport.js';

const HEADER_LENGTH = 16;

/** A message together with the number of the request that it answers; 0 for notifications. */
export interface ReceivedMessage extends NetlinkMessage {
  readonly sequence: number;
}

/** The request as a message; the sender's port stays 0, which the kernel replaces. */
export function encodeMessage(request: NetlinkRequest, sequence: number): Uint8Array {
  const length = HEADER_LENGTH + request.payload.length;
  const bytes = new Uint8Array(align(length));
  const view = viewOf(bytes);
  view.setUint32(0, length, LITTLE_ENDIAN);
  view.setUint16(4, request.type, LITTLE_ENDIAN);
  view.setUint16(6, request.flags, LITTLE_ENDIAN);
  view.setUint32(8, sequence, LITTLE_ENDIAN);
  bytes.set(request.payload, HEADER_LENGTH);
  return bytes;
}

/** The messages of one datagram. @throws {RangeError} when a length does not fit the bytes. */
export function decodeMessages(datagram: Uint8Array): readonly ReceivedMessage[] {
  const messages: ReceivedMessage[] = [];
  const view = viewOf(datagram);
  let offset = 0;
  while (offset + HEADER_LENGTH <= datagram.length) {
    const length = view.getUint32(offset, LITTLE_ENDIAN);
    if (length < HEADER_LENGTH || offset + length > datagram.length)
      throw new RangeError(`Netlink message at octet ${offset} has length ${length} of ${datagram.length}`);
    messages.push({
      type: view.getUint16(offset + 4, LITTLE_ENDIAN),
      flags: view.getUint16(offset + 6, LITTLE_ENDIAN),
      sequence: view.getUint32(offset + 8, LITTLE_ENDIAN),
      payload: datagram.subarray(offset + HEADER_LENGTH, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

/** What a message of type ERROR says: undefined is success. */
export function decodeAcknowledgement(message: NetlinkMessage): NetlinkError | undefined {
  const view = viewOf(message.payload);
  const errno = -view.getInt32(0, LITTLE_ENDIAN);
  if (errno === 0) return undefined;
  const quoted = message.flags & NLM_F.CAPPED ? HEADER_LENGTH : view.getUint32(4, LITTLE_ENDIAN);
  return netlinkError(errno, extendedAck(message, 4 + quoted));
}

/** What a message of type DONE says: a dump may fail half-way. */
export function decodeDone(message: NetlinkMessage): NetlinkError | undefined {
  if (message.payload.length < 4) return undefined;
  const errno = -viewOf(message.payload).getInt32(0, LITTLE_ENDIAN);
  return errno > 0 ? netlinkError(errno, extendedAck(message, 4)) : undefined;
}

function extendedAck(message: NetlinkMessage, start: number): string | undefined {
  if ((message.flags & NLM_F.ACK_TLVS) === 0) return undefined;
  return readText(decodeAttributes(message.payload, start).get(NLMSGERR_ATTR.MSG));
}
