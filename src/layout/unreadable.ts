/**
 * What of an object stays when a part of it cannot be read.
 *
 * An object that is dropped for one bad value may open what it closed (law 5): a deny is gone, a network falls out of a
 * set, a host falls back to defaults. So the parts are read one by one; the error names all that failed, and brings along
 * what is to be enforced of the rest.
 */
import type { Resource } from '../model/resource.js';
import { type Decoded, type Decoder, list, type Members, mapOf, object } from './json-decoder.js';
import { LayoutError } from './layout.js';

const anything: Decoder<unknown> = (value) => value;

/** The parts of one object that could not be read. */
export class Unreadable {
  readonly errors: LayoutError[] = [];

  /** The part, or undefined where it cannot be read. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof LayoutError)) throw error;
      this.errors.push(error);
      return undefined;
    }
  }

  /** As `list` of json-decoder.ts; what stands in place of an item that cannot be read, `instead` says. */
  list<T>(item: Decoder<T>, instead: readonly T[] = []): Decoder<readonly T[]> {
    return (value, place) =>
      list(anything)(value, place).flatMap((member, index) => {
        const read = this.attempt(() => item(member, { ...place, at: `${place.at}[${index}]` }));
        return read === undefined ? instead : [read];
      });
  }

  /** As `mapOf`, without the members that cannot be read. */
  mapOf<T>(item: Decoder<T>): Decoder<Readonly<Record<string, T>>> {
    return this.#memberByMember(mapOf(item));
  }

  /** As `object`, without the members that cannot be read. */
  object<M extends Members>(members: M, unknownMembers?: 'ignored' | 'refused'): Decoder<Decoded<M>> {
    return this.#memberByMember(object(members, unknownMembers));
  }

  #memberByMember<T extends object>(whole: Decoder<T>): Decoder<T> {
    return (value, place) => {
      const parts = Object.entries(mapOf(anything)(value, place)).flatMap(([name, member]) =>
        Object.entries(this.attempt(() => whole({ [name]: member }, place)) ?? {}),
      );
      // A label may be called __proto__, which Object.assign() would take for another thing.
      return Object.fromEntries(parts) as T;
    };
  }
}

/** The resource when all of it was read. @throws {LayoutError} that brings it along when some was not */
export function settle<R extends Resource>(resource: R, ...unreadable: readonly Unreadable[]): R {
  const [first, ...others] = unreadable.flatMap(({ errors }) => errors);
  if (!first) return resource;
  const own = first.message.slice(`${first.path}: `.length);
  const more = others.map(({ message }) => `; ${message}`).join('');
  throw new LayoutError(first.path, first.value, `${own}${more}`, resource);
}
