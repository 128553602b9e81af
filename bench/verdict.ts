/**
 * From a value in etcd to the first packet that it lets through, on a host that has this many endpoints: what somebody
 * who waits for a rule sees. Packets go from one workload to another every millisecond.
 *
 * The yardstick is somebody who knows which chain it is, and has the lines for iptables-restore ready.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { renderHost } from '../src/agent/render-host.js';
import type { HostFacts } from '../src/agent/status/host-facts.js';
import type { Datastore } from '../src/datastore/datastore.js';
import { openEtcdDatastore } from '../src/datastore/etcd/etcd-datastore.js';
import { inNamespace } from '../src/kernel/namespaces.js';
import { createLayout } from '../src/layout/create-layout.js';
import { addressFromBits, hostCidr, IP_FAMILIES } from '../src/model/address.js';
import type { Resource } from '../src/model/resource.js';
import { resource, workload } from '../test/helpers/build-resources.js';
import { startEtcd } from '../test/helpers/etcd.js';
import { bringUpLoopback, createNamespace, type Namespace, run } from '../test/helpers/netns.js';
import type { TrafficReport, TrafficRequest } from '../test/helpers/traffic-agent.js';
import { until } from '../test/helpers/until.js';
import { wipePacketFilter } from './dataplane.js';
import { problemOf, runHostAgent } from './host-agent.js';
import type { Row } from './row.js';

const NODE = 'host-0';
const PORT = 7777;
const SENDER = fileURLToPath(new URL('../test/helpers/traffic-agent.js', import.meta.url));
/** The server and its client; only they have a workload behind them. */
const [SERVER, CLIENT] = [0, 1];
const layout = createLayout();

export const verdict: Row = {
  name: 'verdict',
  work: 'let a packet through that was denied, on a host that has this many endpoints',
  sizes: [100, 300, 1_000],
  contenders: [
    {
      name: 'heddle',
      async prepare(size) {
        const stage = await setStage(size);
        return {
          work: () => stage.untilPassed(() => put(stage.store, [doorOf(true)])),
          dispose: stage.dispose,
        };
      },
    },
    {
      name: 'restore, by hand',
      async prepare(size) {
        const stage = await setStage(size);
        await stage.stopAgent();
        const texts = chainsOf(size);
        const restore = async () => {
          for (const [index, family] of IP_FAMILIES.entries())
            await run(`${family === 4 ? 'iptables' : 'ip6tables'}-nft-restore`, ['--noflush'], {
              input: texts[index] ?? '',
            });
        };
        return { work: () => stage.untilPassed(restore), dispose: stage.dispose };
      },
    },
  ],
};

async function setStage(size: number) {
  await wipePacketFilter();
  await bringUpLoopback();
  const etcd = await startEtcd({ flags: ['--max-txn-ops=4096'] });
  const store = openEtcdDatastore(etcd.options);
  await put(store, [...network(size), doorOf(false)]);
  await store.transact({
    guards: [],
    writes: [{ write: { op: 'put', key: layout.keys.ready, value: 'true' } }],
  });
  const others = await createNamespace('bo');
  const [server, client] = [await createNamespace('bs'), await createNamespace('bc')];
  await connect(size, others, [server, client]);
  const stop = new AbortController();
  let last: HostFacts | undefined;
  const ended = runHostAgent({
    ...{ node: NODE, store, layout, signal: stop.signal },
    report: (facts) => {
      last = facts;
    },
  });
  await until(() => last?.verified !== undefined || problemOf(last), { timeoutMs: 120_000 });
  const problem = problemOf(last);
  if (problem) throw problem;
  const traffic = await startTraffic(server, client);
  return {
    store,
    async stopAgent() {
      stop.abort();
      await ended;
    },
    async untilPassed(act: () => Promise<void>) {
      await Promise.all([traffic.passed(), act()]);
    },
    async dispose() {
      traffic.close();
      stop.abort();
      await ended;
      await store.close();
      await etcd.close();
      for (const namespace of [server, client, others]) await namespace[Symbol.asyncDispose]();
      await wipePacketFilter();
    },
  };
}

/** Resolves when packets are on their way, none of which passes. */
async function startTraffic(server: Namespace, client: Namespace) {
  let onPassed = () => {};
  const children: ChildProcessWithoutNullStreams[] = [];
  const start = (
    namespace: Namespace,
    request: TrafficRequest,
    onReport: (report: TrafficReport) => void,
  ) => {
    const [enter, ...args] = inNamespace(namespace.name, [execPath, SENDER]);
    const child = spawn(enter, args);
    children.push(child);
    createInterface({ input: child.stdout }).on('line', (text) =>
      onReport(JSON.parse(text) as TrafficReport),
    );
    child.stdin.write(`${JSON.stringify(request)}\n`);
  };
  await new Promise<void>((resolve) =>
    start(server, { op: 'listen', udp: [PORT], tcp: [] }, ({ type }) => {
      if (type === 'listening') resolve();
      if (type === 'passed') onPassed();
    }),
  );
  let sent = 0;
  const send = { op: 'send', stream: 0, protocol: 'udp', port: PORT, everyMs: 1 } as const;
  start(client, { ...send, address: addressOf(SERVER) }, () => {
    sent += 1;
  });
  let early = false;
  onPassed = () => {
    early = true;
  };
  await until(() => sent > 50);
  if (early) throw new Error('a packet passed before anything let it through');
  return {
    passed: () =>
      new Promise<void>((resolve) => {
        onPassed = resolve;
      }),
    close() {
      for (const child of children) child.stdin.end();
    },
  };
}

/** The interfaces of all endpoints; those of the first two lead somewhere. */
async function connect(size: number, others: Namespace, ends: readonly Namespace[]): Promise<void> {
  const lines = Array.from({ length: size }, (_, number) => {
    const peer = `netns ${(ends[number] ?? others).name}`;
    const name = number < ends.length ? 'eth0' : `p${number}`;
    const name0 = interfaceOf(number);
    return `link add ${name0} type veth peer name ${name} ${peer}\nlink set ${name0} up\n`;
  });
  await run('ip', ['-batch', '-'], { input: lines.join('') });
  // A default route, as proxy ARP wants one.
  await run('ip', ['route', 'replace', '192.0.2.0/24', 'dev', 'lo']);
  await run('ip', ['route', 'replace', 'default', 'via', '192.0.2.1', 'dev', 'lo', 'onlink']);
  for (const [number, end] of ends.entries()) {
    await end.ip('link set eth0 address ee:ee:ee:ee:ee:ee up');
    await end.ip(`address add ${addressOf(number)}/32 dev eth0`);
    await end.ip('route add 169.254.1.1 dev eth0 scope link');
    await end.ip('route add default via 169.254.1.1 dev eth0');
  }
}

function* network(size: number): Iterable<Resource> {
  yield resource('Node', NODE, {});
  yield resource('Profile', 'open', {
    ingress: [],
    egress: [{ action: 'Allow' }],
    tags: [],
    labelsToApply: {},
  });
  for (let number = 0; number < size; number += 1)
    yield workload(nameOf(number), {
      node: NODE,
      addresses: [addressOf(number)],
      profiles: number === SERVER ? ['door'] : ['open'],
    });
}

/** What lets the client in, or does not. */
function doorOf(isOpen: boolean): Resource {
  const nets = [hostCidr(addressOf(CLIENT))];
  return resource('Profile', 'door', {
    ingress: isOpen ? [{ action: 'Allow', source: { nets } }] : [],
    egress: [{ action: 'Allow' }],
    tags: [],
    labelsToApply: {},
  });
}

/** For each family the chains that the open door changes, as iptables-restore takes them. */
function chainsOf(size: number): readonly string[] {
  return IP_FAMILIES.map((family) => {
    const [before, after] = [false, true].map((isOpen) => {
      const pairs = [...network(size), doorOf(isOpen)].flatMap((each) => layout.encode(each, { pools: [] }));
      const entries = new Map(pairs.map(({ key, value }) => [key, { value }]));
      const text = renderHost({ node: NODE, layout, entries, families: [family], birdLog: '' }).iptables;
      return text.slice(text.indexOf('*filter')).split('\n');
    });
    const known = new Set(before);
    const chainOf = (line: string) => /^(?::|-A )(cali-\S+)/.exec(line)?.[1];
    const changed = new Set(after?.filter((line) => !known.has(line)).map(chainOf));
    return ['*filter', ...(after ?? []).filter((line) => changed.has(chainOf(line))), 'COMMIT', ''].join(
      '\n',
    );
  });
}

const KEYS_PER_BATCH = 500;

async function put(store: Datastore, resources: readonly Resource[]): Promise<void> {
  const pairs = resources.flatMap((each) => layout.encode(each, { pools: [] }));
  for (let start = 0; start < pairs.length; start += KEYS_PER_BATCH) {
    const writes = pairs
      .slice(start, start + KEYS_PER_BATCH)
      .map(({ key, value }) => ({ write: { op: 'put', key, value } as const }));
    if (!(await store.transact({ guards: [], writes })).ok) throw new Error('The store took no keys');
  }
}

function interfaceOf(number: number): string {
  return `cali${nameOf(number)}`;
}

function nameOf(number: number): string {
  return ((number * 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
}

function addressOf(number: number) {
  return addressFromBits(BigInt(0x0a410001 + number), 4);
}
