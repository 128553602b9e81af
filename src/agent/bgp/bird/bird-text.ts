/**
 * The one way to write BIRD's configuration language: a template tag that takes no plain strings.
 *
 * BIRD's quoted strings have no escapes: they end at the next double quote, and a line break inside one is an error.
 * So text from outside cannot be escaped, it must be made harmless; and bare words may be keywords (a node called
 * `exp` breaks a protocol of that name). What reaches a template has therefore been through one of the functions
 * here, which the type `BirdText` attests.
 */
import { isIP } from 'node:net';
import type { Address, Cidr } from '../../../model/address.js';
import { addressPart } from '../../../model/address.js';
import type { Brand } from '../../../model/brand.js';
import { isCommunity } from '../../../model/community.js';
import { passwordProblem } from '../password-file.js';

/** A piece of BIRD configuration that is well-formed by construction. */
export type BirdText = Brand<string, 'BirdText'>;

/** Longest text that `quoted` lets through; more says nothing to whoever reads `birdc show protocols`. */
const QUOTED_LIMIT = 100;

/** Writes configuration; what is filled in must be well-formed already. */
export function bird(words: TemplateStringsArray, ...values: readonly (BirdText | number)[]): BirdText {
  const parts = words.map((word, index) => word + (values[index] ?? ''));
  return parts.join('') as BirdText;
}

/** Free text for people, in double quotes. Characters that BIRD cannot quote become `?`; long text is cut. */
export function quoted(text: string): BirdText {
  return `"${text.slice(0, QUOTED_LIMIT).replace(/[^ !#-~]/g, '?')}"` as BirdText;
}

/** A path, in double quotes. @throws {RangeError} when BIRD has no way to write it. */
export function quotedPath(path: string): BirdText {
  if (/[^ !#-~]/.test(path) || !path.startsWith('/'))
    throw new RangeError(
      `BIRD cannot be told the path ${JSON.stringify(path)}: use an absolute path of printable ASCII without double quotes`,
    );
  return `"${path}"` as BirdText;
}

/** An interface pattern in double quotes. @throws {RangeError} for what cannot begin an interface name. */
export function interfacesStartingWith(prefix: string): BirdText {
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(prefix))
    throw new RangeError(`${JSON.stringify(prefix)} cannot begin the name of an interface`);
  return `"${prefix}*"` as BirdText;
}

/** A pattern for interface names, in which `*` stands for any characters. @throws {RangeError} for anything else. */
export function interfacesLike(pattern: string): BirdText {
  if (!/^[A-Za-z0-9_.*-]{1,15}$/.test(pattern))
    throw new RangeError(`${JSON.stringify(pattern)} is not a pattern for names of interfaces`);
  return `"${pattern}"` as BirdText;
}

/** A password, in double quotes. @throws {RangeError} when BIRD has no way to write it, without saying what it is. */
export function quotedPassword(password: string): BirdText {
  const problem = passwordProblem(password);
  if (problem !== undefined) throw new RangeError(`BIRD cannot be told a password that ${problem}`);
  return `"${password}"` as BirdText;
}

/** A name that is no keyword: `prefix` makes sure of that. @throws {RangeError} beyond BIRD's 64 characters. */
export function symbol(prefix: 'heddle_' | 'Mesh_' | 'Global_' | 'Node_', rest: string): BirdText {
  const name = prefix + rest;
  if (!/^\w{1,64}$/.test(name)) throw new RangeError(`not a BIRD symbol: ${JSON.stringify(name)}`);
  return name as BirdText;
}

/** @throws {RangeError} for text that is not an address, whatever its type says. */
export function address(value: Address): BirdText {
  if (isIP(value) === 0) throw new RangeError(`not an address: ${JSON.stringify(value)}`);
  return value as string as BirdText;
}

/** `10.65.0.0/16`. @throws {RangeError} for text that is not a network, whatever its type says. */
export function network(cidr: Cidr): BirdText {
  address(addressPart(cidr));
  if (!/\/\d{1,3}$/.test(cidr)) throw new RangeError(`not a network: ${JSON.stringify(cidr)}`);
  return cidr as string as BirdText;
}

/** `65000:1` or `65000:1:2` with the attribute that holds it. @throws {RangeError} for other text. */
export function community(text: string): { readonly attribute: BirdText; readonly value: BirdText } {
  if (!isCommunity(text)) throw new RangeError(`not a community: ${JSON.stringify(text)}`);
  const parts = text.split(':');
  return {
    attribute: (parts.length === 2 ? 'bgp_community' : 'bgp_large_community') as BirdText,
    value: `(${parts.join(', ')})` as BirdText,
  };
}

/** `10.65.0.0/16+`: the network and everything in it. */
export function networkAndBelow(cidr: Cidr): BirdText {
  return `${network(cidr)}+` as BirdText;
}

/** A named set of networks, one a line. There is no empty one. */
export function networkSet(name: BirdText, networks: readonly BirdText[]): BirdText {
  const rows = networks.map((one, index) => bird`  ${one}${index < networks.length - 1 ? bird`,` : bird``}`);
  return lines(bird`\ndefine ${name} = [`, ...rows, bird`];`);
}

/** Puts pieces one under the other, those after the first line of each block further in. */
export function lines(...pieces: readonly (BirdText | undefined)[]): BirdText {
  return pieces.filter((piece) => piece !== undefined).join('\n') as BirdText;
}

/** Puts pieces one behind the other. */
export function joined(pieces: readonly BirdText[]): BirdText {
  return pieces.join('') as BirdText;
}

/** `head {` … `}` with every line of the body indented by two. */
export function block(head: BirdText, ...body: readonly (BirdText | undefined)[]): BirdText {
  const indented = lines(...body).replace(/^(?=.)/gm, '  ');
  return `${head} {\n${indented}\n}` as BirdText;
}
