/**
 * An agent starts on a host with a hundred endpoints, in a network of up to 100,000 keys: from the first byte of the
 * snapshot to a kernel that was programmed and read back, with everything but BIRD as in `heddle agent`.
 *
 * The yardstick is the snapshot, page after page, as the client library hands it out: what any agent has to fetch,
 * and nothing made of it.
 */
import { Etcd3 } from 'etcd3';
import type { HostFacts } from '../src/agent/status/host-facts.js';
import type { Datastore } from '../src/datastore/datastore.js';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import { startEtcd } from '../test/helpers/etcd.js';
import { bringUpLoopback } from '../test/helpers/netns.js';
import { wipePacketFilter } from './dataplane.js';
import { problemOf, runHostAgent } from './host-agent.js';
import type { Row } from './row.js';
import { fillElsewhere, layout, NODE } from './store-network.js';

const PAGE = 4_000;

export const agentStart: Row = {
  name: 'agent-start',
  work: 'start an agent with a hundred endpoints of its own, in a network of this many keys',
  sizes: [10_000, 30_000, 100_000],
  contenders: [
    {
      name: 'heddle',
      prepare: (size) =>
        prepare(size, async (etcd) => {
          await using store = openEtcdDatastore({ endpoints: [etcd] });
          await startAgent(store);
        }),
    },
    {
      name: 'pages of the snapshot, raw',
      prepare: (size) =>
        prepare(size, async (etcd) => {
          const keys = await readPages(etcd);
          if (keys < size) throw new Error(`Only ${keys} keys`);
        }),
    },
  ],
};

async function prepare(size: number, work: (etcd: string) => Promise<void>) {
  await wipePacketFilter();
  await bringUpLoopback();
  const etcd = await startEtcd();
  await fillElsewhere(etcd.endpoint, size);
  return {
    work: () => work(etcd.endpoint),
    async dispose() {
      await etcd.close();
      await wipePacketFilter();
    },
  };
}

async function readPages(etcd: string): Promise<number> {
  const client = new Etcd3({ hosts: etcd });
  const end = Buffer.from(layout.prefix.replace(/\/$/, '0'));
  let keys = 0;
  for (let key = Buffer.from(layout.prefix), revision = '0'; ; ) {
    const page = await client.kv.range({ key, range_end: end, limit: PAGE, revision });
    revision = page.header.revision;
    keys += page.kvs.length;
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) break;
    key = Buffer.concat([last.key, Buffer.from([0])]);
  }
  client.close();
  return keys;
}

/** Resolves when the agent calls itself live. */
async function startAgent(store: Datastore): Promise<void> {
  const stop = new AbortController();
  let last: HostFacts | undefined;
  await runHostAgent({
    ...{ node: NODE, store, layout, signal: stop.signal },
    report(facts) {
      last = facts;
      if (facts.verified || facts.failures.length > 0) stop.abort();
    },
  });
  const problem = problemOf(last);
  if (problem) throw problem;
}
