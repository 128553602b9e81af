/**
 * Members of a set in the kernel's words.
 *
 * A single address loses its prefix length, as ipset prints it without. A hash:net set cannot hold a network of
 * length 0, so everything becomes two halves; and a half that is desired twice must not go while one of the two stays.
 */
import {
  addressLength,
  addressPart,
  type Cidr,
  familyOf,
  type IpFamily,
  parseAddress,
  parseCidr,
  prefixLength,
} from '../../../../model/address.js';
import type { Brand } from '../../../../model/brand.js';

/** A line `add` without command and set: `10.0.0.1`, `10.0.0.0/8`. */
export type IpSetElement = Brand<string, 'IpSetElement'>;

const HALVES: Record<IpFamily, readonly string[]> = {
  4: ['0.0.0.0/1', '128.0.0.0/1'],
  6: ['::/1', '8000::/1'],
};

export function elementsOf(member: Cidr): readonly IpSetElement[] {
  const length = prefixLength(member);
  const family = familyOf(member);
  const texts =
    length === 0 ? HALVES[family] : [length === addressLength(family) ? addressPart(member) : member];
  return texts.map((text) => text as IpSetElement);
}

/**
 * An element as `ipset save` prints it. It prints IPv6 as inet_ntop(3) does, with the last four octets in decimal where
 * the rest is zero (`::1.2.3.4`) or mapped (`::ffff:1.2.3.4`), which RFC 5952 leaves to those who know the prefix.
 */
export function printedElement(text: string): IpSetElement {
  const isMixed = text.includes(':') && text.includes('.');
  const canonical: string = isMixed ? (parseCidr(text) ?? parseAddress(text) ?? text) : text;
  return canonical as IpSetElement;
}

/** The elements that leave the kernel when `member` is no longer among `members`. */
export function elementsGone(member: Cidr, members: ReadonlySet<Cidr>): readonly IpSetElement[] {
  const everything = (familyOf(member) === 4 ? '0.0.0.0/0' : '::/0') as Cidr;
  return elementsOf(member).filter(
    (element) =>
      !members.has(element as string as Cidr) && !(prefixLength(member) === 1 && members.has(everything)),
  );
}
