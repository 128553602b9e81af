/**
 * An agent's eyes: follows a store as agents do, and keeps what it was shown. Whatever happens to those who write,
 * a witness may see whole commits only, and none after a newer one.
 */
import { createSyncer } from '../../src/agent/syncer/create-syncer.js';
import type { UpdateBatch } from '../../src/agent/syncer/update.js';
import type { Datastore } from '../../src/datastore/datastore.js';
import { canonicalJson } from '../../src/layout/canonical-value.js';
import type { Layout, StoredId } from '../../src/layout/layout.js';
import { until } from '../helpers/until.js';

export class Witness implements AsyncDisposable {
  /** What was shown after each batch, as text: the commit and all objects. */
  readonly states: string[] = [];
  readonly #objects = new Map<StoredId, string>();
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(store: Datastore, layout: Layout) {
    this.#ended = this.#follow(store, layout);
  }

  async #follow(store: Datastore, layout: Layout): Promise<void> {
    for await (const message of createSyncer(store, layout, {
      signal: this.#stop.signal,
      backoffMs: () => 1,
    }))
      if (message.type === 'batch') this.#take(message);
  }

  #take({ updates, heads }: UpdateBatch): void {
    for (const { id, resource, problem } of updates) {
      if (problem !== undefined) throw new Error(`${id}: ${problem}`);
      if (resource === undefined) this.#objects.delete(id);
      else this.#objects.set(id, canonicalJson([resource.metadata.labels, resource.spec]));
    }
    const commits = [...heads.values()].map(({ commit }) => commit);
    this.states.push(
      [commits.join(), ...[...this.#objects].map((entry) => entry.join(' ')).sort()].join('\n'),
    );
  }

  /** Waits until it is shown the state that begins with this commit, and returns it. */
  async sees(commit: string): Promise<string> {
    return until(() => this.states.at(-1)?.startsWith(commit) && this.states.at(-1), {
      what: `a witness to see ${commit}, last: ${this.states.at(-1)?.split('\n')[0]}`,
    }).then(String);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

/** The state that agents are shown once a store holds what it holds now. */
export async function wholeState(store: Datastore, layout: Layout, commit: string): Promise<string> {
  await using witness = new Witness(store, layout);
  return witness.sees(commit);
}
