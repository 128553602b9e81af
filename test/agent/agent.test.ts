/**
 * The agent's loop on the memory store and a dataplane that notes what it is told: laws 1, 3 and 5.
 */
import test from 'ava';
import { type AgentOptions, runAgent } from '../../src/agent/agent.js';
import type { BgpSpeaker } from '../../src/agent/bgp/speaker.js';
import type { DataplaneUpdate } from '../../src/agent/calc/updates.js';
import type { Dataplane } from '../../src/agent/dataplane/dataplane.js';
import type { DriverFailure } from '../../src/agent/dataplane/driver.js';
import { systemClock } from '../../src/agent/status/clock.js';
import type { HostFacts } from '../../src/agent/status/host-facts.js';
import { hostStatus } from '../../src/agent/status/host-status.js';
import { createMemoryDatastore } from '../../src/datastore/memory/memory-datastore.js';
import { createLayout } from '../../src/layout/create-layout.js';
import type { Log } from '../../src/model/log.js';
import type { StoreKey } from '../../src/model/store.js';
import { until } from '../helpers/until.js';

const READY = '/calico/v1/Ready';
const ENDPOINT = '/calico/v1/host/host-1/workload/heddle/w1/endpoint/eth0';
const endpoint = (address: string) =>
  JSON.stringify({
    state: 'active',
    name: 'cali1',
    mac: 'ee:ee:ee:ee:ee:ee',
    profile_ids: [],
    ipv4_nets: [`${address}/32`],
    ipv6_nets: [],
    labels: {},
  });

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const speaker: BgpSpeaker = {
  apply: async () => ({ changed: 0, failures: [] }),
  resync: async () => ({ changed: 0, failures: [] }),
  verify: async () => [],
  status: async () => ({ configured: 0, established: 0, sessions: [] }),
  close() {},
};

/** One life of a dataplane: what it was told, and what it answers. */
class NotedDataplane implements Dataplane {
  readonly batches: (readonly DataplaneUpdate[])[] = [];
  failures: readonly DriverFailure[] = [];
  impossible: readonly DriverFailure[] = [];
  waiting: readonly DriverFailure[] = [];
  differences: readonly DriverFailure[] = [];
  resyncs = 0;

  async apply(batch: readonly DataplaneUpdate[]) {
    this.batches.push(batch);
    const { failures, impossible, waiting } = this;
    return { changed: 0, failures, impossible, waiting, drift: [], durationMs: 0 };
  }
  resync() {
    this.resyncs += 1;
  }
  async verify() {
    return this.differences;
  }
  counts() {
    return { routes: this.addresses.length };
  }
  /** Addresses of the endpoint as of the last message about it. */
  get addresses(): readonly string[] {
    const updates = this.batches.flat().filter((update) => update.type.startsWith('workload-endpoint'));
    const last = updates.at(-1);
    return last?.type === 'workload-endpoint-update' ? last.endpoint.addresses : [];
  }
}

async function start({
  node = 'host-1',
  bgp = speaker,
  nodeProblems = [] as readonly DriverFailure[],
  gatewayProblems = [] as readonly DriverFailure[],
} = {}) {
  const store = createMemoryDatastore();
  await store.transact({
    guards: [],
    writes: [{ write: { op: 'put', key: `/calico/v1/host/${node}/metadata` as StoreKey, value: '{}' } }],
  });
  const stop = new AbortController();
  const lives: NotedDataplane[] = [];
  let facts: HostFacts | undefined;
  const options: AgentOptions = {
    ...{ node: 'host-1', store, layout: createLayout(), speaker: bgp, clock: systemClock, log: silent },
    openDataplane: () => {
      const dataplane = new NotedDataplane();
      lives.push(dataplane);
      return dataplane;
    },
    onCalculated: () => {},
    checkNode: async () => nodeProblems,
    checkGateway: async () => gatewayProblems,
    report: (now) => {
      facts = now;
    },
    signal: stop.signal,
  };
  const ended = runAgent(options);
  return {
    ended,
    lives,
    state: () => facts && hostStatus(facts).state,
    counts: () => facts?.counts,
    error: () => facts && hostStatus(facts).error,
    put: (key: string, value: string) =>
      store.transact({ guards: [], writes: [{ write: { op: 'put', key: key as StoreKey, value } }] }),
    remove: (key: string) =>
      store.transact({ guards: [], writes: [{ write: { op: 'delete', key: key as StoreKey } }] }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended.catch(() => {});
      await store.close();
    },
  };
}

test('a fault of what runs beside the loop ends the agent with that very error', async (t) => {
  const fault = new TypeError('a fault in the speaker');
  const bgp: BgpSpeaker = { ...speaker, status: () => Promise.reject(fault) };
  await using agent = await start({ bgp });
  t.is(await t.throwsAsync(agent.ended), fault);
});

test('a host that cannot be the gateway of its workloads is degraded, once it has one with an IPv4 address', async (t) => {
  const gatewayProblems = [{ object: 'workload gateway', message: 'this host has no route to 169.254.1.1' }];
  await using agent = await start({ gatewayProblems });
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.state() === 'degraded');
  t.regex(agent.error() ?? '', /workload gateway: this host has no route to 169\.254\.1\.1/);
  await agent.remove(ENDPOINT);
  await until(() => agent.state() === 'live');
});

test('what waits for an interface is counted, and takes nothing from live', async (t) => {
  await using agent = await start();
  await agent.put(READY, 'true');
  const dataplane = await until(() => agent.lives[0]);
  dataplane.waiting = [{ object: 'route 192.168.1.1/32 dev cali1', message: 'there is no such interface' }];
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.counts()?.waiting === 1);
  t.is(agent.state(), 'live');
});

test('law 3: nothing reaches the dataplane while the store is not ready', async (t) => {
  await using agent = await start();
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.state() === 'held');
  t.is(agent.lives.length, 0);
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  t.deepEqual(agent.lives[0]?.addresses, ['192.168.1.1']);
});

test('law 5: when Ready vanishes the agent keeps what it has, and takes up again where the store is then', async (t) => {
  await using agent = await start();
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  await agent.remove(READY);
  await agent.remove(ENDPOINT);
  await until(() => agent.state() === 'held');
  t.deepEqual(agent.lives[0]?.addresses, ['192.168.1.1']);
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  t.deepEqual(agent.lives[0]?.addresses, []);
});

test('a failed object is tried again until it is there; the host is failed, then live', async (t) => {
  await using agent = await start();
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  const [dataplane] = agent.lives;
  if (!dataplane) throw new Error('There is no dataplane');
  dataplane.failures = [{ object: 'route', message: 'no such device' }];
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.state() === 'failed');
  const tries = dataplane.batches.length;
  dataplane.failures = [];
  await until(() => agent.state() === 'live');
  t.true(dataplane.batches.length > tries);
});

test('what the kernel of a host cannot have makes it degraded, until it can', async (t) => {
  await using agent = await start();
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  const [dataplane] = agent.lives;
  if (!dataplane) throw new Error('There is no dataplane');
  dataplane.impossible = [{ object: 'tunnel ipip.calico', message: 'this kernel has no IPIP' }];
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.state() === 'degraded');
  t.is(agent.error(), 'tunnel ipip.calico: this kernel has no IPIP');
  dataplane.impossible = [];
  await agent.put(ENDPOINT, endpoint('192.168.1.2'));
  await until(() => agent.state() === 'live');
});

test('live is what was read back: a difference makes the host degraded, and is read back before the next try', async (t) => {
  await using agent = await start();
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  const [dataplane] = agent.lives;
  if (!dataplane) throw new Error('There is no dataplane');
  dataplane.differences = [{ object: 'chain cali-FORWARD', message: 'differs in the kernel' }];
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.state() === 'degraded');
  const before = dataplane.resyncs;
  dataplane.differences = [];
  await until(() => agent.state() === 'live');
  t.true(dataplane.resyncs > before);
});

test('a BGP daemon that hangs keeps no policy from being in force, and a host from being live', async (t) => {
  let answer = () => {};
  let reply = Promise.resolve();
  const hang = () => {
    reply = new Promise((resolve) => {
      answer = resolve;
    });
  };
  await using agent = await start({ bgp: { ...speaker, verify: () => reply.then(() => []) } });
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  hang();
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.lives[0]?.addresses[0] === '192.168.1.1');
  await until(() => agent.state() === 'applying');
  t.regex(agent.error() ?? '', /^BGP: .* not confirmed/);
  await agent.put(ENDPOINT, endpoint('192.168.1.2'));
  await until(() => agent.lives[0]?.addresses[0] === '192.168.1.2');
  t.is(agent.state(), 'applying');
  answer();
  await until(() => agent.state() === 'live');
});

test('what a BGP daemon does not run is tried again until it does, and the host is degraded meanwhile', async (t) => {
  let differences: readonly DriverFailure[] = [];
  let resyncs = 0;
  const bgp: BgpSpeaker = {
    ...speaker,
    verify: async () => differences,
    async resync() {
      resyncs += 1;
      return { changed: 0, failures: [] };
    },
  };
  await using agent = await start({ bgp });
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  differences = [{ object: 'BIRD', message: 'runs another configuration' }];
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await until(() => agent.state() === 'degraded');
  t.regex(agent.error() ?? '', /^BIRD: runs another/);
  const [before, applies] = [resyncs, agent.lives[0]?.batches.length];
  differences = [];
  await until(() => agent.state() === 'live');
  t.true(resyncs > before);
  t.is(agent.lives[0]?.batches.length, applies, 'the dataplane is left alone');
});

test('law 1: settings that drivers are built with begin a new life, told of everything again', async (t) => {
  await using agent = await start();
  await agent.put(ENDPOINT, endpoint('192.168.1.1'));
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'live');
  await agent.put('/calico/v1/config/InterfacePrefix', 'tap');
  await until(() => agent.lives.length === 2 && agent.state() === 'live');
  t.deepEqual(agent.lives[1]?.addresses, agent.lives[0]?.addresses);
});

test('law 5: a value that cannot be read denies its object, and the host is never live with it', async (t) => {
  await using agent = await start();
  await agent.put(READY, 'true');
  await agent.put(ENDPOINT, '{"state": "act');
  await until(() => agent.state() === 'degraded');
  t.deepEqual(agent.lives[0]?.addresses, []);
});

test('a host whose Node has an address of another host is degraded, and says so', async (t) => {
  const nodeProblems = [{ object: 'Node host-1', message: 'AddressMismatch: 10.9.9.9' }];
  await using agent = await start({ nodeProblems });
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'degraded');
  t.regex(agent.error() ?? '', /^Node host-1: AddressMismatch: 10\.9\.9\.9/);
});

test('a host that the store does not know is degraded, and says so', async (t) => {
  await using agent = await start({ node: 'another' });
  await agent.put(READY, 'true');
  await until(() => agent.state() === 'degraded');
  t.regex(agent.error() ?? '', /Node host-1: is not in the store/);
});
