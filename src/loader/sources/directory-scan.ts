/**
 * Reads a folder as it is now.
 *
 * A symbolic link to a folder is never followed. One to a file is read when the file lies inside the root and is
 * not read anyway: that is how Kubernetes projects a ConfigMap (`a.yaml -> ..data/a.yaml`), while a link between
 * two manifests would define everything in it twice.
 */
import type { Dirent } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { MAX_FILE_BYTES } from '../source-text.js';
import { blobIdOf, FileBudget, isCandidateFile, isSkippedFolder, sortByPath } from './candidate.js';
import { SourceError, type SourceFile } from './source.js';

export interface Scan {
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  /** When the newest file was changed, in ms since 1970. */
  readonly changedAt: number;
}

/** What to read: a folder or a single file, inside of another folder. */
export interface ScanTarget {
  readonly folder: string;
  readonly within: string;
}

/** Reads it as it is now. @throws {SourceError} */
export async function scanFolder(target: ScanTarget, signal: AbortSignal): Promise<Scan> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await scanOnce(target, signal);
    } catch (error) {
      if (error instanceof SourceError || signal.aborted) throw error;
      // A file that vanishes between being listed and being read: somebody is writing, look again.
      const hasVanished = errnoOf(error) === 'ENOENT' && attempt < MAX_ATTEMPTS;
      if (!hasVanished) throw unreadable(target.folder, error);
    }
  }
}

const MAX_ATTEMPTS = 3;

async function scanOnce({ folder, within }: ScanTarget, signal: AbortSignal): Promise<Scan> {
  const root = await realpath(folder);
  if (!isBelow(root, await realpath(within)))
    throw new SourceError(
      'not-found',
      `${folder} is a link that leads out of ${within}. Name a folder inside it`,
    );
  const info = await stat(root);
  if (!info.isDirectory()) {
    const file = await readOne(root, folder.slice(folder.lastIndexOf(sep) + 1), new FileBudget());
    return { files: [file.file], changedAt: file.changedAt };
  }
  const { regular, links } = await listFolder(root, signal);
  const seen = new Set(regular);
  const targets = await Promise.all(links.map((link) => linkTarget(link, root, seen)));
  const linked = links.filter((_, index) => targets[index]);
  const budget = new FileBudget();
  const files: SourceFile[] = [];
  let changedAt = 0;
  for (const path of [...regular, ...linked]) {
    signal.throwIfAborted();
    const read = await readOne(path, relative(root, path).split(sep).join('/'), budget);
    files.push(read.file);
    changedAt = Math.max(changedAt, read.changedAt);
  }
  return { files: sortByPath(files), changedAt };
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

interface Listing {
  readonly regular: string[];
  readonly links: string[];
}

/** Absolute paths of the candidates below a folder. */
async function listFolder(root: string, signal: AbortSignal): Promise<Listing> {
  const budget = new FileBudget();
  const listing: Listing = { regular: [], links: [] };
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    signal.throwIfAborted();
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !isSkippedFolder(entry.name)) {
        budget.enter(relative(root, path));
        waiting.push(path);
      } else if (isCandidateFile(entry.name)) addFile(entry, path, listing);
    }
  }
  return listing;
}

function addFile(entry: Dirent, path: string, { regular, links }: Listing): void {
  if (entry.isFile()) regular.push(path);
  else if (entry.isSymbolicLink()) links.push(path);
}

/** The file a link leads to, if it may be read through it. */
async function linkTarget(
  link: string,
  root: string,
  seen: ReadonlySet<string>,
): Promise<string | undefined> {
  const target = await realpath(link).catch(() => undefined);
  if (target === undefined || seen.has(target) || !target.startsWith(`${root}${sep}`)) return undefined;
  return (await stat(target)).isFile() ? target : undefined;
}

async function readOne(
  absolute: string,
  path: string,
  budget: FileBudget,
): Promise<{ file: SourceFile; changedAt: number }> {
  const { size, mtimeMs } = await stat(absolute);
  const isWhole = size <= MAX_FILE_BYTES;
  budget.add(path, isWhole ? size : MAX_FILE_BYTES + 1);
  const bytes = isWhole ? await readFile(absolute) : await readStart(absolute, MAX_FILE_BYTES + 1);
  return { file: { path, blobId: blobIdOf(bytes), bytes }, changedAt: mtimeMs };
}

/** Of a file that is too large, as much as shows it. */
async function readStart(absolute: string, length: number): Promise<Uint8Array> {
  await using file = await open(absolute);
  const { buffer, bytesRead } = await file.read({ buffer: new Uint8Array(length) });
  return buffer.subarray(0, bytesRead);
}

function unreadable(folder: string, error: unknown): SourceError {
  const errno = errnoOf(error);
  const inside = pathOf(error);
  // Node takes names of files for UTF-8: one that is not is listed as another, which is not there.
  if (errno === 'ENOENT' && inside?.startsWith(`${folder}${sep}`))
    return new SourceError(
      'unreachable',
      `${inside}: cannot be read, although the folder lists it. Rename it if its name is not UTF-8`,
      { cause: error },
    );
  if (errno === 'ENOENT' || errno === 'ENOTDIR')
    return new SourceError('not-found', `${folder}: no such folder. Check --repo and --path`, {
      cause: error,
    });
  if (errno === 'EACCES' || errno === 'EPERM') {
    const text = error instanceof Error ? error.message : String(error);
    return new SourceError('auth', `${folder}: may not be read: ${text}`, { cause: error });
  }
  const text = error instanceof Error ? error.message : String(error);
  return new SourceError('unreachable', `${folder}: cannot be read: ${text}`, { cause: error });
}

function pathOf(error: unknown): string | undefined {
  const path = error instanceof Error && 'path' in error ? error.path : undefined;
  return typeof path === 'string' ? path : undefined;
}

function errnoOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
