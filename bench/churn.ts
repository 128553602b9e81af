/**
 * A thousand endpoints of other hosts change every second, and the agent of our host follows: watch, decoding,
 * calculation, a flush for each revision. Another process writes.
 *
 * What counts is not the time that passes but the processor's, of the whole process: ms for a thousand changes, so
 * that 200 are 20 % of a core. The yardstick takes the same events from the library's stream and does nothing.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpuUsage } from 'node:process';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Etcd3, type IWatchResponse } from 'etcd3';
import { createCalcGraph } from '../src/agent/calc/calc-graph.js';
import { createSyncer } from '../src/agent/syncer/create-syncer.js';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import { bgpModelFor } from '../src/topology/bgp.js';
import { startEtcd } from '../test/helpers/etcd.js';
import { bringUpLoopback } from '../test/helpers/netns.js';
import type { Row } from './row.js';
import { fillElsewhere, layout, NODE } from './store-network.js';

const CHANGES = 8_000;

/** Yields once it is ready, and then the number of changes each time that some have come. */
type Follower = (etcd: string) => AsyncGenerator<number>;

export const churn: Row = {
  name: 'churn',
  work: 'ms of processor for a thousand changes of remote endpoints, in a network of this many',
  sizes: [10_000, 30_000, 100_000],
  contenders: [
    { name: 'heddle', prepare: (size) => prepare(size, followAsAgent) },
    { name: 'events of the stream, raw', prepare: (size) => prepare(size, followRaw) },
  ],
};

async function prepare(size: number, follow: Follower) {
  await bringUpLoopback();
  const etcd = await startEtcd();
  await fillElsewhere(etcd.endpoint, size);
  const changes = follow(etcd.endpoint);
  await changes.next();
  const writer = writeFrom(etcd.endpoint, size);
  await changes.next();
  return {
    async work() {
      const before = cpuUsage();
      let seen = 0;
      while (seen < CHANGES) seen += (await changes.next()).value ?? Number.NaN;
      const { user, system } = cpuUsage(before);
      return (user + system) / 1_000 / (seen / 1_000);
    },
    async dispose() {
      const gone = once(writer, 'exit');
      writer.kill('SIGKILL');
      await gone;
      await etcd.close();
    },
  };
}

function writeFrom(etcd: string, size: number): ChildProcess {
  return fork(fileURLToPath(new URL('churn-writer.js', import.meta.url)), [etcd, String(size)]);
}

async function* followAsAgent(etcd: string): AsyncGenerator<number> {
  const store = openEtcdDatastore({ endpoints: [etcd] });
  const graph = createCalcGraph({ node: NODE, computeBgp: bgpModelFor });
  const { signal } = new AbortController();
  let started = false;
  for await (const message of createSyncer(store, layout, { signal })) {
    if (message.type !== 'batch') continue;
    for (const update of message.updates) graph.onUpdate(update);
    graph.flush();
    yield started ? message.updates.length : 0;
    started = true;
  }
}

async function* followRaw(etcd: string): AsyncGenerator<number> {
  const client = new Etcd3({ hosts: etcd });
  const stream = await client.watchClient.watch();
  const end = Buffer.from(layout.prefix.replace(/\/$/, '0'));
  stream.write({ create_request: { key: Buffer.from(layout.prefix), range_end: end } });
  if (!(stream instanceof Duplex)) throw new TypeError('etcd3 did not return a stream');
  for await (const { events } of stream as AsyncIterable<IWatchResponse>) yield events.length;
}
