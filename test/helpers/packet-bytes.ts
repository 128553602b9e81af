/**
 * First packets of connections as octets, each with a number in its last four by which it is known again.
 *
 * Checksums are right, as conntrack takes a packet with a wrong one for INVALID. What a protocol begins with is what
 * stands here: a SYN, an INIT, a GRE header of version 0. See RFC 791, 8200, 9293, 768, 3828, 9260, 792, 4443, 2784.
 */
import { type Address, addressBits, addressLength, type IpFamily } from '../../src/model/address.js';
import { PROTOCOL_NUMBERS } from '../../src/model/rule.js';
import type { Packet } from '../../src/policy/match-rule.js';

const { TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6 } = PROTOCOL_NUMBERS;
const GRE = 47;
const MARK = Buffer.from('hdl!');
const SYN = 0x02;

/**
 * The packet from its IP header on.
 *
 * @param tail - what it carries, with the number at its end
 */
export function packetBytes(packet: Packet, number: number, tail = numbered(number)): Buffer {
  const payload = payloadOf(packet, tail, number);
  return Buffer.concat([ipHeader(packet, payload.length), payload]);
}

/** A packet inside another: behind a frame where the outer one is UDP (RFC 7348), else as it is (RFC 2003). */
export function carryingBytes(
  outer: Packet,
  { packet, mac, network }: { readonly packet: Packet; readonly mac: string; readonly network: number },
  number: number,
): Buffer {
  const inner = packetBytes(packet, number);
  if (outer.protocol !== UDP) return packetBytes(outer, number, inner);
  const header = Buffer.alloc(8);
  header[0] = 0x08;
  header.writeUInt32BE(network * 256, 4);
  const type = packet.family === 4 ? '0800' : '86dd';
  const frame = Buffer.from(`${mac.replaceAll(':', '')}66000000000f${type}`, 'hex');
  return packetBytes(outer, number, Buffer.concat([header, frame, inner]));
}

function numbered(number: number): Buffer {
  const tail = Buffer.alloc(8);
  MARK.copy(tail);
  tail.writeUInt32BE(number, 4);
  return tail;
}

export interface SeenPacket {
  readonly number: number;
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly protocol: number;
}

/** What is known of a packet that came by; undefined when it is none of ours. @param bytes - from its IP header on */
export function readPacket(bytes: Buffer): SeenPacket | undefined {
  const isSix = (bytes[0] ?? 0) >> 4 === 6;
  if (bytes.length < (isSix ? 40 : 20)) return undefined;
  const end = isSix ? 40 + bytes.readUInt16BE(4) : bytes.readUInt16BE(2);
  const number = numberIn(bytes.subarray(0, end));
  if (number === undefined) return undefined;
  return isSix
    ? { number, protocol: bytes[6] ?? 0, source: bytes.subarray(8, 24), destination: bytes.subarray(24, 40) }
    : {
        number,
        protocol: bytes[9] ?? 0,
        source: bytes.subarray(12, 16),
        destination: bytes.subarray(16, 20),
      };
}

/** The number at the end of a packet, or of what one carries. */
export function numberIn(bytes: Buffer): number | undefined {
  const tail = bytes.subarray(-8);
  return tail.length === 8 && tail.subarray(0, 4).equals(MARK) ? tail.readUInt32BE(4) : undefined;
}

export function addressBytes(address: Address, family: IpFamily): Buffer {
  const digits = addressLength(family) / 4;
  return Buffer.from(addressBits(address).toString(16).padStart(digits, '0'), 'hex');
}

function ipHeader({ family, protocol, source, destination }: Packet, length: number): Buffer {
  const ends = [source, destination].map(({ address }) => addressBytes(address, family));
  if (family === 6) {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(6 * 2 ** 28);
    header.writeUInt16BE(length, 4);
    header[6] = protocol;
    header[7] = 64;
    return Buffer.concat([header, ...ends]);
  }
  const header = Buffer.concat([Buffer.alloc(12), ...ends]);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + length, 2);
  header[6] = 0x40;
  header[8] = 64;
  header[9] = protocol;
  header.writeUInt16BE(checksum(header), 10);
  return header;
}

function payloadOf(packet: Packet, tail: Buffer, number: number): Buffer {
  switch (packet.protocol) {
    case TCP: {
      const header = withPorts(packet, 20);
      header.writeUInt32BE(number, 4);
      header[12] = 0x50;
      header[13] = SYN;
      header.writeUInt16BE(1024, 14);
      return summed(packet, Buffer.concat([header, tail]), 16);
    }
    case UDP:
    case UDPLite: {
      const datagram = Buffer.concat([withPorts(packet, 8), tail]);
      // UDP-Lite says there how much the checksum covers.
      datagram.writeUInt16BE(datagram.length, 4);
      const bytes = summed(packet, datagram, 6);
      // RFC 768: zero would say that there is none, and goes as its other form.
      if (bytes.readUInt16BE(6) === 0) bytes.writeUInt16BE(0xffff, 6);
      return bytes;
    }
    case SCTP:
      return initiation(packet, tail, number);
    case ICMP:
    case ICMPv6:
      return message(packet, tail, number);
    case GRE:
      return Buffer.concat([Buffer.from([0, 0, 8, 0]), tail]);
    default:
      return tail;
  }
}

function withPorts({ source, destination }: Packet, length: number): Buffer {
  const header = Buffer.alloc(length);
  header.writeUInt16BE(source.port ?? 0);
  header.writeUInt16BE(destination.port ?? 0, 2);
  return header;
}

/** An INIT whose only parameter, one to be skipped by who does not know it, is the tail. */
function initiation(packet: Packet, tail: Buffer, number: number): Buffer {
  const init = Buffer.alloc(24);
  init[0] = 1;
  init.writeUInt16BE(init.length + tail.length, 2);
  init.writeUInt32BE(number + 1, 4);
  init.writeUInt32BE(65_535, 8);
  init.writeUInt32BE(0x00010001, 12);
  init.writeUInt32BE(number, 16);
  init.writeUInt16BE(0x8fff, 20);
  init.writeUInt16BE(4 + tail.length, 22);
  const bytes = Buffer.concat([withPorts(packet, 12), init, tail]);
  bytes.writeUInt32LE(crc32c(bytes), 8);
  return bytes;
}

function message(packet: Packet, tail: Buffer, number: number): Buffer {
  const header = Buffer.alloc(8);
  header[0] = packet.icmp?.type ?? 0;
  header[1] = packet.icmp?.code ?? 0;
  header.writeUInt16BE(number & 0xffff, 4);
  header.writeUInt16BE(number >>> 16, 6);
  const bytes = Buffer.concat([header, tail]);
  if (packet.protocol === ICMPv6) return summed(packet, bytes, 2);
  bytes.writeUInt16BE(checksum(bytes), 2);
  return bytes;
}

/** With the checksum of the transport, which looks at addresses too. */
function summed({ family, protocol, source, destination }: Packet, bytes: Buffer, at: number): Buffer {
  const rest = Buffer.alloc(8);
  rest.writeUInt32BE(bytes.length);
  rest.writeUInt32BE(protocol, 4);
  const ends = [source, destination].map(({ address }) => addressBytes(address, family));
  bytes.writeUInt16BE(checksum(Buffer.concat([...ends, rest, bytes])), at);
  return bytes;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2)
    sum += (bytes[index] ?? 0) * 256 + (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
