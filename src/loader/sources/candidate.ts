/**
 * Which files of a source are read, and how much at most.
 *
 * A folder and a git tree pass the same filter, so that the same files give the same network either way. Folders
 * that start with a dot and node_modules are not looked into. The limits on all files together stand before any
 * parser: a repository is input that many people can write to. One file that is too large is a fault of that file,
 * found where it would be read (source-text.ts).
 */
import { createHash } from 'node:crypto';
import { IGNORE_FILE, isYamlName } from '../ignore-file.js';
import { SourceError, type SourceFile } from './source.js';

/** True for manifests and for the list of files that are none. `name` is the last segment of a path. */
export function isCandidateFile(name: string): boolean {
  return isYamlName(name) || name === IGNORE_FILE;
}

export function isSkippedFolder(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules';
}

/** Folders deeper than this are refused: a path of etcd or of Linux is never that long. */
const MAX_DEPTH = 64;
const MAX_FILES = 50_000;
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

/** Counts what a source yields. @throws {SourceError} `limit`, naming the file that is too much. */
export class FileBudget {
  #files = 0;
  #bytes = 0;

  add(path: string, bytes: number): void {
    this.#files += 1;
    this.#bytes += bytes;
    if (this.#files > MAX_FILES)
      throw tooMuch(
        path,
        'the number of .yaml and .yml files',
        `${this.#files} with this one`,
        `${MAX_FILES}`,
      );
    if (this.#bytes > MAX_TOTAL_BYTES)
      throw tooMuch(
        path,
        'the size of all .yaml and .yml files together',
        `${this.#bytes} bytes with this one`,
        `${MAX_TOTAL_BYTES} bytes`,
      );
  }

  enter(path: string): void {
    const depth = path.split('/').length;
    if (depth > MAX_DEPTH) throw tooMuch(path, 'the depth of folders', `${depth}`, `${MAX_DEPTH}`);
  }
}

/** The id that git gives a blob of these bytes, so that a folder and a commit share one cache. */
export function blobIdOf(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export function sortByPath(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function tooMuch(path: string, what: string, found: string, limit: string): SourceError {
  return new SourceError(
    'limit',
    `${path}: ${what} is over the limit: ${found}, and ${limit} at most. ` +
      'Move what is not a manifest out of the folder, or read a folder below with --path',
  );
}
