/**
 * From a difference to the lines that `ipset restore` turns it into.
 *
 * Each line is applied by itself: a set that both gains and loses much is built beside the old one and swapped,
 * which is one step for packets. A little of either is added and deleted in place.
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
  /** All that there should be. */
  readonly members: readonly IpSetElement[];
  readonly added: readonly IpSetElement[];
  readonly removed: readonly IpSetElement[];
}

export interface SetEdit extends MemberChanges {
  readonly name: string;
  readonly header: SetHeader;
  /** False: the kernel has no set of this name. */
  readonly exists: boolean;
}

/** What the kernel allows in a set; its own default, 65,536, is too small for a cluster. */
export const MAX_ELEMENTS = 1_048_576;

/** @param temporary - a name that no set has. */
export function setLines(edit: SetEdit, temporary: string): readonly string[] {
  const name = setWord(edit.name);
  if (!edit.exists) return [createLine(name, edit.header), ...addLines(name, edit.members)];
  if (isRewrite(edit))
    return [
      createLine(temporary, edit.header),
      ...addLines(temporary, edit.members),
      `swap ${name} ${temporary}`,
      destroyLine(temporary),
    ];
  return [...addLines(name, edit.added), ...edit.removed.map((element) => `del ${name} ${element} -exist`)];
}

export function destroyLine(name: string): string {
  return `destroy ${setWord(name)}`;
}

export function ipSetInput(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function isRewrite({ members, added, removed }: SetEdit): boolean {
  return added.length > 0 && removed.length > 0 && 2 * (added.length + removed.length) >= members.length;
}

function createLine(name: string, { type, family }: SetHeader): string {
  return `create ${name} ${type} family ${family === 4 ? 'inet' : 'inet6'} maxelem ${MAX_ELEMENTS}`;
}

function addLines(name: string, elements: readonly IpSetElement[]): string[] {
  return elements.map((element) => `add ${name} ${element} -exist`);
}
