/**
 * A source of manifests: a folder, or a ref of a git repository.
 *
 * Reading yields every candidate file of one version at once, with its bytes. Files are named relative to the
 * root of the source (or to `--path` below it); symlinks, submodules and anything that leads out are left out.
 */

/** What was read: one commit, or one state of a folder. */
export interface SourceVersion {
  /** Commit id; for a folder `folder-` and a digest of the contents. */
  readonly commit: string;
  /** Id of the tree below --path; equal trees are equal networks. */
  readonly tree: string;
  /** `Name <mail>`; empty for a folder. */
  readonly author: string;
  readonly message: string;
  /** ISO 8601. */
  readonly time: string;
}

export interface SourceFile {
  /** With forward slashes, relative, never with `..`. */
  readonly path: string;
  /** Equal ids mean equal bytes. */
  readonly blobId: string;
  readonly bytes: Uint8Array;
}

export interface SourceTree {
  readonly version: SourceVersion;
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
}

export interface Source {
  /** For people: the URL (without credentials) and ref, or the folder. */
  readonly description: string;
  /** The newest version's commit, cheaply: lists refs and fetches nothing. */
  latest(signal: AbortSignal): Promise<string>;
  /**
   * Reads the newest version, or the one that `commit` names: a commit id, or a ref as git writes it (`main`,
   * `v1.2`, `origin/main`, `HEAD~1`). @throws {SourceError}
   */
  read(signal: AbortSignal, commit?: string): Promise<SourceTree>;
  /**
   * The messages of the commits that `until` has and `after` has not (`git log after..until`), newest first. Empty
   * when the two are too far apart to tell. Sources without it have no messages.
   */
  messages?(signal: AbortSignal, after: string, until: string): Promise<readonly string[]>;
  /**
   * Whether `commit` has `ancestor` in its history; undefined when that cannot be told. Sources without it have no
   * history.
   */
  descends?(signal: AbortSignal, ancestor: string, commit: string): Promise<boolean | undefined>;
  /** Yields when something may have changed (chokidar); sources without it are polled. */
  changes?(signal: AbortSignal): AsyncIterable<void>;
}

export type SourceErrorCode =
  | 'not-found'
  /** The commit has no folder at --path. */
  | 'no-path'
  | 'auth'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'unreachable'
  | 'empty'
  | 'corrupt'
  | 'unknown-ref'
  | 'limit';

/** The source could not be read; exit code 9. The message names the source and the remedy. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  constructor(
    readonly code: SourceErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
