/**
 * Decoders of the values that several kinds share: addresses, selectors, AS numbers.
 *
 * The store is written by other programs too, so text is parsed here as strictly as a manifest's would be, with
 * two liberties that v1 writers took: a network may have host bits, and an address may stand for its /32 or /128.
 */
import {
  addressLength,
  type Cidr,
  familyOf,
  hostCidr,
  type IpFamily,
  maskCidr,
  parseAddress,
  parseCidr,
  parseMac,
  prefixLength,
} from '../model/address.js';
import { isCommunity } from '../model/community.js';
import { type SelectorText, toSelectorText } from '../model/selector/selector.js';
import { integer, parsed } from './json-decoder.js';

export const address = parsed(parseAddress, 'an IP address');
export const cidr = parsed(parseCidr, 'a network without host bits');
export const cidrOf = (family: IpFamily) =>
  parsed((text) => {
    const net = parseCidr(text);
    return net && familyOf(net) === family ? net : undefined;
  }, `an IPv${family} network without host bits`);
export const address4 = parsed((text) => {
  const ip = parseAddress(text);
  return ip && familyOf(ip) === 4 ? ip : undefined;
}, 'an IPv4 address');
export const mac = parsed(parseMac, 'a unicast MAC address');
export const selector = parsed(toSelectorText, 'a selector');
/** Of a rule, where blank is not all(): it stays blank. */
export const ruleSelector = parsed(
  (text) => (text.trim() === '' ? ('' as SelectorText) : toSelectorText(text)),
  'a selector',
);
export const asNumber = integer(1, 4294967295);

/** A network of a rule or set. */
export const looseNet = parsed((text) => maskCidr(text) ?? hostNet(text), 'a network');

/** One address of a workload, as /32 or /128. */
export const workloadNet = parsed(
  (text) => hostNet(text) ?? singleAddressNet(text),
  'one address, alone or with /32 or /128',
);

export const interfaceName = parsed(
  (text) => (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(text) ? text : undefined),
  'a Linux interface name of at most 15 characters',
);

export const community = parsed(
  (text) => (isCommunity(text) ? text : undefined),
  'a BGP community: 65000:100 with parts up to 65535, or 65000:1:2 with parts up to 4294967295',
);

export const interfacePattern = parsed(
  (text) => (/^[A-Za-z0-9_.*-]{1,15}$/.test(text) ? text : undefined),
  'an interface name, which may hold *',
);

export const duration = parsed(
  (text) => (/^[0-9]+(\.[0-9]+)?(ms|s|m|h)$/.test(text) ? text : undefined),
  'a duration such as 90s',
);

/** An AS number as a raw value: plain, or in the two halves of RFC 5396's asdot, `1.10`. */
export function parseAsNumber(text: string): number | undefined {
  const match = /^(?:(\d{1,5})\.)?(\d{1,10})$/.exec(text.trim());
  if (!match) return undefined;
  const low = Number(match[2]);
  if (match[1] !== undefined && (low > 65535 || Number(match[1]) > 65535)) return undefined;
  const value = Number(match[1] ?? 0) * 65536 + low;
  return value >= 1 && value <= 4294967295 ? value : undefined;
}

function hostNet(text: string): Cidr | undefined {
  const parsedAddress = parseAddress(text);
  return parsedAddress && hostCidr(parsedAddress);
}

function singleAddressNet(text: string): Cidr | undefined {
  const net = parseCidr(text);
  return net && prefixLength(net) === addressLength(familyOf(net)) ? net : undefined;
}
