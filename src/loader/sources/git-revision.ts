/**
 * What a user calls a commit: a branch, a tag, an id, and steps back from it (gitrevisions(7)).
 *
 * Names are looked up in what the remote lists, branches first, as `git clone --branch` does: who asks for `main`
 * means the branch, also where somebody made a tag of that name.
 */
import type { ServerRef } from 'isomorphic-git';
import { SourceError } from './source.js';

export interface Revision {
  readonly text: string;
  /** The name or id without steps. */
  readonly base: string;
  /** Which parent to go to, counted from 1, one for each step back. */
  readonly steps: readonly number[];
}

const MAX_STEPS = 10_000;

/** Reads `main`, `HEAD~2`, `v1^`. @throws {SourceError} `unknown-ref` */
export function parseRevision(text: string): Revision {
  const match = /^([^~^:\s]+)((?:[~^]\d*)*)$/.exec(text);
  const steps = [...(match?.[2] ?? '').matchAll(/([~^])(\d*)/g)].flatMap(([, operator, digits = '']) => {
    const count = digits === '' ? 1 : Math.min(Number(digits), MAX_STEPS);
    return operator === '^' ? [count] : Array.from({ length: count }, () => 1);
  });
  if (match?.[1] === undefined || steps.includes(0))
    throw new SourceError(
      'unknown-ref',
      `"${text}" names no commit. Write a branch, a tag, an id, or one of them with ~N`,
    );
  return { text, base: match[1], steps };
}

/** True for a whole commit id. */
export function isObjectId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** True for what may be the beginning of an id. */
export function isAbbreviation(text: string): boolean {
  return /^[0-9a-f]{4,39}$/.test(text);
}

/** The ref of this name among those that a remote lists. */
export function findRef(refs: readonly ServerRef[], name: string): ServerRef | undefined {
  const names = [name, `refs/heads/${name}`, `refs/tags/${name}`, `refs/${name}`, `refs/remotes/${name}`];
  for (const candidate of names) {
    const found = refs.find(({ ref, oid }) => ref === candidate && isObjectId(oid));
    if (found) return found;
  }
  return undefined;
}

/** The branches that a remote has, for messages. */
export function listBranches(refs: readonly ServerRef[]): string {
  const branches = refs.flatMap(({ ref }) => (ref.startsWith('refs/heads/') ? [ref.slice(11)] : []));
  if (branches.length === 0) return 'no branches';
  const shown = branches.slice(0, 5).join(', ');
  return branches.length > 5 ? `${shown} and ${branches.length - 5} more` : shown;
}
