/**
 * Hosts that speak BGP, each a namespace with a BIRD and nothing else of heddle: what its configuration is worth beside
 * one that is written by hand, in the time that a route takes and that a network needs to come up.
 *
 * Neighbour entries are permanent, because the kernel has room for a thousand others in all namespaces together.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { renderBirdConfig } from '../src/agent/bgp/bird/render-config.js';
import { inNamespace } from '../src/kernel/namespaces.js';
import { bgpModelFor } from '../src/topology/bgp.js';
import type { BgpModel } from '../src/topology/bgp-model.js';
import {
  bringUpLoopback,
  createNamespace,
  ip,
  type Namespace,
  run,
  uniqueName,
} from '../test/helpers/netns.js';
import { until } from '../test/helpers/until.js';
import { type NetworkText, topologyInput } from '../test/topology/topology-fixture.js';
import type { Contender, Row } from './row.js';

const POOLS = { '10.65.0.0/16': {}, 'fd65::/48': {} };

export const bgpRoute: Row = {
  name: 'bgp-route',
  work: 'from this many routes on one host to the last of them in the kernel of another, of three in a mesh',
  sizes: [1, 1_000, 10_000],
  contenders: contenders(async (write, size) => {
    const lab = await setUp(meshOf(3), write);
    await lab.start();
    const [from, , to] = lab.hosts;
    if (!from || !to) throw new Error('there are no three hosts');
    const routes = Array.from({ length: size }, (_, number) => {
      const place = `${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
      return `route add 10.65.${place}/32 dev cali1 scope link proto 80\n`;
    }).join('');
    return {
      async work() {
        const { arrived } = await watchRoutes(to.namespace, size);
        const started = performance.now();
        await run('ip', ['-n', from.namespace.name, '-batch', '-'], { input: routes });
        await arrived;
        return performance.now() - started;
      },
      dispose: lab.dispose,
    };
  }),
};

export const bgpMeshUp: Row = {
  name: 'bgp-mesh-up',
  work: 'start BIRD on this many hosts in a full mesh, until each kernel has the routes of all in both families',
  sizes: [50],
  contenders: comingUp(meshOf),
};

export const bgpReflectedUp: Row = {
  name: 'bgp-rr-up',
  work: 'the same with two route reflectors beside this many hosts',
  sizes: [100],
  contenders: comingUp((size) => ({
    ...meshOf(size),
    bgp: { default: { nodeToNodeMeshEnabled: false } },
    reflectors: {
      r1: { v4: '10.99.1.1', v6: 'fd99::1:1', cluster: '1.0.0.1' },
      r2: { v4: '10.99.1.2', v6: 'fd99::1:2', cluster: '1.0.0.1' },
    },
  })),
};

type Write = (model: BgpModel, logFile: string) => string;

function contenders(
  prepare: (write: Write, size: number) => ReturnType<Contender['prepare']>,
): readonly Contender[] {
  return [
    { name: 'heddle', prepare: (size) => prepare(byHeddle, size) },
    { name: 'BIRD, by hand', prepare: (size) => prepare(byHand, size) },
  ];
}

function comingUp(network: (size: number) => NetworkText): readonly Contender[] {
  return contenders(async (write, size) => {
    const lab = await setUp(network(size), write);
    return { work: () => lab.start(), dispose: lab.dispose };
  });
}

interface BenchHost {
  readonly namespace: Namespace;
  readonly model: BgpModel;
}

/** The hosts of a network, their configurations written; `start` resolves when all know of each other's workloads. */
async function setUp(network: NetworkText, write: Write) {
  await bringUpLoopback();
  const folder = await mkdtemp(join(tmpdir(), 'heddle-bench-'));
  const bridge = uniqueName('br');
  await ip(`link add ${bridge} type bridge stp_state 0 forward_delay 0`);
  await ip(`link set ${bridge} up`);
  const input = topologyInput({ ...network, pools: POOLS });
  const hosts: BenchHost[] = [];
  for (const name of [...input.nodes.keys(), ...input.routeReflectors.keys()]) {
    const model = bgpModelFor(name, input);
    if (!model) throw new Error(`${name} has no BGP`);
    hosts.push({ namespace: await connect(model, bridge), model });
    await writeFile(join(folder, `${name}.conf`), write(model, join(folder, `${name}.log`)));
  }
  return {
    hosts,
    async start() {
      await Promise.all(hosts.map((host) => startBird(folder, host)));
      for (const host of hosts) await untilComplete(host, hosts);
    },
    async dispose() {
      for (const host of hosts) await stopBird(folder, host);
      for (const { namespace } of hosts) await namespace[Symbol.asyncDispose]();
      await ip(`link delete ${bridge}`);
      await rm(folder, { recursive: true });
    },
  };
}

async function connect(model: BgpModel, bridge: string): Promise<Namespace> {
  const namespace = await createNamespace('bh');
  const port = uniqueName('bp');
  await namespace.run('sysctl', [
    '-qw',
    'net.ipv6.conf.all.accept_dad=0',
    'net.ipv6.conf.default.accept_dad=0',
  ]);
  await ip(
    `link add ${port} type veth peer name eth0 address ${macOf(model.routerId)} netns ${namespace.name}`,
  );
  await ip(`link set ${port} master ${bridge} up`);
  const six = model.sessions.find(({ family }) => family === 6)?.localAddress;
  const peers = model.sessions.map(({ peerAddress, family }) => {
    const mac = macOf(family === 4 ? peerAddress : ofOtherFamily(peerAddress));
    return `neigh replace ${peerAddress} lladdr ${mac} dev eth0 nud permanent`;
  });
  const lines = [
    'link set eth0 up',
    `addr add ${model.routerId}/16 dev eth0`,
    ...(six === undefined ? [] : [`addr add ${six}/64 dev eth0 nodad`]),
    'route add default via 10.99.255.254',
    'link add cali1 type bridge',
    'link set cali1 up',
    ...(model.controlPlaneOnly ? [] : workloadsOf(model.routerId)),
    ...peers,
  ];
  await run('ip', ['-n', namespace.name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  return namespace;
}

function workloadsOf(routerId: string): readonly string[] {
  const last = Number(routerId.split('.').at(-1));
  return [
    `route add 10.65.0.${last}/32 dev cali1 scope link proto 80`,
    `route add fd65::${last.toString(16)}/128 dev cali1 proto 80`,
  ];
}

/** 10.99.0.7 and fd99::0:7 are one host. */
function macOf(address: string): string {
  const octets = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return `02:00:${octets.join(':')}`;
}

function ofOtherFamily(address: string): string {
  const [high, low] = address
    .replace('fd99::', '')
    .split(':')
    .map((part) => Number.parseInt(part, 16));
  return low === undefined ? `10.99.0.${high}` : `10.99.${high}.${low}`;
}

async function startBird(folder: string, { namespace, model: { node } }: BenchHost): Promise<void> {
  const files = ['conf', 'ctl', 'pid'].map((end) => join(folder, `${node}.${end}`));
  const [config = '', socket = '', pid = ''] = files;
  await namespace.run('bird', ['-c', config, '-s', socket, '-P', pid]);
}

async function stopBird(folder: string, { model: { node } }: BenchHost): Promise<void> {
  const pid = Number(await readFile(join(folder, `${node}.pid`), 'utf8'));
  process.kill(pid, 'SIGKILL');
}

/** Until there is a route to the workload of every other host; the kernel of a reflector has none. */
async function untilComplete({ namespace, model }: BenchHost, hosts: readonly BenchHost[]): Promise<void> {
  if (model.controlPlaneOnly) return;
  const others = hosts.filter((host) => !host.model.controlPlaneOnly).length - 1;
  for (const family of ['-4', '-6']) {
    const routes = () => namespace.ip(`${family} route show proto bird`);
    const isComplete = async () => (await routes()).split('\n').length > others;
    await until(isComplete, { timeoutMs: 120_000, what: model.node });
  }
}

/** Resolves once the watch is on; `arrived` when BIRD has given so many routes to the kernel. */
async function watchRoutes(
  namespace: Namespace,
  count: number,
): Promise<{ readonly arrived: Promise<void> }> {
  const [enter, ...args] = inNamespace(namespace.name, ['ip', 'monitor', 'route']);
  const monitor = spawn(enter, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let seen = 0;
  let isOn = false;
  const arrived = new Promise<void>((resolve) => {
    createInterface({ input: monitor.stdout }).on('line', (line) => {
      if (line.includes('172.16.0.1')) isOn = true;
      if (!line.startsWith('Deleted') && line.includes('proto bird')) seen += 1;
      if (seen < count) return;
      monitor.kill();
      resolve();
    });
  });
  await until(async () => {
    await namespace.ip('route replace 172.16.0.1/32 dev cali1');
    await namespace.ip('route del 172.16.0.1/32 dev cali1');
    return isOn;
  });
  return { arrived };
}

function meshOf(size: number): NetworkText {
  return {
    nodes: Object.fromEntries(
      Array.from({ length: size }, (_, number) => [
        `h${number + 1}`,
        { v4: `10.99.0.${number + 1}/16`, v6: `fd99::${(number + 1).toString(16)}/64` },
      ]),
    ),
  };
}

const byHeddle: Write = (model, path) =>
  renderBirdConfig(model, { log: { to: 'file', path }, deviceRouteProtocol: 80, passwordOf: () => '' });

/** As somebody writes it who knows what BIRD needs, and no more. */
const byHand: Write = ({ routerId, sessions }, path) => `log "${path}" { warning, error, fatal, bug };
router id ${routerId};
protocol device { scan time 2; }
protocol direct { ipv4; ipv6; interface -"cali*", "*"; }
protocol kernel k4 { netlink rx buffer 16777216; learn; persist; scan time 10; ipv4 { import all; export where source = RTS_BGP; }; }
protocol kernel k6 { netlink rx buffer 16777216; learn; persist; scan time 10; ipv6 { import all; export where source = RTS_BGP; }; }
template bgp t4 { multihop; connect delay time 1; connect retry time 5; error wait time 1, 30; graceful restart on;
  ipv4 { import all; export where net ~ [ 10.65.0.0/16{26,32} ]; add paths on; }; }
template bgp t6 { multihop; connect delay time 1; connect retry time 5; error wait time 1, 30; graceful restart on;
  ipv6 { import all; export where net ~ [ fd65::/48{48,128} ]; add paths on; }; }
${sessions
  .map(
    ({ family, localAddress, peerAddress, passive, reflectsFor }) =>
      `protocol bgp p${peerAddress.replace(/[.:]/g, '_')} from t${family} { local ${localAddress} as 64512; neighbor ${peerAddress} as 64512; ${passive ? 'passive on; ' : ''}${reflectsFor === undefined ? '' : `rr client; rr cluster id ${reflectsFor}; `}}`,
  )
  .join('\n')}
`;
