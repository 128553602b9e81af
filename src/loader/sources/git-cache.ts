/**
 * The objects of one remote that have been fetched so far: a bare repository below the cache folder.
 *
 * It can be thrown away at any time, and is when something in it cannot be read. Fetches add packs to it, so after
 * some of them it is replaced by a new generation with one pack. Several processes may share it: files appear
 * whole (written aside, then renamed), and packs are named after their contents.
 */
import { createHash, randomUUID } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import git, { type PromiseFsClient, type ReadCommitResult } from 'isomorphic-git';
import { descends, messagesBetween } from './git-history.js';
import type { GitTransport } from './git-transport.js';

/** Deep enough for any history (git's own value for "all of it"). */
export const WHOLE_HISTORY = 0x7fffffff;

/** isomorphic-git keeps parsed packs here; an object of one operation, or it would grow for ever. */
export type ObjectCache = Record<string, never>;

export type FollowResult =
  | { readonly type: 'commit'; readonly oid: string }
  /** An object on the way has not been fetched. */
  | { readonly type: 'missing' }
  | { readonly type: 'no-parent'; readonly commit: string; readonly parent: number };

export interface FetchRequest {
  /** undefined: every branch. */
  readonly oid: string | undefined;
  readonly depth: number;
  /** Instead of `depth`: all commits made since. */
  readonly since?: Date | undefined;
}

/** Objects are there and cannot be read. */
export class CacheDamage extends Error {
  override readonly name = 'CacheDamage';
}

export class GitCache {
  readonly #folder: string;
  #generation: number | undefined;

  /** @param description tells the remote from others; it is hashed into the name of the folder. */
  constructor(cacheFolder: string, description: string) {
    const name = createHash('sha256').update(description).digest('hex').slice(0, 16);
    this.#folder = join(cacheFolder, name);
  }

  /** The bare repository, as isomorphic-git's functions take it. @throws {TypeError} before `open`. */
  get repository(): { readonly fs: PromiseFsClient; readonly gitdir: string } {
    if (this.#generation === undefined) throw new TypeError('The cache is not open');
    return { fs: ATOMIC_FS, gitdir: this.#gitdir(this.#generation) };
  }

  /** Opens the newest generation, or makes the first one. */
  async open(): Promise<void> {
    if (this.#generation !== undefined) return;
    // Before isomorphic-git meets a folder it cannot use: it prints what it does not expect.
    await fs.mkdir(this.#folder, { recursive: true });
    const newest = (await this.#generations()).at(-1);
    await this.#use(newest ?? 1);
  }

  /** The whole id of the one object that begins so. @throws what isomorphic-git throws when there is none */
  async expand(abbreviation: string): Promise<string> {
    return git.expandOid({ ...this.repository, oid: abbreviation, cache: {} });
  }

  /** The commit that an id leads to, through tags and then parents (counted from 1). @throws {CacheDamage} */
  async follow(oid: string, steps: readonly number[]): Promise<FollowResult> {
    const cache: ObjectCache = {};
    let found = await this.#readCommit(oid, cache);
    for (const step of steps) {
      if (!found) break;
      const parent = found.commit.parent[step - 1];
      if (parent === undefined) return { type: 'no-parent', commit: found.oid, parent: step };
      found = await this.#readCommit(parent, cache);
    }
    return found ? { type: 'commit', oid: found.oid } : { type: 'missing' };
  }

  /** `git log after..until`, as far as it has been fetched; undefined when one of them has not. */
  messagesBetween(after: string, until: string): Promise<readonly string[] | undefined> {
    const cache: ObjectCache = {};
    return messagesBetween((oid) => this.#readCommit(oid, cache), after, until);
  }

  /** Whether `commit` has `ancestor` in its history; undefined when too little of it has been fetched. */
  descends(ancestor: string, commit: string): Promise<boolean | undefined> {
    const cache: ObjectCache = {};
    return descends((oid) => this.#readCommit(oid, cache), ancestor, commit);
  }

  /** When the last commit that was fetched was made; undefined when nothing has been fetched. */
  async lastFetched(): Promise<Date | undefined> {
    const oid = await git.resolveRef({ ...this.repository, ref: FETCHED_REF }).catch(() => undefined);
    const found = oid === undefined ? undefined : await this.#readCommit(oid);
    return found && new Date(found.commit.committer.timestamp * 1000);
  }

  /** Fetches one commit, or every branch. The transport serves for this once. */
  async fetch(transport: GitTransport, request: FetchRequest): Promise<void> {
    const { oid, depth, since } = request;
    const which =
      oid === undefined ? { singleBranch: false } : { singleBranch: true, ref: FETCHED_REF, remoteRef: oid };
    const reach = since === undefined ? { depth } : { since };
    const { http, url } = transport;
    await git.fetch({
      ...this.repository,
      http,
      url,
      remote: REMOTE,
      tags: false,
      cache: {},
      ...which,
      ...reach,
    });
    if (oid !== undefined && (await this.#readCommit(oid)))
      await git.writeRef({ ...this.repository, ref: FETCHED_REF, value: oid, force: true });
  }

  async isFragmented(): Promise<boolean> {
    const packs = await fs.readdir(join(this.repository.gitdir, 'objects', 'pack')).catch(() => []);
    return packs.filter((name) => name.endsWith('.idx')).length >= MAX_PACKS;
  }

  /** Starts an empty generation. The older ones stay until `dropOlder`. */
  async renew(): Promise<void> {
    await this.#use(((await this.#generations()).at(-1) ?? 0) + 1);
  }

  /** Gives up the generation in use and goes back to the one before, if there is one. */
  async revert(): Promise<void> {
    const failed = this.#generation;
    if (failed === undefined) return;
    await fs.rm(this.#gitdir(failed), { recursive: true, force: true });
    const before = (await this.#generations()).filter((each) => each < failed).at(-1);
    if (before === undefined) this.#generation = undefined;
    else await this.#use(before);
  }

  async dropOlder(): Promise<void> {
    const current = this.#generation ?? 0;
    for (const older of (await this.#generations()).filter((each) => each < current))
      await fs.rm(this.#gitdir(older), { recursive: true, force: true });
  }

  async #use(generation: number): Promise<void> {
    this.#generation = generation;
    const { gitdir, fs: client } = this.repository;
    await git.init({ fs: client, gitdir, bare: true, defaultBranch: 'main' });
    // isomorphic-git refuses to fetch without a refspec; the URL is given with each fetch.
    await git.setConfig({
      fs: client,
      gitdir,
      path: `remote.${REMOTE}.fetch`,
      value: '+refs/heads/*:refs/remotes/origin/*',
    });
  }

  async #readCommit(oid: string, cache: ObjectCache = {}): Promise<ReadCommitResult | undefined> {
    try {
      return await git.readCommit({ ...this.repository, oid, cache });
    } catch (error) {
      if (error instanceof git.Errors.NotFoundError) return undefined;
      throw new CacheDamage(`${oid}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }

  #gitdir(generation: number): string {
    return join(this.#folder, String(generation));
  }

  /** Oldest first. */
  async #generations(): Promise<number[]> {
    const names = await fs.readdir(this.#folder).catch(() => []);
    return names.flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : [])).sort((a, b) => a - b);
  }
}

const REMOTE = 'origin';
/** Local: the last commit that came in whole. It is what the next fetch says it has. */
const FETCHED_REF = 'refs/heads/fetched';
const MAX_PACKS = 24;

/** node:fs, except that a file is never seen half written. */
const ATOMIC_FS: PromiseFsClient = {
  promises: {
    ...fs,
    async writeFile(path: string, ...rest: [string | Uint8Array, (object | BufferEncoding)?]): Promise<void> {
      const aside = `${path}.${randomUUID()}.tmp`;
      try {
        await fs.writeFile(aside, ...rest);
        await fs.rename(aside, path);
      } catch (error) {
        await fs.rm(aside, { force: true });
        throw error;
      }
    },
  },
};
