/**
 * A host with two workloads and a machine outside, and probes between them. This process's namespace is the host.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_AGENT_SETTINGS } from '../../src/agent/calc/agent-settings.js';
import { type BackendName, backends } from '../../src/agent/dataplane/backends/index.js';
import { createDataplane, type Dataplane } from '../../src/agent/dataplane/dataplane.js';
import { kernelDrivers } from '../../src/agent/dataplane/drivers/kernel-drivers.js';
import { exec } from '../../src/kernel/exec.js';
import { hostAddresses } from '../../src/kernel/host-addresses.js';
import { keepOpen } from '../../src/kernel/kept-programs.js';
import { NETLINK_NETFILTER } from '../../src/kernel/netlink/constants.js';
import { openKoffiTransport } from '../../src/kernel/netlink/koffi/koffi-transport.js';
import { openConntrack } from '../../src/kernel/open-conntrack.js';
import { openRtNetlink } from '../../src/kernel/open-rtnetlink.js';
import { procSys } from '../../src/kernel/proc-sys.js';
import { IP_FAMILIES, type IpFamily } from '../../src/model/address.js';
import { bringUpLoopback, createNamespace, createVeth, ip, type Namespace, run } from '../helpers/netns.js';

const HOST_MAC = '02:00:00:00:00:fe';
const HOST_LINK_LOCAL = 'fe80::ff:fe00:fe';
const NO_DAD = ['-qw', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.all.accept_dad=0'];

export const HOST = { 4: '10.99.0.1', 6: 'fd99::1' } as const;
export const OUTSIDE = { 4: '10.99.0.254', 6: 'fd99::fe' } as const;

export interface Workload {
  readonly name: string;
  readonly number: number;
  readonly ns: Namespace;
}

export interface World extends AsyncDisposable {
  readonly first: Workload;
  readonly second: Workload;
  readonly outside: Namespace;
  /** A dataplane as a freshly started agent has it; with another backend, if one is named. */
  start(other?: BackendName): Dataplane;
  /** Programs run since the last look. */
  calls(): readonly string[];
}

export async function prepareHost(): Promise<void> {
  await bringUpLoopback();
  await run('sysctl', NO_DAD);
}

export async function createWorld(backend: BackendName): Promise<World> {
  const stack = new AsyncStack();
  const lockFile = `/run/heddle-test-${process.pid}.lock`;
  stack.defer(() => rm(lockFile, { force: true }));
  for (const name of Object.keys(backends) as BackendName[]) stack.defer(() => wipe(variantOf(name)));
  const outside = stack.use(await createNamespace('out'));
  const uplink = stack.use(await createVeth({ peer: 'eth0', peerNamespace: outside }));
  await ip(`addr add ${HOST[4]}/24 dev ${uplink.name}`);
  await ip(`addr add ${HOST[6]}/64 dev ${uplink.name} nodad`);
  await ip(`route add default via ${OUTSIDE[4]}`);
  await outside.ip(`addr add ${OUTSIDE[4]}/24 dev eth0`);
  await outside.ip(`addr add ${OUTSIDE[6]}/64 dev eth0 nodad`);
  const rtnetlink = stack.use(openRtNetlink(openKoffiTransport()));
  const conntrack = stack.use(openConntrack(openKoffiTransport({ protocol: NETLINK_NETFILTER })));
  const calls: string[] = [];
  const programs = keepOpen(exec);
  stack.defer(async () => programs[Symbol.dispose]());
  const counting: typeof exec = (command, args, options) => {
    calls.push([command, ...args].join(' '));
    return programs.exec(command, args, options);
  };
  const first = await createWorkload(stack, 1);
  const second = await createWorkload(stack, 2);
  const { interfacePrefix, deviceRouteProtocol } = DEFAULT_AGENT_SETTINGS;
  return {
    first,
    second,
    outside,
    calls: () => calls.splice(0),
    start: (other = backend) =>
      createDataplane({
        packetFilters: IP_FAMILIES.map((family) =>
          backends[other].open({ family, exec: counting, pause: (ms) => pause(ms), lockFile }),
        ),
        kernel: kernelDrivers({
          families: IP_FAMILIES,
          settings: { interfacePrefix, deviceRouteProtocol },
          rtnetlink,
          procSys,
          conntrack,
          hostAddresses,
        }),
        now: () => performance.now(),
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Rules of ours must not meet the next test, nor the other backend's file. */
export async function wipe(variant: string): Promise<void> {
  for (const tool of ['iptables', 'ip6tables'])
    for (const table of ['raw', 'nat', 'filter'])
      await run(`${tool}-${variant}-restore`, [], { input: `*${table}\nCOMMIT\n` });
  await exec('ipset', ['destroy']);
  await exec('conntrack', ['-F']);
}

async function createWorkload(stack: AsyncStack, number: number): Promise<Workload> {
  const ns = stack.use(await createNamespace('wl'));
  await ns.run('sysctl', NO_DAD);
  const name = `cali${number}`;
  stack.use(
    await createVeth({ name, peer: 'eth0', peerNamespace: ns, mac: HOST_MAC, peerMac: 'ee:ee:ee:ee:ee:ee' }),
  );
  await ns.ip(`addr add 10.65.0.${number}/32 dev eth0`);
  await ns.ip(`addr add fd65::${number}/128 dev eth0 nodad`);
  await ns.ip('route add 169.254.1.1 dev eth0 scope link');
  await ns.ip('route add default via 169.254.1.1 dev eth0');
  await ns.ip(`-6 route add default via ${HOST_LINK_LOCAL} dev eth0`);
  return { name, number, ns };
}

export function addressOf({ number }: Workload, family: IpFamily): string {
  return family === 4 ? `10.65.0.${number}` : `fd65::${number}`;
}

export function variantOf(backend: BackendName): string {
  return backend === 'iptables' ? 'nft' : 'legacy';
}

/** No listener is needed: a refusal shows that the packet arrived. */
export async function tcp(
  from: Namespace,
  to: string,
  port: number,
  timeoutMs = 500,
): Promise<'delivered' | 'dropped'> {
  const { stdout } = await from.exec('node', ['-e', TCP_PROBE, to, String(port), String(timeoutMs)]);
  if (stdout !== 'delivered' && stdout !== 'dropped') throw new Error(`The probe said: ${stdout}`);
  return stdout;
}

/** As `tcp`, where a packet is to be delivered: a busy machine is given its time. */
export const tcpArrives = (from: Namespace, to: string, port: number) => tcp(from, to, port, 10_000);

const TCP_PROBE = `
  const [, host, port, timeout] = process.argv;
  const end = (word) => { process.stdout.write(word); socket.destroy(); };
  const socket = require('net').connect({ host, port: Number(port), timeout: Number(timeout) });
  socket.on('connect', () => end('delivered'));
  socket.on('timeout', () => end('dropped'));
  socket.on('error', (e) => end(e.code === 'ECONNREFUSED' ? 'delivered' : e.code === 'EHOSTUNREACH' ? 'dropped' : e.code));
`;

/** Sends a router advertisement to all nodes (RFC 4861, 4.2). */
export async function advertiseRouter(from: Namespace): Promise<void> {
  await from.run('python3', ['-c', ROUTER_ADVERTISEMENT]);
}

/** The kernel fills in the checksum. */
const ROUTER_ADVERTISEMENT = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex('eth0'))
s.sendto(bytes([134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]), ('ff02::1', 0))
`;

export async function pings(
  from: Pick<Namespace, 'exec'>,
  to: string,
  options: readonly string[] = [],
): Promise<boolean> {
  return (await from.exec('ping', ['-c1', '-W1', ...options, to])).code === 0;
}

/** As `pings`, where an answer is to come: a busy machine is given its time. */
export const answers = (from: Pick<Namespace, 'exec'>, to: string): Promise<boolean> =>
  pings(from, to, ['-W10']);

/** Echo requests that arrived. */
export async function echoes(ns: Namespace, family: IpFamily): Promise<number> {
  const counter = family === 4 ? 'IcmpInEchos' : 'Icmp6InEchos';
  const text = await ns.run('nstat', ['-asz', counter]);
  return Number(/\s(\d+)\s/.exec(text.slice(text.indexOf(counter)))?.[1]);
}

/** AsyncDisposableStack, which Node 20 has not. */
export class AsyncStack {
  readonly #disposals: (() => PromiseLike<void>)[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(dispose: () => PromiseLike<void>): void {
    this.#disposals.push(dispose);
  }

  async disposeAsync(): Promise<void> {
    for (const dispose of this.#disposals.reverse()) await dispose();
  }
}
