/**
 * Which addresses an end of a BGP session can have.
 *
 * The session crosses routers, so a link-local address would name nobody: it means something together with an
 * interface only, and BIRD refuses a whole file that has one as a neighbour. The others are no machine's own.
 */
import { type Address, cidrContains, parseCidr } from './address.js';

/** What the address is instead, for a message: `a link-local address`; undefined: a session can have it. */
export function unfitForBgp(address: Address): string | undefined {
  return UNFIT.find(({ cidr }) => cidrContains(cidr, address))?.what;
}

const UNFIT = Object.entries({
  '0.0.0.0/32': 'the unspecified address',
  '127.0.0.0/8': 'a loopback address',
  '224.0.0.0/4': 'a multicast address',
  '255.255.255.255/32': 'the broadcast address',
  '::/128': 'the unspecified address',
  '::1/128': 'a loopback address',
  '::ffff:0:0/96': 'an IPv4 address written as IPv6',
  'ff00::/8': 'a multicast address',
  'fe80::/10': 'a link-local address',
}).flatMap(([text, what]) => {
  const cidr = parseCidr(text);
  return cidr === undefined ? [] : [{ cidr, what }];
});
