/**
 * Suspension: a person has asked that nothing be applied for now.
 *
 * The key itself is the fact, and its absence is a guard of every transaction; what is written in it is only
 * for people: `{"by": ..., "reason": ...}`.
 */
import type { Datastore } from '../datastore/datastore.js';
import type { Layout } from '../layout/layout.js';

/** What to tell people while reconciliation is suspended; undefined when it is not. @throws {DatastoreError} */
export async function readSuspension(store: Datastore, { keys }: Layout): Promise<string | undefined> {
  const { entry } = await store.get(keys.suspend);
  return entry && `suspended (${keys.suspend}: ${entry.value}); end it with heddle resume`;
}
