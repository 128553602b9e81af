/**
 * Reads what `ipset save` prints: for each set a line `create`, then a line `add` for each member.
 */
import type { IpFamily } from '../../../../model/address.js';

export interface SavedSet {
  /** `hash:ip`, `bitmap:port`, ... */
  readonly type: string;
  readonly family: IpFamily | undefined;
  readonly maxElements: number | undefined;
  /** As printed: single addresses without prefix length. */
  readonly members: readonly string[];
}

/** @param isWanted - sets for which this is false are skipped, members and all. */
export function parseIpSetSave(
  text: string,
  isWanted: (name: string, family: IpFamily | undefined) => boolean,
): ReadonlyMap<string, SavedSet> {
  const sets = new Map<string, SavedSet & { members: string[] }>();
  for (const line of text.split('\n')) {
    if (line.startsWith('add ')) {
      const end = line.indexOf(' ', 4);
      sets.get(line.slice(4, end))?.members.push(firstWord(line, end + 1));
    } else if (line.startsWith('create ')) {
      const [, name = '', type = '', ...options] = line.split(' ');
      const family = familyIn(options);
      if (isWanted(name, family))
        sets.set(name, { type, family, maxElements: maxElementsIn(options), members: [] });
    }
  }
  return sets;
}

/** Options may follow a member. */
function firstWord(line: string, start: number): string {
  const end = line.indexOf(' ', start);
  return end === -1 ? line.slice(start) : line.slice(start, end);
}

function familyIn(options: readonly string[]): IpFamily | undefined {
  const text = optionValue(options, 'family');
  return text === undefined ? undefined : text === 'inet6' ? 6 : 4;
}

function maxElementsIn(options: readonly string[]): number | undefined {
  const text = optionValue(options, 'maxelem');
  return text === undefined ? undefined : Number(text);
}

function optionValue(options: readonly string[], key: string): string | undefined {
  const index = options.indexOf(key);
  return index === -1 ? undefined : options[index + 1];
}
