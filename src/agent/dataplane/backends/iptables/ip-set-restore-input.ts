/**
 * From a difference to the lines that `ipset restore` turns it into.
 *
 * Each line is applied by itself, and packets pass in between: set-generations.ts says which may be written when.
 */
import type { IpFamily } from '../../../../model/address.js';
import type { IpSetType } from '../../../calc/updates.js';
import type { IpSetElement } from './ip-set-elements.js';
import { setWord } from './render.js';

export interface SetHeader {
  readonly type: IpSetType;
  readonly family: IpFamily;
}

export interface MemberChanges {
  readonly added: readonly IpSetElement[];
  readonly removed: readonly IpSetElement[];
}

export interface SetEdit extends MemberChanges {
  readonly name: string;
  readonly header: SetHeader;
  /** False: the kernel has no set of this name. */
  readonly exists: boolean;
  /** All that there should be, where the set is to be made. */
  readonly members: readonly IpSetElement[];
}

/** What the kernel allows in a set; its own default, 65,536, is too small for a cluster. */
export const MAX_ELEMENTS = 1_048_576;

export function setLines({ name, header, exists, members, added, removed }: SetEdit): readonly string[] {
  const word = setWord(name);
  if (!exists) return [createLine(word, header), ...addLines(word, members)];
  return [...removed.map((element) => `del ${word} ${element} -exist`), ...addLines(word, added)];
}

export function destroyLine(name: string): string {
  return `destroy ${setWord(name)}`;
}

export function ipSetInput(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function createLine(name: string, { type, family }: SetHeader): string {
  return `create ${name} ${type} family ${family === 4 ? 'inet' : 'inet6'} maxelem ${MAX_ELEMENTS}`;
}

function addLines(name: string, elements: readonly IpSetElement[]): string[] {
  return elements.map((element) => `add ${name} ${element} -exist`);
}
