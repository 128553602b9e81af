/**
 * The keys of heddle's own records.
 *
 * What agents must see in one order with the data (heads, series, inventory) lies inside the root. What agents
 * must not watch (each other's status, the leaders, the history) lies outside, at /heddle/v1<root>.
 */
import { KIND_NAMES } from '../model/kinds.js';
import type { Kind } from '../model/resource.js';
import type { StoreKey } from '../model/store.js';
import { escapeName, unescapeName } from './escape.js';
import type { ControlKeys, KeyOwner } from './layout.js';

export function controlKeys(root: string): ControlKeys {
  const inside = (source: string): string => `${root}/heddle/v1/${escapeName(source)}`;
  const outside = `/heddle/v1${root}`;
  const verifiers = (source: string): string => `${outside}/verifiers/${escapeName(source)}/`;
  const key = (text: string): StoreKey => text as StoreKey;
  return {
    ready: key(`${root}/v1/Ready`),
    head: (source) => key(`${inside(source)}/head`),
    txn: (source) => key(`${inside(source)}/txn`),
    inventory: (source, kind, name) => key(`${inside(source)}/inventory/${kind}/${escapeName(name)}`),
    leader: (source) => key(`${outside}/leader/${escapeName(source)}`),
    // Padded, so that keys sort by age.
    history: (source, seq) =>
      key(`${outside}/history/${escapeName(source)}/${String(seq).padStart(SEQ_DIGITS, '0')}`),
    suspend: key(`${outside}/suspend`),
    hostStatus: (node) => key(`${outside}/hosts/${escapeName(node)}`),
    hostSessions: (node) => key(`${outside}/sessions/${escapeName(node)}`),
    sourceStatus: (source) => key(`${outside}/sources/${escapeName(source)}`),
    verifier: (source, node) => key(`${verifiers(source)}${escapeName(node)}`),
    verifiersPrefix: verifiers,
    hostStatusPrefix: `${outside}/hosts/`,
    hostSessionsPrefix: `${outside}/sessions/`,
    sourceStatusPrefix: `${outside}/sources/`,
    historyPrefix: `${outside}/history/`,
  };
}

/** What a path inside the root is for, when it is one of heddle's own records. */
export function identifyControlPath(path: string): KeyOwner | undefined {
  if (path === '/v1/Ready') return { type: 'ready' };
  const match = /^\/heddle\/v1\/([^/]+)\/(?:(head|txn)|inventory\/([^/]+)\/([^/]+))$/.exec(path);
  if (!match) return undefined;
  const [, source = '', record, kindText, name = ''] = match;
  if (record === 'head' || record === 'txn') return { type: record, source: unescapeName(source) };
  const kind = KIND_NAMES.find((known: Kind) => known === kindText);
  return kind && { type: 'inventory', source: unescapeName(source), kind, name: unescapeName(name) };
}

const SEQ_DIGITS = 10;
