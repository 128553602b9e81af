/**
 * An agent starts on a host with a hundred endpoints, in a network of up to 100,000 keys: from the first byte of the
 * snapshot to a kernel that was programmed and read back, with everything but BIRD as in `heddle agent`.
 *
 * The yardstick is the raw snapshot, page after page, which any agent has to fetch. The peak of memory holds what
 * filling the store took, too: each batch of it is forgotten before the next.
 */
import { runAgent } from '../src/agent/agent.js';
import { createBgpSpeaker } from '../src/agent/bgp/index.js';
import { backends } from '../src/agent/dataplane/backends/index.js';
import { openDataplane } from '../src/agent/open-dataplane.js';
import { systemClock } from '../src/agent/status/clock.js';
import type { HostFacts } from '../src/agent/status/host-facts.js';
import type { Datastore } from '../src/datastore/datastore.js';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import { exec } from '../src/kernel/exec.js';
import { hostAddresses } from '../src/kernel/host-addresses.js';
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../src/kernel/netlink/koffi/koffi-transport.js';
import { openConntrack } from '../src/kernel/open-conntrack.js';
import { openRtNetlink } from '../src/kernel/open-rtnetlink.js';
import { procSys } from '../src/kernel/proc-sys.js';
import { createLayout } from '../src/layout/create-layout.js';
import type { KeyValue } from '../src/layout/layout.js';
import { addressFromBits } from '../src/model/address.js';
import type { Log } from '../src/model/log.js';
import type { Resource } from '../src/model/resource.js';
import { policy, resource, selector, workload } from '../test/helpers/build-resources.js';
import { startEtcd } from '../test/helpers/etcd.js';
import { bringUpLoopback } from '../test/helpers/netns.js';
import { wipePacketFilter } from './dataplane.js';
import type { Row } from './row.js';

const NODE = 'host-0';
const LOCAL_ENDPOINTS = 100;
const APPLICATIONS = 50;
const KEYS_PER_BATCH = 1_000;

const layout = createLayout();
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export const agentStart: Row = {
  name: 'agent-start',
  work: 'start an agent with a hundred endpoints of its own, in a network of this many keys',
  sizes: [10_000, 30_000, 100_000],
  contenders: [
    { name: 'heddle', prepare: (size) => prepare(size, startAgent) },
    {
      name: 'snapshot, raw',
      prepare: (size) =>
        prepare(size, async (store) => {
          const { entries } = await store.snapshot(layout.prefix);
          if (entries.size < size) throw new Error(`Only ${entries.size} keys`);
        }),
    },
  ],
};

async function prepare(size: number, work: (store: Datastore) => Promise<void>) {
  await wipePacketFilter();
  await bringUpLoopback();
  const etcd = await startEtcd({ flags: ['--max-txn-ops=4096'] });
  const store = openEtcdDatastore(etcd.options);
  await fill(store, size);
  return {
    work: () => work(store),
    async dispose() {
      await store.close();
      await etcd.close();
      await wipePacketFilter();
    },
  };
}

/** Resolves when the agent calls itself live. */
async function startAgent(store: Datastore): Promise<void> {
  await using rtnetlink = openRtNetlink(openKoffiTransport({ protocol: NETLINK_ROUTE }));
  await using conntrack = openConntrack(openKoffiTransport({ protocol: NETLINK_NETFILTER }));
  const stop = new AbortController();
  const kernel = { rtnetlink, conntrack, procSys, hostAddresses, exec };
  let last: HostFacts | undefined;
  await runAgent({
    ...{ node: NODE, store, layout, clock: systemClock, log: silent, signal: stop.signal },
    speaker: createBgpSpeaker({ mode: 'none', stateDir: '/nonexistent', exec, log: silent }),
    openDataplane: (settings, inbox, signal) =>
      openDataplane({
        ...{ settings, inbox, kernel, log: silent, signal, clock: systemClock },
        backend: backends.iptables,
        onApply: () => {},
      }),
    onCalculated: () => {},
    checkNode: async () => [],
    report(facts) {
      last = facts;
      if (facts.verified || facts.failures.length > 0) stop.abort();
    },
  });
  const [problem] = [...(last?.failures ?? []), ...(last?.verified?.differences ?? [])];
  if (problem) throw new Error(`${problem.object}: ${problem.message}`);
}

async function fill(store: Datastore, keys: number): Promise<void> {
  let batch: KeyValue[] = [{ key: layout.keys.ready, value: 'true' }];
  const flush = async () => {
    const writes = batch.map(({ key, value }) => ({ write: { op: 'put', key, value } as const }));
    if (!(await store.transact({ guards: [], writes })).ok) throw new Error('The store took no keys');
    batch = [];
  };
  for (const object of network(keys)) {
    batch.push(...layout.encode(object, { pools: [] }));
    if (batch.length >= KEYS_PER_BATCH) await flush();
  }
  await flush();
}

/** About one key for each endpoint; every policy lets one application into another. */
function* network(keys: number): Iterable<Resource> {
  yield resource('Profile', 'open', {
    ingress: [],
    egress: [{ action: 'Allow' }],
    tags: [],
    labelsToApply: {},
  });
  for (let number = 0; number < APPLICATIONS; number += 1)
    yield policy(`p${number}`, {
      selector: selector(`app == 'a${number}'`),
      types: ['Ingress'],
      ingress: [
        { action: 'Allow', source: { selector: selector(`app == 'a${(number + 1) % APPLICATIONS}'`) } },
      ],
    });
  for (let number = 0; number < keys; number += 1)
    yield workload(number.toString(16).padStart(8, '0'), {
      node: number < LOCAL_ENDPOINTS ? NODE : `host-${1 + (number % 1_000)}`,
      addresses: [addressFromBits(BigInt(0x0a000000 + number), 4)],
      profiles: ['open'],
      labels: { app: `a${number % (20 * APPLICATIONS)}`, zone: `z${number % 7}` },
    });
}
