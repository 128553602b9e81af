/**
 * One commit of a hundred keys to many agents: from the transaction to the last of them that holds it whole.
 *
 * Every watcher has a connection of its own, as agents on hosts have: each dials another address of loopback. All
 * of them are in this process, though, so that what is measured is mostly one core that reads for a thousand. The
 * yardstick reads the same from the library's streams.
 */
import { Duplex } from 'node:stream';
import { Etcd3, type IWatchResponse } from 'etcd3';
import type { Datastore } from '../src/datastore/datastore.js';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import type { Revision, StoreKey } from '../src/model/store.js';
import { startEtcd } from '../test/helpers/etcd.js';
import { bringUpLoopback } from '../test/helpers/netns.js';
import type { Row } from './row.js';

const PREFIX = '/calico/';
const KEYS = 100;
/** In the namespace of this run nobody else listens. */
const PORT = 23_790;

/** Resolves once it is watching, with what resolves when it has seen a commit whole. */
type Watcher = (endpoint: string) => Promise<{ readonly seen: Promise<void> }>;

export const fanOut: Row = {
  name: 'fan-out',
  work: 'bring a commit of a hundred keys to this many watchers',
  sizes: [100, 300, 1_000],
  contenders: [
    { name: 'heddle', prepare: (size) => prepare(size, watchAsAgent) },
    { name: 'streams, raw', prepare: (size) => prepare(size, watchRaw) },
  ],
};

async function prepare(size: number, watch: Watcher) {
  await bringUpLoopback();
  const etcd = await startEtcd({ flags: ['--listen-client-urls', `http://0.0.0.0:${PORT}`] });
  const store = openEtcdDatastore({ endpoints: [`http://127.0.0.1:${PORT}`] });
  await write(store, 1);
  const endpoints = Array.from({ length: size }, (_, n) => `http://127.1.${n >> 8}.${n & 255}:${PORT}`);
  const watchers = await Promise.all(endpoints.map(watch));
  return {
    async work() {
      await write(store, KEYS);
      await Promise.all(watchers.map(({ seen }) => seen));
    },
    dispose: () => etcd.close(),
  };
}

async function write(store: Datastore, keys: number): Promise<Revision> {
  const writes = Array.from({ length: keys }, (_, number) => {
    const key = `${PREFIX}key-${number}` as StoreKey;
    return { write: { op: 'put', key, value: 'x'.repeat(200) } as const };
  });
  const result = await store.transact({ guards: [], writes });
  if (!result.ok) throw new Error('The store took no keys');
  return result.revision;
}

async function watchAsAgent(endpoint: string) {
  const store = openEtcdDatastore({ endpoints: [endpoint] });
  const { revision } = await store.snapshot(PREFIX);
  const { signal } = new AbortController();
  // From the revision that is known, which comes at once: then the watch is there.
  const messages = store.watch(PREFIX, { from: revision, signal })[Symbol.asyncIterator]();
  await messages.next();
  const see = async (): Promise<void> => {
    const { value } = await messages.next();
    if (value?.type !== 'events' || value.events.length !== KEYS) throw new Error('Not the commit');
  };
  return { seen: see() };
}

async function watchRaw(endpoint: string) {
  const client = new Etcd3({ hosts: endpoint });
  const stream = await client.watchClient.watch();
  const range_end = Buffer.from(PREFIX.replace(/\/$/, '0'));
  stream.write({ create_request: { key: Buffer.from(PREFIX), range_end, start_revision: '2' } });
  if (!(stream instanceof Duplex)) throw new TypeError('etcd3 did not return a stream');
  const responses = (stream as AsyncIterable<IWatchResponse>)[Symbol.asyncIterator]();
  const events = async (wanted: number): Promise<void> => {
    for (let seen = 0; seen < wanted; )
      seen += ((await responses.next()).value as IWatchResponse).events.length;
  };
  await events(1);
  return { seen: events(KEYS) };
}
