/**
 * Reading JSON values out of the store.
 *
 * What other programs wrote is checked while it is read: a decoder takes `unknown` and gives a typed value, or
 * raises a LayoutError that names the key, the member and what was expected there. `null` counts as absent
 * everywhere, because Go and Python writers use it so. Members that a decoder does not know are ignored, unless
 * it says that they are refused.
 */
import { shallow } from '../model/shallow.js';
import { LayoutError } from './layout.js';

/** Where a value stands: the key, its whole text, and the member inside, such as `inbound_rules[0].action`. */
export interface Place {
  readonly path: string;
  readonly text: string;
  readonly at: string;
}

export type Decoder<T> = (value: unknown, place: Place) => T;
export type Members = Readonly<Record<string, Decoder<unknown>>>;
export type Decoded<M extends Members> = {
  readonly [K in keyof M]?: M[K] extends Decoder<infer T> ? T : never;
};

/** Reads the JSON value of a key. Blank text counts as `{}`: Python wrote it for keys that only have to exist. */
export function decodeJson<T>(path: string, text: string, decoder: Decoder<T>): T {
  const place = { path, text, at: '' };
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw fault(place, `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return decoder(value, place);
}

export function fault(place: Place, message: string): LayoutError {
  return new LayoutError(place.path, place.text, place.at === '' ? message : `${place.at}: ${message}`);
}

export const text: Decoder<string> = (value, place) => {
  if (typeof value === 'string') return value;
  throw unexpected(place, 'a string', value);
};

export const flag: Decoder<boolean> = (value, place) => {
  if (typeof value === 'boolean') return value;
  throw unexpected(place, 'true or false', value);
};

/** An integer, also when written as a string of digits (Calico writes AS numbers so). */
export function integer(min: number, max: number): Decoder<number> {
  return (value, place) => {
    const given = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max) return given;
    throw unexpected(place, `an integer from ${min} to ${max}`, value);
  };
}

/** One of these values; strings are compared without regard to case. */
export function oneOf<const T extends string | number>(...values: readonly T[]): Decoder<T> {
  const known = new Map(values.map((value) => [String(value).toLowerCase(), value]));
  return (value, place) => {
    const found = known.get(String(value).toLowerCase());
    if (found !== undefined) return found;
    throw unexpected(place, `one of ${values.join(', ')}`, value);
  };
}

/** Text that `parse` accepts; `what` names it in the message: `an IPv4 address`. */
export function parsed<T>(parse: (text: string) => T | undefined, what: string): Decoder<T> {
  return (value, place) => {
    const result = typeof value === 'string' ? parse(value) : undefined;
    if (result !== undefined) return result;
    throw unexpected(place, what, value);
  };
}

export function list<T>(item: Decoder<T>): Decoder<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw unexpected(place, 'a list', value);
    return value.map((member, index) => item(member, { ...place, at: `${place.at}[${index}]` }));
  };
}

/** An object whose members have names of their own, and are all alike. */
export function mapOf<T>(item: Decoder<T>): Decoder<Readonly<Record<string, T>>> {
  return (value, place) => {
    const entries = membersOf(value, place).map(([name, member]): [string, T] => [
      name,
      item(member, inside(place, name)),
    ]);
    return Object.fromEntries(entries);
  };
}

/** An object whose members are all strings, such as labels. */
export const textMap: Decoder<Readonly<Record<string, string>>> = mapOf(text);

/** An object with these members, each optional. */
export function object<M extends Members>(
  members: M,
  unknownMembers: 'ignored' | 'refused' = 'ignored',
): Decoder<Decoded<M>> {
  return (value, place) => {
    const result: Record<string, unknown> = {};
    for (const [name, member] of membersOf(value, place)) {
      const decoder = Object.hasOwn(members, name) ? members[name] : undefined;
      if (decoder && member !== null) result[name] = decoder(member, inside(place, name));
      else if (!decoder && unknownMembers === 'refused')
        throw fault(inside(place, name), 'unknown here; heddle cannot tell what it would change');
    }
    return result as Decoded<M>;
  };
}

/** An object of which the named members must be there. */
export function objectWith<M extends Members, K extends keyof M & string>(
  required: readonly K[],
  members: M,
  unknownMembers: 'ignored' | 'refused' = 'ignored',
): Decoder<Decoded<M> & Required<Pick<Decoded<M>, K>>> {
  const decoder = object(members, unknownMembers);
  return (value, place) => {
    const result = decoder(value, place);
    const missing = required.find((name) => !(name in result));
    if (missing !== undefined) throw fault(inside(place, missing), 'missing');
    return result as Decoded<M> & Required<Pick<Decoded<M>, K>>;
  };
}

/** Levels of a value that a message shows: JSON can be read deeper than it can be written. */
const SHOWN_LEVELS = 3;

export function unexpected(place: Place, what: string, value: unknown): LayoutError {
  const shown = JSON.stringify(shallow(value, SHOWN_LEVELS)) ?? String(value);
  return fault(place, `expected ${what}, found ${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown}`);
}

function membersOf(value: unknown, place: Place): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw unexpected(place, 'an object', value);
}

function inside(place: Place, name: string): Place {
  return { ...place, at: place.at === '' ? name : `${place.at}.${name}` };
}
