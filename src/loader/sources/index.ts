/**
 * The registry of sources, and the one function that opens them.
 *
 * What `--repo` says decides: a URL and a bare repository are read as git objects, so is any repository when a ref
 * is named; every other path is a folder, read as its files are now.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { DirectorySource } from './directory.js';
import { GitSource } from './git.js';
import { localRemote, parseRemote } from './git-remote.js';
import type { TransportOptions } from './git-transport.js';
import { type Source, SourceError } from './source.js';

export interface OpenSourceOptions extends TransportOptions {
  /** A URL, `user@host:path`, or a path. */
  readonly repo: string;
  /** A branch, tag or commit. undefined: `main` of a repository (its HEAD without one), the files of a folder. */
  readonly ref?: string | undefined;
  /** Folder below the root of the repository, or below the folder. */
  readonly path?: string | undefined;
  /** Where fetched objects are kept; made when it is not there, and safe to delete. */
  readonly cacheDir: string;
}

/** Opens nothing yet: what is not there is said by `latest` and `read`. @throws {SourceError} for a wrong address */
export function openSource(options: OpenSourceOptions): Source {
  for (const open of SOURCES) {
    const source = open({ ...options, path: cleanPath(options.path ?? '') });
    if (source) return source;
  }
  throw new TypeError('The last kind of source takes every path');
}

type CleanOptions = OpenSourceOptions & { readonly path: string };

/** Each opens what is its own kind of address; the first that does is taken. */
const SOURCES: readonly ((options: CleanOptions) => Source | undefined)[] = [
  openRemote,
  openLocalRepository,
  openFolder,
];

function openRemote(options: CleanOptions): Source | undefined {
  const remote = parseRemote(options.repo);
  return remote && new GitSource({ ...options, remote, ref: options.ref });
}

function openLocalRepository(options: CleanOptions): Source | undefined {
  const folder = resolve(options.repo);
  if (isBareRepository(folder))
    return new GitSource({ ...options, remote: localRemote(folder), ref: options.ref });
  if (options.ref === undefined) return undefined;
  const source = openSurrounding(folder, options);
  if (source) return source;
  throw new SourceError(
    'not-found',
    `${folder}: not in a git repository, so there is no ref "${options.ref}". Leave --ref out to read the files`,
  );
}

function openFolder(options: CleanOptions): Source {
  const folder = resolve(options.repo);
  return new DirectorySource({
    folder: join(folder, options.path),
    within: folder,
    history: openSurrounding(folder, options),
  });
}

/** The repository that a folder is part of, read at that folder. */
function openSurrounding(folder: string, options: CleanOptions): Source | undefined {
  for (let root = folder; ; root = dirname(root)) {
    if (existsSync(join(root, '.git'))) {
      const below = relative(root, join(folder, options.path)).split(sep).join('/');
      return new GitSource({ ...options, remote: localRemote(root), ref: options.ref, path: below });
    }
    if (root === dirname(root)) return undefined;
  }
}

function isBareRepository(folder: string): boolean {
  // The .git of a work tree is one too, when it is named.
  const parts = ['HEAD', 'objects', 'refs'].every((name) => existsSync(join(folder, name)));
  return parts && (basename(folder) === '.git' || !existsSync(join(folder, '.git')));
}

/** Without empty and dot segments. @throws {SourceError} when it leads out */
function cleanPath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..'))
    throw new SourceError('not-found', `--path ${path} leads out of the repository. Name a folder inside it`);
  return segments.join('/');
}
