/**
 * An agent that lost what netlink told it: on the real kernel, with a receive buffer for a few events.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { runAgent } from '../../src/agent/agent.js';
import { createBgpSpeaker } from '../../src/agent/bgp/index.js';
import { openDataplane } from '../../src/agent/open-dataplane.js';
import { systemClock } from '../../src/agent/status/clock.js';
import type { HostFacts } from '../../src/agent/status/host-facts.js';
import { hostStatus } from '../../src/agent/status/host-status.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { exec } from '../../src/kernel/exec.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import { createLayout } from '../../src/layout/create-layout.js';
import type { Log } from '../../src/model/log.js';
import type { StoreKey } from '../../src/model/store.js';
import { toyBackend } from '../agent/dataplane/toy-backend.js';
import { resource, workload } from '../helpers/build-resources.js';
import { FakeConntrack } from '../helpers/fake-conntrack.js';
import { createVeth, ip, requirePrivateNetns } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

requirePrivateNetns();

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const ROUTE = '192.168.77.1';
const hasRoute = async () => (await ip('route show proto 80')).includes(ROUTE);

/** Of somebody else. */
const routes = (verb: string) =>
  Array.from({ length: 250 }, (_, index) => `route ${verb} blackhole 203.0.113.${index}/32\n`);

/** Live with one workload; no timer reads anything back for an hour. */
async function startHost() {
  const layout = createLayout();
  const store = createMemoryDatastore();
  const objects = [resource('Node', 'host-1', {}), workload('overrun', { addresses: [ROUTE] })];
  const intervals = ['Iptables', 'Ipsets', 'Route'].map((name) => ({
    key: `${layout.root}/v1/config/${name}RefreshInterval` as StoreKey,
    value: '3600',
  }));
  const pairs = [
    ...objects.flatMap((one) => layout.encode(one, { pools: [] })),
    ...intervals,
    { key: layout.keys.ready, value: 'true' },
  ];
  const writes = pairs.map(({ key, value }) => ({ write: { op: 'put', key, value } as const }));
  await store.transact({ guards: [], writes });
  const rtnetlink = openRtNetlink(openKoffiTransport({ receiveBufferOctets: 4_096 }));
  const stop = new AbortController();
  let facts: HostFacts | undefined;
  const kernel = {
    rtnetlink,
    procSys,
    conntrack: new FakeConntrack(),
    hostAddresses: () => new Set<never>(),
    exec,
  };
  const ended = runAgent({
    ...{ node: 'host-1', store, layout, clock: systemClock, log: silent, signal: stop.signal },
    speaker: createBgpSpeaker({ mode: 'none', stateDir: '/nonexistent', exec, log: silent }),
    openDataplane: (settings, inbox, signal) =>
      openDataplane({
        ...{ settings, inbox, kernel, log: silent, signal, clock: systemClock },
        backend: toyBackend(() => undefined),
        onApply: () => {},
      }),
    onCalculated: () => {},
    checkNode: async () => [],
    checkGateway: async () => [],
    report: (now) => {
      facts = now;
    },
  });
  return {
    state: () => facts && hostStatus(facts).state,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      await rtnetlink.close();
      await store.close();
    },
  };
}

test.serial(
  'an agent that 10,000 link events were too many for reads everything back, and repairs',
  async (t) => {
    await using _workload = await createVeth({ name: 'calioverrun' });
    await using noise = await createVeth({ up: false });
    await using host = await startHost();
    await until(() => host.state() === 'live');
    await until(hasRoute);
    const lines = Array.from(
      { length: 10_000 },
      (_, index) => `link set ${noise.name} ${index % 2 === 0 ? 'up' : 'down'}\n`,
    );
    // While these run, nobody in this process reads what the kernel tells.
    execFileSync('ip', ['-batch', '-'], { input: lines.join('') });
    // Routes are told of on another socket: that is to be full, too, when ours goes.
    for (const verb of ['add', 'delete'])
      execFileSync('ip', ['-batch', '-'], { input: routes(verb).join('') });
    execFileSync('ip', ['route', 'flush', 'proto', '80']);
    const sockets = readFileSync('/proc/self/net/netlink', 'utf8').split('\n').slice(1, -1);
    const dropped = sockets.map((line) => Number(line.trim().split(/\s+/).at(-2)));
    const [most = 0, next = 0] = dropped.sort((one, other) => other - one);
    t.log(`${most} and ${next} events did not fit`);
    t.true(most > 1_000 && next > 100);
    await until(hasRoute, { what: 'the route' });
    await until(() => host.state() === 'live');
  },
);
