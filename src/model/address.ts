/**
 * Addresses and networks, both families.
 *
 * Text from a manifest, a key or the kernel is parsed once, here. What travels afterwards is the canonical
 * text, branded: IPv4 in dotted decimal, IPv6 as RFC 5952 writes it, networks with their host bits cleared.
 * Equal addresses are therefore equal strings, and can be keys of a Map or members of a Set.
 *
 * Parsers return `undefined` for text that is none: the caller knows the file and the line, and raises.
 */
import type { Brand } from './brand.js';

export type IpFamily = 4 | 6;
export const IP_FAMILIES: readonly IpFamily[] = [4, 6];

/** `192.0.2.1` or `2001:db8::1`. */
export type Address = Brand<string, 'Address'>;
/** `192.0.2.0/24` or `2001:db8::/32`: host bits are zero. */
export type Cidr = Brand<string, 'Cidr'>;
/** `192.0.2.7/24`: an address on an interface together with the length of its network. Host bits are kept. */
export type InterfaceAddress = Brand<string, 'InterfaceAddress'>;
/** `ee:ee:ee:ee:ee:ee`, lower case. */
export type MacAddress = Brand<string, 'MacAddress'>;

/** Number of bits in an address of the family: 32 or 128. */
export function addressLength(family: IpFamily): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** The family of a canonical value; only IPv6 text holds a colon. */
export function familyOf(value: Address | Cidr | InterfaceAddress): IpFamily {
  return value.includes(':') ? 6 : 4;
}

/** Parses an address without prefix. Zone indexes (`%eth0`) and leading zeros are refused. */
export function parseAddress(text: string): Address | undefined {
  const bits = parseBits(text);
  return bits && formatBits(bits.value, bits.family);
}

/** Parses a network. `undefined` for anything else, also where host bits are set: see `maskCidr`. */
export function parseCidr(text: string): Cidr | undefined {
  const parts = splitPrefix(text);
  if (!parts || (parts.value & hostMask(parts.family, parts.length)) !== 0n) return undefined;
  return `${formatBits(parts.value, parts.family)}/${parts.length}` as Cidr;
}

/** Parses a network and clears its host bits: `10.0.0.1/24` is `10.0.0.0/24`. */
export function maskCidr(text: string): Cidr | undefined {
  const parts = splitPrefix(text);
  return parts && makeCidr(parts.value, parts.family, parts.length);
}

/** Parses an address with prefix and keeps its host bits. */
export function parseInterfaceAddress(text: string): InterfaceAddress | undefined {
  const parts = splitPrefix(text);
  return parts && (`${formatBits(parts.value, parts.family)}/${parts.length}` as InterfaceAddress);
}

/** Parses six octets in hexadecimal, with colons. Multicast and all-zero addresses are refused. */
export function parseMac(text: string): MacAddress | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  const mac = text.toLowerCase();
  const isMulticast = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return isMulticast || mac === '00:00:00:00:00:00' ? undefined : (mac as MacAddress);
}

/** The network of one address: `/32` or `/128`. */
export function hostCidr(address: Address): Cidr {
  return `${address}/${addressLength(familyOf(address))}` as Cidr;
}

/** The address of a network or of an interface, without its prefix length. */
export function addressPart(value: Cidr | InterfaceAddress): Address {
  return value.slice(0, value.indexOf('/')) as Address;
}

/** The number of network bits: 24 of `10.0.0.0/24`. */
export function prefixLength(value: Cidr | InterfaceAddress): number {
  return Number(value.slice(value.indexOf('/') + 1));
}

/** What the text of every address of a network begins with: `10.0.` of `10.0.0.0/22`, `2001:db8:` of `2001:db8::/48`. */
export function commonPrefix(net: Cidr): string {
  const separator = familyOf(net) === 4 ? '.' : ':';
  const address = addressPart(net);
  const parts = address.split(separator);
  const whole = Math.floor(prefixLength(net) / (separator === '.' ? 8 : 16));
  if (separator === '.')
    return whole === 4
      ? address
      : parts
          .slice(0, whole)
          .map((part) => `${part}.`)
          .join('');
  // Groups of zeros are shortened, in another place in every address.
  const zero = parts.findIndex((part) => part === '' || part === '0');
  const shown = parts.slice(0, Math.min(whole, zero < 0 ? 7 : zero));
  return shown.map((part) => `${part}:`).join('');
}

/** The network an interface address is on: `10.0.0.0/24` of `10.0.0.7/24`. */
export function networkOf(value: InterfaceAddress): Cidr {
  const cidr = maskCidr(value);
  if (!cidr) throw new TypeError(`Not an interface address: ${value}`);
  return cidr;
}

/** True when every address of `inner` is in `outer`. Families never contain each other. */
export function cidrContains(outer: Cidr, inner: Cidr | Address): boolean {
  const family = familyOf(outer);
  if (familyOf(inner) !== family) return false;
  const outerLength = prefixLength(outer);
  const innerLength = inner.includes('/') ? prefixLength(inner as Cidr) : addressLength(family);
  if (innerLength < outerLength) return false;
  const innerAddress = inner.includes('/') ? addressPart(inner as Cidr) : (inner as Address);
  const hostBits = addressLength(family) - outerLength;
  if (family === 4) {
    // A shift by 32 would be one by nothing.
    const difference = ipv4Number(innerAddress) ^ ipv4Number(addressPart(outer));
    return hostBits === 32 || difference >>> hostBits === 0;
  }
  const shift = BigInt(hostBits);
  return addressBits(innerAddress) >> shift === addressBits(addressPart(outer)) >> shift;
}

/** True when the two networks share an address. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return cidrContains(a, b) || cidrContains(b, a);
}

/** True for 224.0.0.0/4 and ff00::/8 (RFC 5771, RFC 4291 section 2.7). */
export function isMulticast(address: Address): boolean {
  return familyOf(address) === 4
    ? addressBits(address) >> 28n === 0xen
    : addressBits(address) >> 120n === 0xffn;
}

/** The address as an unsigned integer of 32 or 128 bits. */
export function addressBits(address: Address): bigint {
  const bits = parseBits(address);
  if (!bits) throw new TypeError(`Not an address: ${address}`);
  return bits.value;
}

/** An IPv4 address as an unsigned integer of 32 bits, several times faster than by way of `addressBits`. */
export function ipv4Number(address: Address): number {
  let number = 0;
  let octet = 0;
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index);
    if (code === DOT) {
      number = number * 256 + octet;
      octet = 0;
    } else {
      octet = octet * 10 + code - ZERO;
    }
  }
  return number * 256 + octet;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** The address with this value. @throws {RangeError} when the value does not fit the family. */
export function addressFromBits(value: bigint, family: IpFamily): Address {
  if (value < 0n || value >> BigInt(addressLength(family)) !== 0n)
    throw new RangeError(`No IPv${family} address: ${value}`);
  return formatBits(value, family);
}

/** The address in network byte order: 4 or 16 octets. */
export function addressBytes(address: Address): Uint8Array {
  const size = addressLength(familyOf(address)) / 8;
  const bytes = new Uint8Array(size);
  let value = addressBits(address);
  for (let index = size - 1; index >= 0; index -= 1) {
    bytes[index] = Number(value & 0xffn);
    value >>= 8n;
  }
  return bytes;
}

/** The address in these 4 or 16 octets. @throws {RangeError} for any other number of octets. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16)
    throw new RangeError(`An address has 4 or 16 octets, not ${bytes.length}`);
  if (bytes.length === 4) return bytes.join('.') as Address;
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return formatBits(value, 6);
}

/** The link-local address that the kernel makes of a MAC (RFC 4291, appendix A). */
export function linkLocalOf(mac: MacAddress): Address {
  const octets = mac.split(':').map((octet) => Number.parseInt(octet, 16));
  const [first = 0, ...rest] = octets;
  const identifier = [first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  const bits = identifier.reduce((value, octet) => (value << 8n) | BigInt(octet), 0xfe80n << 48n);
  return addressFromBits(bits, 6);
}

/** Orders addresses by family, then by value. */
export function compareAddresses(a: Address, b: Address): number {
  if (familyOf(a) !== familyOf(b)) return familyOf(a) - familyOf(b);
  const difference = addressBits(a) - addressBits(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Orders networks by family, then address, then prefix length. */
export function compareCidrs(a: Cidr, b: Cidr): number {
  return compareAddresses(addressPart(a), addressPart(b)) || prefixLength(a) - prefixLength(b);
}

interface Bits {
  readonly family: IpFamily;
  readonly value: bigint;
}

function makeCidr(value: bigint, family: IpFamily, length: number): Cidr {
  return `${formatBits(value & ~hostMask(family, length), family)}/${length}` as Cidr;
}

function hostMask(family: IpFamily, length: number): bigint {
  return (1n << BigInt(addressLength(family) - length)) - 1n;
}

function splitPrefix(text: string): (Bits & { readonly length: number }) | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  if (!match) return undefined;
  const bits = parseBits(match[1] ?? '');
  const length = Number(match[2]);
  return bits && length <= addressLength(bits.family) ? { ...bits, length } : undefined;
}

function parseBits(text: string): Bits | undefined {
  const value = text.includes(':') ? parseBits6(text) : parseBits4(text);
  return value === undefined ? undefined : { family: text.includes(':') ? 6 : 4, value };
}

function parseBits4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    // A leading zero is octal to inet_aton and decimal to others: refuse what readers disagree on.
    if (!/^(0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return BigInt(value);
}

function parseBits6(text: string): bigint | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail) {
    const embedded = parseBits4(tail[2] ?? '');
    if (embedded === undefined) return undefined;
    return parseBits6(`${tail[1]}${(embedded >> 16n).toString(16)}:${(embedded & 0xffffn).toString(16)}`);
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = groups.reduce((sum, half) => sum + half.length, 0);
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const zeros = Array.from({ length: 8 - given }, () => '0');
  let value = 0n;
  for (const group of [...(groups[0] ?? []), ...zeros, ...(groups[1] ?? [])]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    value = (value << 16n) | BigInt(Number.parseInt(group, 16));
  }
  return value;
}

function formatBits(value: bigint, family: IpFamily): Address {
  return (family === 4 ? formatBits4(value) : formatBits6(value)) as Address;
}

function formatBits4(value: bigint): string {
  const number = Number(value);
  return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255].join('.');
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups shortened, first on a tie. */
function formatBits6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  let [start, length] = [0, 0];
  for (let index = 0; index < 8; index += 1) {
    let end = index;
    while (groups[end] === '0') end += 1;
    if (end - index > length) [start, length] = [index, end - index];
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
