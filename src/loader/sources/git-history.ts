/**
 * What was said between two commits, and whether one came after the other.
 *
 * The answer is that of `git log after..until`, as far as history has been fetched. Commits that are missing are left
 * out: whoever looks for an approval must not find one that was given for an earlier change.
 */
import type { ReadCommitResult } from 'isomorphic-git';

export type CommitReader = (oid: string) => Promise<ReadCommitResult | undefined>;

/** Messages of the commits that `until` has and `after` has not, newest first; undefined when either is missing. */
export async function messagesBetween(
  read: CommitReader,
  after: string,
  until: string,
): Promise<readonly string[] | undefined> {
  if (!(await read(after)) || !(await read(until))) return undefined;
  const old = await ancestors(read, after, new Map());
  const news = await ancestors(read, until, old);
  return [...news.values()].map(({ commit }) => commit.message.trimEnd());
}

/**
 * Whether `commit` has `ancestor` in its history; undefined when a part of it that matters has not been fetched. What
 * `ancestor` itself descends from is not looked into: it cannot have `ancestor` in its history.
 */
export async function descends(
  read: CommitReader,
  ancestor: string,
  commit: string,
): Promise<boolean | undefined> {
  const older = new Set<string>();
  for (const found of (await ancestors(read, ancestor, new Map())).values())
    for (const parent of found.commit.parent) older.add(parent);
  const seen = new Set<string>();
  const waiting = [commit];
  let complete = true;
  for (let oid = waiting.shift(); oid !== undefined; oid = waiting.shift()) {
    if (oid === ancestor) return true;
    if (seen.has(oid) || older.has(oid)) continue;
    seen.add(oid);
    const found = await read(oid);
    if (found) waiting.push(...found.commit.parent);
    else complete = false;
  }
  return complete ? false : undefined;
}

/** The commit and what it descends from, as far as it has been fetched; nothing beyond `known`. */
async function ancestors(
  read: CommitReader,
  start: string,
  known: ReadonlyMap<string, ReadCommitResult>,
): Promise<ReadonlyMap<string, ReadCommitResult>> {
  const found = new Map<string, ReadCommitResult>();
  const waiting = [start];
  for (let oid = waiting.shift(); oid !== undefined; oid = waiting.shift()) {
    const commit = found.has(oid) || known.has(oid) ? undefined : await read(oid);
    if (!commit) continue;
    found.set(oid, commit);
    waiting.push(...commit.commit.parent);
  }
  return found;
}
