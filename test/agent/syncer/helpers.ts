/** A layout of one letter, and events and snapshots written shortly. */

import type { SyncerLayout } from '../../../src/agent/syncer/create-syncer.js';
import { type KeyOwner, LayoutError, type StoredId } from '../../../src/layout/layout.js';
import type { KeyEvent, Revision, StoreEntry, StoreKey } from '../../../src/model/store.js';

export const key = (text: string): StoreKey => text as StoreKey;
export const revision = (number: number): Revision => number as Revision;

export function entry(value: string, at = 1): StoreEntry {
  return { value, modRevision: revision(at), createRevision: revision(at) };
}

export function put(name: string, value: string, at = 1): KeyEvent {
  return { type: 'put', key: key(name), entry: entry(value, at) };
}

export function del(name: string): KeyEvent {
  return { type: 'delete', key: key(name) };
}

export const HEAD = '/r/heddle/v1/git/head';
export const TXN = '/r/heddle/v1/git/txn';

export function headValue(seq: number): string {
  return JSON.stringify({
    seq,
    commit: `c${seq}`,
    tree: 't',
    author: 'a',
    message: 'm',
    time: '2024-01-01T00:00:00Z',
  });
}

export function txnValue(base: number, applied = 1): string {
  return JSON.stringify({ seq: 1, commit: 'c1', base, applied, total: 9 });
}

/**
 * `/r/<name>/<part>` is a part of the profile `<name>`; its parts, joined, become the description of the only
 * label, so that a test sees what was assembled. The value `bad` cannot be decoded.
 */
export const LETTERS: SyncerLayout = {
  root: '/r',
  prefix: '/r/',
  identify(name): KeyOwner | undefined {
    const control = /^\/r\/heddle\/v1\/([^/]+)\/(head|txn)$/.exec(name);
    if (control) return { type: control[2] === 'head' ? 'head' : 'txn', source: control[1] ?? '' };
    if (name === '/r/v1/Ready') return { type: 'ready' };
    if (name.startsWith('/r/new/')) return { type: 'unknown', id: name.slice(3) as StoredId };
    const id = /^\/r\/([a-z])\//.exec(name)?.[1];
    return id === undefined
      ? { type: 'foreign' }
      : { type: 'resource', kind: 'Profile', id: `Profile/${id}` as StoredId };
  },
  decode(id, values) {
    for (const [name, value] of values)
      if (value === 'bad') throw new LayoutError(name.slice(2), value, 'expected something better');
    const parts = [...values].map(([name, value]) => `${name.slice(5)}=${value}`).sort();
    return {
      kind: 'Profile',
      metadata: { name: id.slice('Profile/'.length), labels: { parts: parts.join(' ') }, annotations: {} },
      spec: {},
      origin: { file: '', line: 1, col: 1 },
    };
  },
};
