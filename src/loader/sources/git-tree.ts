/**
 * Reads the manifests of one commit out of fetched objects.
 *
 * Nothing is checked out: no work tree, no filters, no hooks. Symbolic links (mode 120000) and submodules (160000)
 * are left out, because both can lead out of the commit. Objects in packs are not verified by isomorphic-git, so
 * each blob's id is computed again before its bytes are believed.
 */
import git, { type PromiseFsClient, type TreeEntry } from 'isomorphic-git';
import { blobIdOf, FileBudget, isCandidateFile, isSkippedFolder, sortByPath } from './candidate.js';
import type { ObjectCache } from './git-cache.js';
import { SourceError, type SourceFile, type SourceTree } from './source.js';

export interface TreeRequest {
  readonly repository: { readonly fs: PromiseFsClient; readonly gitdir: string };
  readonly commit: string;
  /** Folder below the root, without slashes at its ends; '' for the root. */
  readonly path: string;
  /** Blobs that need not be read again, by id. */
  readonly known: ReadonlyMap<string, Uint8Array>;
  readonly signal: AbortSignal;
}

/** @throws {SourceError}, or what isomorphic-git throws for objects that are missing or broken. */
export async function readCommitTree(request: TreeRequest): Promise<SourceTree> {
  const { repository, commit: oid, path } = request;
  const cache: ObjectCache = {};
  const { commit } = await git.readCommit({ ...repository, oid, cache });
  const root = await git.readTree({ ...repository, oid: commit.tree, cache });
  const folder = path === '' ? root : await descend(request, root, cache);
  const files = await readFolder(request, folder.tree, cache);
  return {
    version: {
      commit: oid,
      tree: folder.oid,
      author: `${commit.author.name} <${commit.author.email}>`,
      message: commit.message.trimEnd(),
      time: new Date(commit.committer.timestamp * 1000).toISOString(),
    },
    files: sortByPath(files),
  };
}

interface Folder {
  readonly oid: string;
  readonly tree: readonly TreeEntry[];
}

async function descend(request: TreeRequest, root: Folder, cache: ObjectCache): Promise<Folder> {
  let folder = root;
  for (const name of request.path.split('/')) {
    const entry = folder.tree.find((each) => each.path === name && each.type === 'tree');
    if (!entry) {
      const { path, commit } = request;
      throw new SourceError(
        'no-path',
        `There is no folder ${path} in commit ${commit.slice(0, 12)}. Check --path`,
      );
    }
    folder = await git.readTree({ ...request.repository, oid: entry.oid, cache });
  }
  return folder;
}

async function readFolder(
  request: TreeRequest,
  root: readonly TreeEntry[],
  cache: ObjectCache,
): Promise<readonly SourceFile[]> {
  const budget = new FileBudget();
  const files: SourceFile[] = [];
  const waiting: { readonly prefix: string; readonly tree: readonly TreeEntry[] }[] = [
    { prefix: '', tree: root },
  ];
  for (let folder = waiting.pop(); folder; folder = waiting.pop()) {
    for (const entry of folder.tree) {
      request.signal.throwIfAborted();
      const path = `${folder.prefix}${entry.path}`;
      if (entry.type === 'tree' && !isSkippedFolder(entry.path)) {
        budget.enter(path);
        const { tree } = await git.readTree({ ...request.repository, oid: entry.oid, cache });
        waiting.push({ prefix: `${path}/`, tree });
      } else if (isRegularFile(entry) && isCandidateFile(entry.path)) {
        const bytes = request.known.get(entry.oid) ?? (await readBlob(request, entry.oid, cache));
        budget.add(path, bytes.length);
        files.push({ path, blobId: entry.oid, bytes });
      }
    }
  }
  return files;
}

function isRegularFile({ type, mode }: TreeEntry): boolean {
  return type === 'blob' && mode.startsWith('100');
}

async function readBlob({ repository }: TreeRequest, oid: string, cache: ObjectCache): Promise<Uint8Array> {
  const { blob } = await git.readBlob({ ...repository, oid, cache });
  if (blobIdOf(blob) !== oid) throw new SourceError('corrupt', `The object ${oid} is damaged`);
  return blob;
}
