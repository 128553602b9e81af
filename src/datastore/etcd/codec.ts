/**
 * etcd's messages as our values, and back. PURE.
 *
 * 64-bit integers travel as decimal strings, because a JavaScript number is exact only to 2^53; a revision
 * beyond that is refused instead of rounded.
 */
import type { IEvent, IKeyValue } from 'etcd3';
import type { KeyEvent, Revision, StoreEntry, StoreKey } from '../../model/store.js';
import { DatastoreError } from '../datastore.js';

/** @throws {DatastoreError} `invalid` when the number cannot be represented exactly. */
export function toRevision(text: string): Revision {
  const revision = Number(text);
  if (!Number.isSafeInteger(revision))
    throw new DatastoreError(
      'invalid',
      `etcd's revision ${text} is larger than 2^53 and cannot be represented`,
    );
  return revision as Revision;
}

export function toKey(bytes: Buffer): StoreKey {
  return bytes.toString() as StoreKey;
}

export function toEntry(kv: IKeyValue): StoreEntry {
  return {
    value: kv.value.toString(),
    modRevision: toRevision(kv.mod_revision),
    createRevision: toRevision(kv.create_revision),
  };
}

export function toKeyEvent({ type, kv }: IEvent): KeyEvent {
  return type === 'Put'
    ? { type: 'put', key: toKey(kv.key), entry: toEntry(kv) }
    : { type: 'delete', key: toKey(kv.key) };
}

export interface KeyRange {
  readonly key: Buffer;
  readonly range_end: Buffer;
}

/** The range of all keys that start with `prefix`; an empty prefix means every key. */
export function prefixRange(prefix: string): KeyRange {
  if (prefix === '') return { key: ZERO, range_end: ZERO };
  const key = Buffer.from(prefix);
  const end = Buffer.from(key);
  const last = end.length - 1;
  // No byte of UTF-8 is 0xff, so that adding one never carries.
  end.writeUInt8(end.readUInt8(last) + 1, last);
  return { key, range_end: end };
}

/** The first key after `key` in the order of bytes. */
export function keyAfter(key: Buffer): Buffer {
  return Buffer.concat([key, ZERO]);
}

const ZERO = Buffer.from([0]);
