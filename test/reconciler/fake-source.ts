/** A repository in memory: commits of YAML text, and faults on demand. */
import { createHash } from 'node:crypto';
import { type Source, SourceError, type SourceTree } from '../../src/loader/sources/source.js';

export class FakeSource implements Source {
  readonly description = 'fake';
  /** While set, every read fails with it. */
  fault: SourceError | undefined;
  reads = 0;
  readonly #commits = new Map<string, SourceTree>();
  #latest: string | undefined;

  /** Makes a commit of these files; its id is returned. */
  commit(files: Readonly<Record<string, string>>, message = 'm'): string {
    const commit = String(this.#commits.size + 1).padStart(40, 'c0ffee0');
    this.#commits.set(commit, {
      version: {
        commit,
        tree: createHash('sha1').update(JSON.stringify(files)).digest('hex'),
        author: 'Ada <ada@example.org>',
        message,
        time: '2026-11-22T10:00:00Z',
      },
      files: Object.entries(files)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([path, text]) => ({ path, blobId: text, bytes: Buffer.from(text) })),
    });
    this.#latest = commit;
    return commit;
  }

  /** Somebody pushes by force: an earlier commit is the newest again. */
  return(commit: string): void {
    this.#latest = commit;
  }

  async latest(): Promise<string> {
    if (this.fault) throw this.fault;
    if (this.#latest === undefined) throw new SourceError('empty', 'no commit');
    return this.#latest;
  }

  async messages(_signal: AbortSignal, after: string, until: string): Promise<readonly string[]> {
    const commits = [...this.#commits.values()].map(({ version }) => version);
    const between = commits.filter(({ commit }) => commit > after && commit <= until);
    return between.map(({ message }) => message).reverse();
  }

  async read(_signal: AbortSignal, commit?: string): Promise<SourceTree> {
    this.reads += 1;
    const wanted = commit ?? (await this.latest());
    const tree = this.#commits.get(wanted);
    if (!tree) throw new SourceError('unknown-ref', `no commit ${wanted}`);
    return tree;
  }
}
