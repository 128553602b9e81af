/**
 * Suspension: a person has asked that nothing be applied for now.
 *
 * The key itself is the fact, and its absence is a guard of every transaction; what is written in it is only
 * for people: `{"by": ..., "reason": ..., "since": ..., "until": ...}`.
 */
import type { Datastore } from '../../datastore/datastore.js';
import type { Layout } from '../../layout/layout.js';

/** What to tell people while reconciliation is suspended; undefined when it is not. @throws {DatastoreError} */
export async function readSuspension(store: Datastore, { keys }: Layout): Promise<string | undefined> {
  const { entry } = await store.get(keys.suspend);
  return entry && `${describe(entry.value)}; end it with heddle resume`;
}

/** Whoever wrote it, and however. */
function describe(value: string): string {
  try {
    const { by, reason, since, until } = JSON.parse(value);
    if (typeof reason !== 'string') return `suspended: ${value}`;
    const told = (word: string, what: unknown) => (typeof what === 'string' ? ` ${word} ${what}` : '');
    return `suspended${told('by', by)}${told('since', since)}${told('until', until)}: ${reason}`;
  } catch {
    return `suspended: ${value}`;
  }
}
