/**
 * A git repository as a source: https, ssh, file URLs and local repositories.
 *
 * A read is pinned first: the ref is looked up in what the remote lists, and from there on only the commit counts,
 * so a push in between can tear nothing. The commit is fetched by its id, one deep, into a cache that may be
 * thrown away. Ancestry is never asked for: after a force push the new commit is simply another commit. Steps
 * back (`HEAD~3`) and ids that no ref names fetch as much history as they need.
 */
import git, { type ServerRef } from 'isomorphic-git';
import { CacheDamage, type FetchRequest, type FollowResult, GitCache, WHOLE_HISTORY } from './git-cache.js';
import { isDamage, toSourceError } from './git-errors.js';
import { describeRemote, type GitRemote } from './git-remote.js';
import {
  findRef,
  isAbbreviation,
  isObjectId,
  listBranches,
  parseRevision,
  type Revision,
} from './git-revision.js';
import { connect, type TransportOptions } from './git-transport.js';
import { readCommitTree } from './git-tree.js';
import { type Source, SourceError, type SourceTree } from './source.js';

export interface GitSourceOptions extends TransportOptions {
  readonly remote: GitRemote;
  /** undefined: `main`, or the remote's HEAD where there is no `main`. */
  readonly ref: string | undefined;
  /** Folder below the root of the repository; '' for the root. */
  readonly path: string;
  /** A folder for fetched objects; made when it is not there. */
  readonly cacheDir: string;
}

export class GitSource implements Source {
  readonly description: string;
  readonly #options: GitSourceOptions;
  readonly #cache: GitCache;
  readonly #repository: string;
  /** The blobs of the newest version that was read. */
  #known: ReadonlyMap<string, Uint8Array> = new Map();
  /** The ref that is followed when none was named. Once chosen it stays: a deleted branch is no other branch. */
  #followed: string | undefined;

  constructor(options: GitSourceOptions) {
    this.#options = options;
    this.#repository = describeRemote(options.remote);
    this.#cache = new GitCache(options.cacheDir, this.#repository);
    this.description = [this.#repository, options.ref, options.path].filter(Boolean).join(' ');
  }

  async latest(signal: AbortSignal): Promise<string> {
    return this.#guard(signal, async () => {
      const revision = await this.#followedRevision(signal);
      const tip = revision.steps.length === 0 ? await this.#lookUp(revision, signal) : undefined;
      return tip?.commit ?? (await this.#withCache(() => this.#pin(revision, signal)));
    });
  }

  async read(signal: AbortSignal, commit?: string): Promise<SourceTree> {
    return this.#guard(signal, async () => {
      const revision = commit === undefined ? await this.#followedRevision(signal) : parseRevision(commit);
      const tree = await this.#withCache(async () =>
        this.#readTree(await this.#pin(revision, signal), signal),
      );
      if (commit === undefined) this.#known = new Map(tree.files.map(({ blobId, bytes }) => [blobId, bytes]));
      return tree;
    });
  }

  async messages(signal: AbortSignal, after: string, until: string): Promise<readonly string[]> {
    // What was live may have been a folder, or nothing.
    if (!isObjectId(after) || !isObjectId(until)) return [];
    return this.#guard(signal, () =>
      this.#withCache(async () => {
        const known = await this.#cache.messagesBetween(after, until);
        if (known) return known;
        await this.#tryFetch({ oid: until, depth: LOG_DEPTH }, signal);
        return (await this.#cache.messagesBetween(after, until)) ?? [];
      }),
    );
  }

  async descends(signal: AbortSignal, ancestor: string, commit: string): Promise<boolean | undefined> {
    if (!isObjectId(ancestor) || !isObjectId(commit)) return undefined;
    return this.#guard(signal, () =>
      this.#withCache(async () => {
        const known = await this.#cache.descends(ancestor, commit);
        if (known !== undefined) return known;
        await this.#tryFetch({ oid: commit, depth: LOG_DEPTH }, signal);
        return this.#cache.descends(ancestor, commit);
      }),
    );
  }

  async #followedRevision(signal: AbortSignal): Promise<Revision> {
    const { ref } = this.#options;
    if (ref !== undefined) return parseRevision(ref);
    if (this.#followed === undefined) {
      const refs = await this.#list(signal);
      this.#followed = findRef(refs, 'refs/heads/main') ? 'refs/heads/main' : 'HEAD';
    }
    return parseRevision(this.#followed);
  }

  /** The commit, fetched. */
  async #pin(revision: Revision, signal: AbortSignal): Promise<string> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const tip = await this.#lookUp(revision, signal);
      const found = tip && (await this.#fetchRevision(tip.oid, revision, signal));
      if (found !== undefined) return found;
      if (!tip || isObjectId(revision.base)) return this.#searchHistory(revision, signal);
      // The ref may have moved since it was looked up.
    }
    throw new SourceError('corrupt', `${this.#repository}: it lists ${revision.base} but does not send it`);
  }

  /**
   * What the remote lists for the name: the object of the ref, and the commit it is or, as a tag, leads to.
   * undefined for an abbreviated id, which no list can tell. @throws {SourceError} `empty`, `unknown-ref`
   */
  async #lookUp(
    { base }: Revision,
    signal: AbortSignal,
  ): Promise<{ oid: string; commit: string } | undefined> {
    if (isObjectId(base)) return { oid: base, commit: base };
    // Over HTTP the server can be asked for the one branch; a list may have many thousands of pull requests.
    const branch = this.#options.remote.type === 'http' ? branchRef(base) : undefined;
    const short = branch === undefined ? undefined : findRef(await this.#list(signal, branch), branch);
    const refs = short ? [short] : await this.#list(signal);
    const ref = short ?? findRef(refs, base);
    if (ref) return { oid: ref.oid, commit: ref.peeled ?? ref.oid };
    if (refs.length === 0)
      throw new SourceError('empty', `${this.#repository}: the repository is empty. Push a first commit`);
    if (isAbbreviation(base)) return undefined;
    throw new SourceError(
      'unknown-ref',
      `${this.#repository}: there is no branch, tag or commit "${base}"; it has ${listBranches(refs)}. Name one with --ref`,
    );
  }

  async #list(signal: AbortSignal, prefix?: string): Promise<readonly ServerRef[]> {
    await using transport = connect(this.#options.remote, this.#options, signal);
    const { http, url, protocolVersion } = transport;
    const asked = prefix === undefined ? {} : { prefix };
    return await git.listServerRefs({ http, url, protocolVersion, peelTags: true, ...asked });
  }

  /** undefined when the server did not give what was asked for. */
  async #fetchRevision(oid: string, revision: Revision, signal: AbortSignal): Promise<string | undefined> {
    const { steps, text } = revision;
    const before = this.#commitOf(revision, await this.#cache.follow(oid, steps));
    if (before !== undefined) return before;
    await this.#fetchCommit(oid, steps.length + 1, signal);
    const after = this.#commitOf(revision, await this.#cache.follow(oid, steps));
    if (after !== undefined || (await this.#cache.follow(oid, [])).type === 'missing') return after;
    throw new SourceError(
      'unknown-ref',
      `${this.#repository}: its history ends before "${text}": it is a shallow clone. Run git fetch --unshallow there`,
    );
  }

  /** For ids that no ref names: everything is fetched, and then they are there or nowhere. */
  async #searchHistory(revision: Revision, signal: AbortSignal): Promise<string> {
    await this.#fetch({ oid: undefined, depth: WHOLE_HISTORY }, signal);
    const { base, steps, text } = revision;
    const oid = isObjectId(base) ? base : await this.#cache.expand(base).catch(() => undefined);
    const found = oid && this.#commitOf(revision, await this.#cache.follow(oid, steps));
    if (found) return found;
    throw new SourceError('unknown-ref', `${this.#repository}: there is no commit ${text} in its history`);
  }

  #commitOf({ text }: Revision, result: FollowResult): string | undefined {
    if (result.type === 'commit') return result.oid;
    if (result.type === 'missing') return undefined;
    const { commit, parent } = result;
    throw new SourceError(
      'unknown-ref',
      `${this.#repository}: "${text}" leads nowhere: commit ${commit.slice(0, 12)} has no parent number ${parent}`,
    );
  }

  /**
   * What is new since the last fetch, when that leads to the commit; otherwise the commit by itself. The first is
   * small, because a server leaves out what the parents of a commit have, but not what a lone commit has.
   */
  async #fetchCommit(oid: string, depth: number, signal: AbortSignal): Promise<void> {
    const since = depth === 1 ? await this.#cache.lastFetched() : undefined;
    if (since && (await this.#tryFetch({ oid, depth, since }, signal))) return;
    await this.#tryFetch({ oid, depth }, signal);
  }

  /** False when the server would not give it: servers say so in ways that cannot be told from a broken answer. */
  async #tryFetch(request: FetchRequest & { oid: string }, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#fetch(request, signal);
    } catch (error) {
      if (error instanceof CacheDamage || !isDamage(error)) throw error;
    }
    return (await this.#cache.follow(request.oid, [])).type === 'commit';
  }

  async #fetch(request: FetchRequest, signal: AbortSignal): Promise<void> {
    await using transport = connect(this.#options.remote, this.#options, signal);
    await this.#cache.fetch(transport, request);
  }

  #readTree(commit: string, signal: AbortSignal): Promise<SourceTree> {
    const { path } = this.#options;
    return readCommitTree({ repository: this.#cache.repository, commit, path, known: this.#known, signal });
  }

  /** Runs with the cache as it is, and with an empty one if that turns out to be damaged, or has grown too much. */
  async #withCache<T>(operation: () => Promise<T>): Promise<T> {
    await this.#cache.open();
    if (!(await this.#cache.isFragmented())) {
      try {
        return await operation();
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    await this.#cache.renew();
    try {
      const result = await operation();
      await this.#cache.dropOlder();
      return result;
    } catch (error) {
      await this.#cache.revert();
      throw error;
    }
  }

  async #guard<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      throw toSourceError(error, this.#repository, signal);
    }
  }
}

/** How often a ref may move between being looked up and being fetched. */
const MAX_ATTEMPTS = 3;
/** How far back the log is fetched when nothing is known of it. */
const LOG_DEPTH = 200;

/** The full name of what may be a branch. */
function branchRef(name: string): string | undefined {
  if (name.startsWith('refs/')) return name.startsWith('refs/heads/') ? name : undefined;
  return name === 'HEAD' ? undefined : `refs/heads/${name}`;
}
