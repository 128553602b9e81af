/**
 * What the keys of IPAM v2 add up to: blocks. PURE except for its own memory.
 *
 * A block's value changes with every address that is taken from it, and there are many blocks. So what is kept of a
 * value is the claim in it alone, and only a change of a claim is an update.
 */
import { isDeepStrictEqual } from 'node:util';
import { type BlockClaim, type BlockKey, blockFrom, readBlockClaim } from '../../layout/codecs/ipam-block.js';
import type { StoredId } from '../../layout/layout.js';
import type { StoreKey } from '../../model/store.js';
import type { Update } from './update.js';

/** What is known of one key: a claim, or why there is none. */
type Known = { readonly claim: BlockClaim | undefined } | { readonly problem: string };

interface StoredBlock {
  readonly cidr: BlockKey['cidr'];
  readonly keys: ReadonlyMap<StoreKey, Known>;
}

/** Says why a value cannot be read. */
export type Explain = (id: StoredId, error: unknown) => string;

export class BlockAssembler {
  readonly #explain: Explain;
  readonly #blocks = new Map<StoredId, StoredBlock>();

  constructor(explain: Explain) {
    this.#explain = explain;
  }

  *keys(): Generator<StoreKey> {
    for (const { keys } of this.#blocks.values()) yield* keys.keys();
  }

  /** Takes the value of one key, undefined for none; returns whether the block is different now. */
  set(owner: BlockKey, key: StoreKey, value: string | undefined): boolean {
    const before = this.#blocks.get(owner.id);
    const known = value === undefined ? undefined : this.#read(owner, key, value);
    if (isDeepStrictEqual(before?.keys.get(key), known)) return false;
    const keys = new Map(before?.keys);
    if (known) keys.set(key, known);
    else keys.delete(key);
    if (keys.size === 0) this.#blocks.delete(owner.id);
    else this.#blocks.set(owner.id, { cidr: owner.cidr, keys });
    return true;
  }

  update(id: StoredId): Update {
    const stored = this.#blocks.get(id);
    const claims: BlockClaim[] = [];
    const problems: string[] = [];
    for (const [, known] of [...(stored?.keys ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
      if ('problem' in known) problems.push(known.problem);
      else if (known.claim) claims.push(known.claim);
    const block = stored?.cidr && claims.length > 0 ? blockFrom(stored.cidr, claims) : undefined;
    const update = { id, kind: 'IpamBlock', block } as const;
    return problems.length === 0 ? update : { ...update, problem: problems.join('; ') };
  }

  #read(owner: BlockKey, key: StoreKey, value: string): Known {
    try {
      return { claim: readBlockClaim(owner, key, value) };
    } catch (error) {
      return { problem: this.#explain(owner.id, error) };
    }
  }
}
