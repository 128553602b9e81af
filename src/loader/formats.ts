/**
 * The formats that schemas name, each with its canonical form and with an explanation of what is wrong.
 *
 * A format is one parser of model/: the schema check asks whether it succeeds, the normaliser writes what it
 * returns, and the explanation finds out which slip was made and shows the text that would have been right.
 */
import {
  addressLength,
  addressPart,
  type Cidr,
  familyOf,
  hostCidr,
  type IpFamily,
  maskCidr,
  parseAddress,
  parseCidr,
  parseInterfaceAddress,
  parseMac,
  prefixLength,
} from '../model/address.js';
import { isCommunity } from '../model/community.js';
import { parsePeerAddress } from '../model/peer-address.js';
import { formatPortRange, parsePortRange } from '../model/rule.js';
import { parseSelector, toSelectorText } from '../model/selector/selector.js';

export interface Format {
  /** The one way to write the value; undefined for text that is none. */
  readonly canonical: (text: string) => string | number | undefined;
  /** Why the text is none, for text of which `canonical` is undefined. */
  readonly explain: (text: string) => FormatFault;
}

export interface FormatFault {
  readonly message: string;
  readonly hint: string;
  /** Characters from the start of the text to the fault. */
  readonly offset?: number;
}

export const FORMATS: Readonly<Record<string, Format>> = {
  cidr: { canonical: parseCidr, explain: (text) => explainCidr(text, undefined) },
  cidr4: { canonical: ofFamily(parseCidr, 4), explain: (text) => explainCidr(text, 4) },
  cidr6: { canonical: ofFamily(parseCidr, 6), explain: (text) => explainCidr(text, 6) },
  net: { canonical: parseNet, explain: explainNet },
  'workload-network': { canonical: parseWorkloadNetwork, explain: explainWorkloadNetwork },
  address: { canonical: parseAddress, explain: (text) => explainAddress(text, undefined) },
  address4: { canonical: ofFamily(parseAddress, 4), explain: (text) => explainAddress(text, 4) },
  address6: { canonical: ofFamily(parseAddress, 6), explain: (text) => explainAddress(text, 6) },
  'interface-address4': {
    canonical: ofFamily(parseInterfaceAddress, 4),
    explain: (text) => explainInterfaceAddress(text, 4),
  },
  'interface-address6': {
    canonical: ofFamily(parseInterfaceAddress, 6),
    explain: (text) => explainInterfaceAddress(text, 6),
  },
  mac: { canonical: parseMac, explain: explainMac },
  selector: { canonical: canonicalSelectorText, explain: explainSelector },
  'port-range': { canonical: canonicalPort, explain: explainPort },
  'peer-address': { canonical: (text) => parsePeerAddress(text)?.text, explain: explainPeerAddress },
  community: { canonical: (text) => (isCommunity(text) ? text : undefined), explain: explainCommunity },
};

function ofFamily<T extends Parameters<typeof familyOf>[0]>(
  parse: (text: string) => T | undefined,
  family: IpFamily,
): (text: string) => T | undefined {
  return (text) => {
    const value = parse(text);
    return value !== undefined && familyOf(value) === family ? value : undefined;
  };
}

/** As Calico takes networks in rules and sets: an address is the network of it alone. */
function parseNet(text: string): Cidr | undefined {
  const address = parseAddress(text);
  return address ? hostCidr(address) : parseCidr(text);
}

function parseWorkloadNetwork(text: string): string | undefined {
  const cidr = parseNet(text);
  return cidr && prefixLength(cidr) === addressLength(familyOf(cidr)) ? cidr : undefined;
}

function canonicalSelectorText(text: string): string | undefined {
  // A selector written as a YAML block has line breaks between its words, and only there.
  return toSelectorText(text)?.replace(/\s*[\r\n]\s*/g, ' ');
}

function canonicalPort(text: string): string | number | undefined {
  const range = parsePortRange(text);
  return range && formatPortRange(range);
}

function explainNet(text: string): FormatFault {
  const { message, hint } = explainCidr(text, undefined);
  return { message, hint: hint.startsWith('Write address/length') ? `${hint}, or one address` : hint };
}

function explainCidr(text: string, family: IpFamily | undefined): FormatFault {
  const masked = maskCidr(text);
  if (masked && family !== undefined && familyOf(masked) !== family) return otherFamily(family, 'network');
  if (masked && masked !== parseCidr(text))
    return { message: 'the network has host bits set', hint: `Write ${masked}` };
  const address = parseAddress(text);
  if (address) return { message: 'the network has no prefix length', hint: `Write ${hostCidr(address)}` };
  const example = family === 6 ? 'fd00:10::/48' : '192.168.0.0/16';
  return { message: 'this is not a network', hint: `Write address/length, such as ${example}` };
}

function explainWorkloadNetwork(text: string): FormatFault {
  const network = parseInterfaceAddress(text);
  if (network)
    return {
      message: 'a workload has single addresses, and this is a network',
      hint: `Write ${hostCidr(addressPart(network))}`,
    };
  return explainAddress(text, undefined);
}

function explainAddress(text: string, family: IpFamily | undefined): FormatFault {
  const address = parseAddress(text);
  if (address && family !== undefined && familyOf(address) !== family) return otherFamily(family, 'address');
  const withPrefix = parseInterfaceAddress(text);
  if (withPrefix)
    return {
      message: 'the address stands without a prefix length here',
      hint: `Write ${addressPart(withPrefix)}`,
    };
  if (text.includes('%'))
    return {
      message: 'the address stands without a zone here',
      hint: `Write ${text.slice(0, text.indexOf('%'))}`,
    };
  if (/^(\d+\.){3}\d+$/.test(text) && /(^|\.)0\d/.test(text))
    return {
      message: 'an octet begins with 0, which some programs read as octal',
      hint: `Write ${text.replace(/(^|\.)0+(?=\d)/g, '$1')}`,
    };
  const example = family === 6 ? 'fd00::1' : '192.0.2.1';
  return { message: 'this is not an address', hint: `Write an address such as ${example}` };
}

function explainInterfaceAddress(text: string, family: IpFamily): FormatFault {
  const address = parseAddress(text) ?? parseInterfaceAddress(text);
  if (address && familyOf(address) !== family) return otherFamily(family, 'address');
  const example = family === 4 ? '24' : '64';
  if (parseAddress(text))
    return {
      message: 'the address needs the prefix length of its network',
      hint: `Write ${text}/${example}, if the network has ${example} bits`,
    };
  return {
    message: 'this is not an address with a prefix length',
    hint: `Write one such as ${family === 4 ? '10.0.0.1/24' : 'fd00::1/64'}`,
  };
}

function otherFamily(family: IpFamily, what: string): FormatFault {
  return { message: `this field takes an IPv${family} ${what}`, hint: `Write an IPv${family} ${what}` };
}

function explainMac(text: string): FormatFault {
  if (/^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i.test(text))
    return {
      message: 'octets are joined by colons',
      hint: `Write ${text.replaceAll('-', ':').toLowerCase()}`,
    };
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    return {
      message: 'an interface cannot have a multicast address, nor the address of all zeros',
      hint: 'Write a unicast address: the first octet is even, such as ee:ee:ee:ee:ee:ee',
    };
  return { message: 'this is not a hardware address', hint: 'Write six octets, such as ee:ee:ee:ee:ee:ee' };
}

function explainSelector(text: string): FormatFault {
  const result = parseSelector(text);
  if (result.ok) return { message: 'this selector cannot be used', hint: 'Write all()' };
  const { message, hint, column } = result.error;
  return { message: `the selector does not parse: column ${column}: ${message}`, hint, offset: column - 1 };
}

function explainPort(text: string): FormatFault {
  const backwards = /^(\d+):(\d+)$/.exec(text);
  if (backwards && Number(backwards[1]) > Number(backwards[2]))
    return { message: 'the range of ports runs backwards', hint: `Write '${backwards[2]}:${backwards[1]}'` };
  const dashed = /^(\d+)\s*-\s*(\d+)$/.exec(text);
  if (dashed)
    return { message: 'a range of ports is written with a colon', hint: `Write '${dashed[1]}:${dashed[2]}'` };
  if (/^[a-z][a-z0-9-]*$/i.test(text))
    return { message: 'named ports are not known here', hint: 'Write the number of the port' };
  return { message: 'a port is a number from 1 to 65535', hint: "Write 80, or a range such as '8000:8100'" };
}

function explainPeerAddress(text: string): FormatFault {
  const prefixed = parseInterfaceAddress(text);
  if (prefixed)
    return {
      message: 'the address stands without a prefix length here',
      hint: `Write ${addressPart(prefixed)}`,
    };
  return {
    message: 'this is not the address of a peer',
    hint: 'Write an address, 192.0.2.1:1790, or [fd00::1]:1790',
  };
}

function explainCommunity(text: string): FormatFault {
  if (/^\d+(:\d+){1,2}$/.test(text))
    return {
      message: 'a part of the community is too large, or begins with 0',
      hint: 'Parts go up to 65535, or up to 4294967295 when there are three',
    };
  return { message: 'this is not a community', hint: 'Write 65000:100, or 65000:1:2' };
}
