/**
 * A folder as a source, such as the work tree that somebody edits.
 *
 * Its version is a digest of what was read, so the same files are the same version whenever and wherever they are
 * read. A commit of the repository around the folder can be read too, for comparing with it.
 */
import { createHash } from 'node:crypto';
import { type Scan, scanFolder } from './directory-scan.js';
import { watchFolder } from './directory-watch.js';
import { type Source, SourceError, type SourceTree } from './source.js';

export interface DirectorySourceOptions {
  readonly folder: string;
  /** The same folder in the commits of the repository it belongs to; undefined outside of any. */
  /** No link may lead out of it: whoever can commit one could choose what is read. */
  readonly within: string;
  readonly history: Source | undefined;
  /** How often the folder is read again in case no event told of a change, in ms. */
  readonly rescanMs?: number;
}

export class DirectorySource implements Source {
  readonly description: string;
  readonly #options: DirectorySourceOptions;

  constructor(options: DirectorySourceOptions) {
    this.#options = options;
    this.description = options.folder;
  }

  async latest(signal: AbortSignal): Promise<string> {
    return versionOf(await scanFolder(this.#options, signal));
  }

  async read(signal: AbortSignal, commit?: string): Promise<SourceTree> {
    if (commit !== undefined && !commit.startsWith(VERSION_PREFIX)) return this.#readHistory(signal, commit);
    const scan = await scanFolder(this.#options, signal);
    const version = versionOf(scan);
    if (commit !== undefined && commit !== version)
      throw new SourceError('unknown-ref', `${this.description}: the files are no longer those of ${commit}`);
    return {
      version: {
        commit: version,
        tree: version,
        author: '',
        message: '',
        time: new Date(scan.changedAt).toISOString(),
      },
      files: scan.files,
    };
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    const { folder, rescanMs = DEFAULT_RESCAN_MS } = this.#options;
    return watchFolder(folder, { rescanMs, signal, version: () => this.latest(signal) });
  }

  #readHistory(signal: AbortSignal, commit: string): Promise<SourceTree> {
    const { history } = this.#options;
    if (history) return history.read(signal, commit);
    throw new SourceError(
      'unknown-ref',
      `${this.description}: not in a git repository, so there is no "${commit}"`,
    );
  }
}

const VERSION_PREFIX = 'folder-';
const DEFAULT_RESCAN_MS = 15_000;

function versionOf({ files }: Scan): string {
  const hash = createHash('sha256');
  for (const { path, blobId } of files) hash.update(`${path}\0${blobId}\n`);
  return `${VERSION_PREFIX}${hash.digest('hex').slice(0, 40)}`;
}
