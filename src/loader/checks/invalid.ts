/**
 * Faults of single values, as several checks report them.
 *
 * Which addresses no machine can have as its own: the special-purpose registries of RFC 6890, as far as the
 * kernel refuses them or gives them another meaning.
 */
import { type Address, type Cidr, cidrContains, cidrsOverlap, parseCidr } from '../../model/address.js';
import { unfitForBgp } from '../../model/bgp-address.js';
import type { FieldPath } from '../field-path.js';
import type { Fault } from '../report.js';

/** An error of a value that breaks a rule. `reads` are the other fields that the rule looks at. */
export function invalid(
  path: FieldPath,
  value: unknown,
  message: string,
  hint: string,
  reads: readonly FieldPath[] = [],
): Fault {
  return { code: 'invalid-value', path, reads, value, message, hint };
}

/** A fault for an address that no machine can have as its own. */
export function checkUnicast(address: Address, path: FieldPath): Fault[] {
  const special = SPECIAL.find(({ cidr }) => cidrContains(cidr, address));
  if (!special) return [];
  return [invalid(path, address, `${address} is ${special.what}`, 'Write a unicast address')];
}

/** A fault for an address that no end of a BGP session can have. */
export function checkBgpAddress(address: Address, path: FieldPath): Fault[] {
  const what = unfitForBgp(address);
  return what === undefined
    ? []
    : [
        invalid(
          path,
          address,
          `${address} is ${what}`,
          'Write a unicast address that is routed between hosts',
        ),
      ];
}

/** The part of a network that holds no addresses for workloads, if there is one. */
export function unusablePart(pool: Cidr): { readonly cidr: Cidr; readonly what: string } | undefined {
  return [...LINK_LOCAL, ...SPECIAL].find(({ cidr }) => cidrsOverlap(cidr, pool));
}

const SPECIAL = [
  special('0.0.0.0/32', 'the unspecified address'),
  special('127.0.0.0/8', 'a loopback address'),
  special('169.254.1.1/32', 'the gateway of every workload'),
  special('224.0.0.0/4', 'a multicast address'),
  special('255.255.255.255/32', 'the broadcast address'),
  special('::/128', 'the unspecified address'),
  special('::1/128', 'a loopback address'),
  special('::ffff:0:0/96', 'an IPv4 address written as IPv6'),
  special('ff00::/8', 'a multicast address'),
];

/** Not routed between hosts, and the gateway of workloads is one; single ones are the owner's affair. */
const LINK_LOCAL = [
  special('169.254.0.0/16', 'a link-local address'),
  special('fe80::/10', 'a link-local address'),
];

function special(text: string, what: string): { readonly cidr: Cidr; readonly what: string } {
  const cidr = parseCidr(text);
  if (!cidr) throw new TypeError(`Not a network: ${text}`);
  return { cidr, what };
}
