/**
 * Netlink attributes: a length, a type and bytes, each padded to four octets (netlink(7), linux/netlink.h).
 *
 * The length counts its own header and leaves the padding out. Numbers are in host byte order, addresses in
 * network byte order. Bits 14 and 15 of a type are flags, not part of it. Where a type comes twice the last one
 * holds, as in the kernel's own parser.
 */
import { endianness } from 'node:os';

export const LITTLE_ENDIAN = endianness() === 'LE';
const HEADER_LENGTH = 4;
const TYPE_MASK = 0x3fff;
/** NLA_F_NESTED: in the type of an attribute that is made of attributes. */
export const NESTED = 0x8000;

export interface Attribute {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The offset at which the next message or attribute starts. */
export function align(length: number): number {
  return (length + 3) & ~3;
}

/** A fixed header (ifinfomsg, rtmsg, ndmsg) and the attributes after it, in one piece. */
export function encodePayload(header: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  let length = align(header.length);
  for (const { data } of attributes) length += align(HEADER_LENGTH + data.length);
  const payload = new Uint8Array(length);
  const view = new DataView(payload.buffer);
  payload.set(header);
  let offset = align(header.length);
  for (const { type, data } of attributes) {
    view.setUint16(offset, HEADER_LENGTH + data.length, LITTLE_ENDIAN);
    view.setUint16(offset + 2, type, LITTLE_ENDIAN);
    payload.set(data, offset + HEADER_LENGTH);
    offset += align(HEADER_LENGTH + data.length);
  }
  return payload;
}

/** The attributes from `start` on, by type. @throws {RangeError} when a length does not fit the bytes. */
export function decodeAttributes(bytes: Uint8Array, start = 0): ReadonlyMap<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  const view = viewOf(bytes);
  let offset = align(start);
  while (offset + HEADER_LENGTH <= bytes.length) {
    const length = view.getUint16(offset, LITTLE_ENDIAN);
    if (length < HEADER_LENGTH || offset + length > bytes.length)
      throw new RangeError(`Netlink attribute at octet ${offset} has length ${length} of ${bytes.length}`);
    const type = view.getUint16(offset + 2, LITTLE_ENDIAN) & TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + HEADER_LENGTH, offset + length));
    offset += align(length);
  }
  return attributes;
}

/**
 * The first attribute of a type from `start` on, without reading those behind it: for messages of which there are
 * many and of which little is wanted. @throws {RangeError} when a length does not fit the bytes.
 */
export function findAttribute(bytes: Uint8Array, wanted: number, start = 0): Uint8Array | undefined {
  let offset = align(start);
  while (offset + HEADER_LENGTH <= bytes.length) {
    const length = u16At(bytes, offset);
    if (length < HEADER_LENGTH || offset + length > bytes.length)
      throw new RangeError(`Netlink attribute at octet ${offset} has length ${length} of ${bytes.length}`);
    if ((u16At(bytes, offset + 2) & TYPE_MASK) === wanted)
      return bytes.subarray(offset + HEADER_LENGTH, offset + length);
    offset += align(length);
  }
  return undefined;
}

/** A DataView for each of a hundred thousand messages costs more than this. */
function u16At(bytes: Uint8Array, offset: number): number {
  const [first = 0, second = 0] = [bytes[offset], bytes[offset + 1]];
  return LITTLE_ENDIAN ? first | (second << 8) : (first << 8) | second;
}

/** An attribute made of attributes. */
export function nestedAttribute(type: number, attributes: readonly Attribute[]): Attribute {
  return { type: type | NESTED, data: encodePayload(new Uint8Array(0), attributes) };
}

export function u32Attribute(type: number, value: number): Attribute {
  const data = new Uint8Array(4);
  viewOf(data).setUint32(0, value, LITTLE_ENDIAN);
  return { type, data };
}

/** In network byte order. */
export function be16Attribute(type: number, value: number): Attribute {
  return { type, data: Uint8Array.of(value >> 8, value & 255) };
}

/** NUL-terminated. */
export function textAttribute(type: number, text: string): Attribute {
  return { type, data: Buffer.from(`${text}\0`) };
}

/** The number in an attribute of four octets; undefined when it is absent or of another size. */
export function readU32(data: Uint8Array | undefined): number | undefined {
  return data?.length === 4 ? viewOf(data).getUint32(0, LITTLE_ENDIAN) : undefined;
}

/** The text in an attribute, up to its NUL. */
export function readText(data: Uint8Array | undefined): string | undefined {
  if (data === undefined) return undefined;
  const end = data.indexOf(0);
  return Buffer.from(end < 0 ? data : data.subarray(0, end)).toString();
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
