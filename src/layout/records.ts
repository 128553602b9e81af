/**
 * The records that heddle keeps about its own work: which commit is where, who wrote what, how hosts are.
 *
 * Each is one JSON value, written with sorted members. Readers check what they need and ignore what they do not
 * know, so that hosts of different versions can read each other's records.
 */
import type { StoreKey } from '../model/store.js';
import { canonicalJson } from './canonical-value.js';
import {
  type Decoder,
  decodeJson,
  flag,
  integer,
  list,
  mapOf,
  objectWith,
  oneOf,
  text,
} from './json-decoder.js';

/** How one record is written to its key, and read back. */
export interface RecordCodec<T> {
  encode(record: T): string;
  /** @throws {LayoutError} naming the key and what is wrong with its value. */
  decode(key: StoreKey, value: string): T;
}

/** `<root>/heddle/v1/<source>/head`: the commit that the store holds. */
export interface Head {
  /** Counts the commits of this source, from 1. */
  readonly seq: number;
  readonly commit: string;
  /** Object id of the tree (or digest of the folder) that was compiled. */
  readonly tree: string;
  readonly author: string;
  readonly message: string;
  /** When it was applied, ISO 8601. */
  readonly time: string;
  /** Present when somebody has gone back to it. */
  readonly rollback?: Rollback;
}

export interface Rollback {
  /** The sequence number at which the commit was the head before. */
  readonly to: number;
  /** The newest commit of the source at that time: it is not applied again, only one after it. */
  readonly held: string;
}

/** `/heddle/v1<root>/history/<source>/<seq>`: a head that was, and what it changed. */
export interface HistoryRecord extends Head {
  /** How many objects were created, updated, deleted, ... by the names that a plan uses. */
  readonly summary: Readonly<Record<string, number>>;
}

/** `<root>/heddle/v1/<source>/inventory/<Kind>/<name>`: the keys of one resource, and where it was written. */
export interface InventoryRecord {
  /** Key -> first 16 hexadecimal digits of the SHA-256 of the value that was written. */
  readonly keys: Readonly<Record<string, string>>;
  readonly file: string;
  readonly line: number;
  /** The commit that last changed the object. */
  readonly commit: string;
}

/** `<root>/heddle/v1/<source>/txn`: a commit is being written in several transactions. */
export interface TxnRecord {
  readonly seq: number;
  readonly commit: string;
  /** Revision before the first transaction of the series. */
  readonly base: number;
  /** Changes that are written, of those that there are; both go on over an interruption. */
  readonly applied: number;
  readonly total: number;
  /** What the changes that are written were, as in the history; absent in records of other writers. */
  readonly summary?: Readonly<Record<string, number>>;
}

export type HostState = 'live' | 'applying' | 'held' | 'degraded' | 'failed';

/** `/heddle/v1<root>/hosts/<host>`: what an agent says of its host, under its lease. */
export interface HostStatus {
  readonly node: string;
  readonly state: HostState;
  readonly sources: Readonly<Record<string, { readonly seq: number; readonly commit: string }>>;
  /** Revision of the store up to which the kernel was programmed. */
  readonly revision: number;
  /** When the kernel was last read back and found to be as desired, ISO 8601. */
  readonly verifiedAt?: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly bgp: { readonly configured: number; readonly established: number };
  readonly error?: string;
}

/** `/heddle/v1<root>/sessions/<host>`: the BGP sessions of a host, under its lease; there may be thousands. */
export interface HostSessions {
  readonly node: string;
  readonly sessions: readonly SessionRecord[];
}

/** One BGP session, as its host sees it. */
export interface SessionRecord {
  /** As BIRD calls it: Mesh_10_0_0_2. */
  readonly name: string;
  /** The node or BGPPeer at the other end. */
  readonly peer: string;
  readonly family: number;
  /** Of RFC 4271, section 8.2.2. */
  readonly state: string;
  /** When it came into this state, ISO 8601. */
  readonly since?: string;
  readonly imported: number;
  readonly exported: number;
  readonly lastError?: string;
}

/** `/heddle/v1<root>/leader/<source>`: who writes for the source; bound to a lease. */
export interface LeaderRecord {
  readonly node: string;
  readonly since: string;
}

/** One statement about a source, after Kubernetes' conditions. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase, for programs. */
  readonly reason: string;
  readonly message: string;
}

/** `/heddle/v1<root>/sources/<source>`: how the reconciler that leads finds its source. */
export interface SourceStatus {
  /** Who says so. */
  readonly node: string;
  /** When the conditions last changed, ISO 8601. */
  readonly since: string;
  /** The newest commit that was read, good or not; absent: none yet. */
  readonly newest?: string;
  readonly conditions: readonly Condition[];
}

/**
 * `/heddle/v1<root>/verifiers/<source>/<node>`: what a reconciler, leading or not, finds when it compares the store with
 * what it has read itself; under its lease.
 */
export interface VerifierRecord {
  readonly node: string;
  /** The commit that was compared. */
  readonly commit: string;
  readonly agrees: boolean;
  /** Where it does not agree. */
  readonly reason?: string;
  readonly message?: string;
  /** ISO 8601. */
  readonly since: string;
}

const count = integer(0, Number.MAX_SAFE_INTEGER);

const headMembers = {
  ...{ seq: count, commit: text, tree: text, author: text, message: text, time: text },
  rollback: objectWith(['to', 'held'], { to: count, held: text }),
};

export const headCodec: RecordCodec<Head> = recordCodec(
  objectWith(['seq', 'commit', 'tree', 'author', 'message', 'time'], headMembers),
);

export const historyCodec: RecordCodec<HistoryRecord> = recordCodec(
  objectWith(['seq', 'commit', 'tree', 'author', 'message', 'time', 'summary'], {
    ...headMembers,
    summary: mapOf(count),
  }),
);

export const inventoryCodec: RecordCodec<InventoryRecord> = recordCodec(
  objectWith(['keys', 'file', 'line', 'commit'], {
    keys: mapOf(text),
    file: text,
    line: count,
    commit: text,
  }),
);

export const txnCodec: RecordCodec<TxnRecord> = recordCodec(
  objectWith(['seq', 'commit', 'base', 'applied', 'total'], {
    seq: count,
    commit: text,
    // To etcd revision 0 is the present, and none before the first.
    base: integer(1, Number.MAX_SAFE_INTEGER),
    applied: count,
    total: count,
    summary: mapOf(count),
  }),
);

export const hostStatusCodec: RecordCodec<HostStatus> = recordCodec(
  objectWith(['node', 'state', 'sources', 'revision', 'counts', 'bgp'], {
    node: text,
    state: oneOf('live', 'applying', 'held', 'degraded', 'failed'),
    sources: mapOf(objectWith(['seq', 'commit'], { seq: count, commit: text })),
    revision: count,
    verifiedAt: text,
    counts: mapOf(count),
    bgp: objectWith(['configured', 'established'], { configured: count, established: count }),
    error: text,
  }),
);

export const hostSessionsCodec: RecordCodec<HostSessions> = recordCodec(
  objectWith(['node', 'sessions'], {
    node: text,
    sessions: list(
      objectWith(['name', 'peer', 'family', 'state', 'imported', 'exported'], {
        name: text,
        peer: text,
        family: count,
        state: text,
        since: text,
        imported: count,
        exported: count,
        lastError: text,
      }),
    ),
  }),
);

export const leaderCodec: RecordCodec<LeaderRecord> = recordCodec(
  objectWith(['node', 'since'], { node: text, since: text }),
);

export const sourceStatusCodec: RecordCodec<SourceStatus> = recordCodec(
  objectWith(['node', 'since', 'conditions'], {
    node: text,
    since: text,
    newest: text,
    conditions: list(
      objectWith(['type', 'status', 'reason', 'message'], {
        type: text,
        status: oneOf('True', 'False', 'Unknown'),
        reason: text,
        message: text,
      }),
    ),
  }),
);

export const verifierCodec: RecordCodec<VerifierRecord> = recordCodec(
  objectWith(['node', 'commit', 'agrees', 'since'], {
    node: text,
    commit: text,
    agrees: flag,
    reason: text,
    message: text,
    since: text,
  }),
);

function recordCodec<T extends object>(decoder: Decoder<T>): RecordCodec<T> {
  return {
    encode: (record) => canonicalJson(record),
    decode: (key, value) => decodeJson(key, value, decoder),
  };
}
