/**
 * Which commit last changed a file of a work tree, and who made it: what `git log -1 -- FILE` says.
 *
 * The repository is read where it lies. Of a merge the parent that has the same file is followed, as git does; at the
 * end of a shallow clone the oldest commit that is there is named, as git does too.
 */
import { existsSync, promises as fs } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import git, { type CommitObject } from 'isomorphic-git';
import { blobIdOf } from './candidate.js';

export interface FileChange {
  /** undefined: the file is not as any commit has it. */
  readonly commit: string | undefined;
  /** `Name <mail>`. */
  readonly author: string | undefined;
  /** ISO 8601. */
  readonly time: string | undefined;
  /** First line of the message. */
  readonly summary: string | undefined;
}

/** The last change of a file, named relative to the folder; undefined where that cannot be told. */
export type FileHistory = (file: string) => Promise<FileChange | undefined>;

/** The history of the files below a folder; undefined outside of any work tree. */
export function openFileHistory(folder: string): FileHistory | undefined {
  const root = findWorkTree(resolve(folder));
  if (root === undefined) return undefined;
  const known = new Map<string, Promise<FileChange | undefined>>();
  const repository = openRepository(join(root, '.git'));
  return (file) => {
    const path = relative(root, resolve(folder, file)).split(sep).join('/');
    // Whatever is wrong with a repository, it must not keep anybody from an answer.
    const change = known.get(path) ?? lastChange(repository, root, path).catch(() => undefined);
    known.set(path, change);
    return change;
  };
}

function findWorkTree(folder: string): string | undefined {
  for (let root = folder; ; root = dirname(root)) {
    if (existsSync(join(root, '.git'))) return root;
    if (root === dirname(root)) return undefined;
  }
}

interface Repository {
  readonly fs: typeof fs;
  readonly gitdir: string;
  readonly head: string;
  readonly cache: object;
}

/** A linked work tree has its own HEAD, and all else in the folder of the first one. */
async function openRepository(dotGit: string): Promise<Repository> {
  const link = (await fs.stat(dotGit)).isFile() ? await fs.readFile(dotGit, 'utf8') : undefined;
  const own = link === undefined ? dotGit : resolve(dirname(dotGit), link.replace(/^gitdir: /, '').trim());
  const common = await fs.readFile(join(own, 'commondir'), 'utf8').catch(() => '.');
  const gitdir = resolve(own, common.trim());
  const head = (await fs.readFile(join(own, 'HEAD'), 'utf8')).trim().replace(/^ref: /, '');
  return { fs, gitdir, head: await git.resolveRef({ fs, gitdir, ref: head }), cache: {} };
}

/** Commits that are looked at; a file that is older than all of them is not told of. */
const MAX_COMMITS = 2_000;

async function lastChange(
  opening: Promise<Repository>,
  root: string,
  path: string,
): Promise<FileChange | undefined> {
  const repository = await opening;
  const written = blobIdOf(await fs.readFile(join(root, path)));
  let oid = repository.head;
  if ((await blobAt(repository, oid, path)) !== written) return NOT_COMMITTED;
  for (let looked = 0; looked < MAX_COMMITS; looked += 1) {
    const { commit } = await git.readCommit({ ...repository, oid });
    const before = await parentWith(repository, commit, path, written);
    if (before === undefined) return describe(oid, commit);
    oid = before;
  }
  return undefined;
}

const NOT_COMMITTED: FileChange = {
  commit: undefined,
  author: undefined,
  time: undefined,
  summary: undefined,
};

async function parentWith(
  repository: Repository,
  { parent }: CommitObject,
  path: string,
  written: string,
): Promise<string | undefined> {
  for (const oid of parent) if ((await blobAt(repository, oid, path)) === written) return oid;
  return undefined;
}

/** The id of the file in a commit; undefined where it is not, or where the commit has not been fetched. */
async function blobAt(repository: Repository, commit: string, path: string): Promise<string | undefined> {
  try {
    const { commit: read } = await git.readCommit({ ...repository, oid: commit });
    let oid: string | undefined = read.tree;
    for (const name of path.split('/')) {
      if (oid === undefined) return undefined;
      const { tree } = await git.readTree({ ...repository, oid });
      oid = tree.find((entry) => entry.path === name)?.oid;
    }
    return oid;
  } catch {
    return undefined;
  }
}

function describe(oid: string, { author, message }: CommitObject): FileChange {
  return {
    commit: oid,
    author: `${author.name} <${author.email}>`,
    time: new Date(author.timestamp * 1000).toISOString(),
    summary: message.split('\n')[0],
  };
}
