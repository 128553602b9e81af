/**
 * Whether the store behind an address is still the one that was read before.
 *
 * A wiped or restored store may come back with the same cluster id (it is derived from names and addresses) and
 * may even have passed our revision by the time we look. So a watch remembers a witness, one key as it was at
 * one past revision, and asks for it again before it resumes: history does not change, so another answer means
 * another store. The read is linearizable; what a lagging member says of its own revision proves nothing.
 */
import type { IRangeResponse, KVClient } from 'etcd3';
import type { KeyEvent, Revision } from '../../model/store.js';
import { type KeyRange, prefixRange, toKey, toRevision } from './codec.js';
import { isCompacted, isFutureRevision } from './errors.js';

/** The first entry of a range at a past revision. */
interface Proof {
  readonly range: Partial<KeyRange>;
  readonly at: Revision;
  /** `key@modRevision`; undefined: the range was empty. */
  readonly found: string | undefined;
}

export interface Witness {
  readonly clusterId: string;
  /** undefined: the history that we could ask for was compacted; only the cluster id is known. */
  readonly proof: Proof | undefined;
}

export type Continuity =
  | { readonly same: true; readonly witness: Witness }
  | { readonly same: false; readonly why: string };

/**
 * Whether a watch may go on at `from`: compares the store with `previous`, or takes a first witness of it.
 * @throws what the transport throws.
 */
export async function verifyContinuity(
  kv: KVClient,
  prefix: string,
  from: Revision,
  previous: Witness | undefined,
): Promise<Continuity> {
  const range = previous?.proof?.range ?? prefixRange(prefix);
  const at = previous?.proof?.at ?? (Math.max(1, from - 1) as Revision);
  try {
    const answer = await readFirst(kv, range, at);
    const proof: Proof = { range, at, found: fingerprint(answer) };
    return compareWitness(previous, { clusterId: answer.header.cluster_id, proof });
  } catch (error) {
    if (isFutureRevision(error)) return { same: false, why: `the store has not reached revision ${at}` };
    if (!isCompacted(error)) throw error;
    const { header } = await readFirst(kv, range, 0);
    if (toRevision(header.revision) < from - 1)
      return {
        same: false,
        why: `the store is at revision ${header.revision}, we had read up to ${from - 1}`,
      };
    return compareWitness(previous, { clusterId: header.cluster_id, proof: undefined });
  }
}

/** The witness that the last event of a revision makes. */
export function witnessOf(clusterId: string, revision: Revision, events: readonly KeyEvent[]): Witness {
  const event = events.at(-1);
  if (event === undefined) return { clusterId, proof: undefined };
  const found = event.type === 'put' ? `${event.key}@${revision}` : undefined;
  return { clusterId, proof: { range: { key: Buffer.from(event.key) }, at: revision, found } };
}

function readFirst(kv: KVClient, range: Partial<KeyRange>, revision: number): Promise<IRangeResponse> {
  return kv.range({ ...range, limit: 1, keys_only: true, revision });
}

function fingerprint({ kvs }: IRangeResponse): string | undefined {
  const first = kvs[0];
  return first && `${toKey(first.key)}@${first.mod_revision}`;
}

function compareWitness(before: Witness | undefined, now: Witness): Continuity {
  if (before !== undefined && before.clusterId !== now.clusterId)
    return { same: false, why: `the cluster id is ${now.clusterId}, not ${before.clusterId}` };
  if (before?.proof && now.proof && before.proof.found !== now.proof.found) {
    const [was, is] = [before.proof.found ?? 'nothing', now.proof.found ?? 'nothing'];
    return { same: false, why: `revision ${now.proof.at} held ${was}, and now it holds ${is}` };
  }
  return { same: true, witness: now };
}
