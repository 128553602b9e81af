/**
 * A host with a real BIRD in a namespace of its own, configured from a network's description by way of topology and
 * speaker. Its workload interface is a bridge with nothing on it: routes to it are announced all the same.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stopBird } from '../../src/agent/bgp/bird/bird-process.js';
import { createBirdSpeaker } from '../../src/agent/bgp/bird/bird-speaker.js';
import type { BgpSpeaker, SessionStatus } from '../../src/agent/bgp/speaker.js';
import { type Exec, exec } from '../../src/kernel/exec.js';
import { inNamespace } from '../../src/kernel/namespaces.js';
import type { Log, LogFields } from '../../src/model/log.js';
import { bgpModelFor } from '../../src/topology/bgp.js';
import { LIST_BGP_CONNECTIONS, namesOfConnections } from '../helpers/bgp-connections.js';
import {
  bringUpLoopback,
  createNamespace,
  createVeth,
  ip,
  type Namespace,
  run,
  uniqueName,
} from '../helpers/netns.js';
import { pidIn } from '../helpers/pid-file.js';
import { until } from '../helpers/until.js';
import { type NetworkText, topologyInput } from '../topology/topology-fixture.js';

export interface LogLine {
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export interface Host extends AsyncDisposable {
  readonly name: string;
  readonly namespace: Namespace;
  /** Also where its passwords lie. */
  readonly stateDir: string;
  readonly logged: LogLine[];
  speaker: BgpSpeaker;
  /** A new agent over the same state directory. */
  newSpeaker(exec?: Exec): BgpSpeaker;
  applies(network: NetworkText): ReturnType<BgpSpeaker['apply']>;
  /** The host's route to this destination, as ip(8) shows it; '' when there is none. */
  route(destination: string): Promise<string>;
  birdPid(): Promise<number>;
  /** From now on: the routes that the kernel loses. */
  watchLosses(): RouteLosses;
}

interface RouteLosses extends Disposable {
  /** As ip-monitor(8) tells of them. */
  readonly lines: readonly string[];
}

/** A host at 10.99.0.<number> and fd99::<number>. */
export async function createHost({ bridge }: Fabric, name: string, number: number): Promise<Host> {
  const namespace = await createNamespace('bgp');
  const stateDir = await mkdtemp(join(tmpdir(), `heddle-bgp-${process.pid}-`));
  // Small, so that a test can fill it.
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', `heddle-${name}`, stateDir]);
  const veth = await createVeth({ peer: 'eth0', peerNamespace: namespace });
  await ip(`link set ${veth.name} master ${bridge}`);
  await namespace.run('sysctl', [
    '-qw',
    'net.ipv6.conf.all.accept_dad=0',
    'net.ipv6.conf.default.accept_dad=0',
  ]);
  await namespace.ip(`addr add 10.99.0.${number}/24 dev eth0`);
  await namespace.ip(`addr add fd99::${number}/64 dev eth0 nodad`);
  await namespace.ip('route add default via 10.99.0.254');
  await namespace.ip('link add cali1 type bridge');
  await namespace.ip('link set cali1 up');
  const logged: LogLine[] = [];
  const newSpeaker = (execInHost: Exec = namespace.exec) =>
    createBirdSpeaker({
      daemon: { mode: 'managed', stateDir },
      secretsDir: stateDir,
      exec: execInHost,
      log: logInto(logged),
      // Tests of sessions do not wait for what keeps packets on their way (e2e/bgp-migration.test.ts does).
      retainMs: 0,
    });
  const host: Host = {
    name,
    namespace,
    stateDir,
    logged,
    newSpeaker,
    speaker: newSpeaker(),
    applies: (network) => host.speaker.apply(bgpModelFor(name, topologyInput(network))),
    async route(destination) {
      const family = destination.includes(':') ? '-6' : '-4';
      return (await namespace.ip(`${family} route show ${destination}`)).trim();
    },
    watchLosses: () => watchLosses(namespace),
    birdPid: () => pidIn(join(stateDir, 'bird.pid')),
    async [Symbol.asyncDispose]() {
      host.speaker.close();
      await stopBird(stateDir);
      // A daemon that has said goodbye still holds its log for a moment.
      await until(async () => (await exec('umount', [stateDir])).code === 0, { what: `umount ${stateDir}` });
      await rm(stateDir, { recursive: true });
      await veth[Symbol.asyncDispose]();
      await namespace[Symbol.asyncDispose]();
    },
  };
  return host;
}

function watchLosses(namespace: Namespace): RouteLosses {
  const [enter, ...rest] = inNamespace(namespace.name, ['ip', 'monitor', 'route']);
  const monitor = spawn(enter, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface(monitor.stdout).on('line', (line) => {
    if (line.startsWith('Deleted')) lines.push(line);
  });
  return { lines, [Symbol.dispose]: () => void monitor.kill() };
}

export function logInto(lines: LogLine[]): Log {
  const write = (message: string, fields?: LogFields) => void lines.push({ message, fields });
  return { debug: write, info: write, warn: write, error: write };
}

export async function allEstablished(host: Host, count: number): Promise<readonly SessionStatus[]> {
  return until(
    async () => {
      const { established, configured, sessions } = await host.speaker.status();
      return established === count && configured === count && sessions;
    },
    { timeoutMs: 20_000, what: `${count} established sessions of ${host.name}` },
  );
}

/** The kernel's own names of the host's BGP connections: one that is made anew has another. */
export async function connections({ namespace }: Host): Promise<readonly string[]> {
  const [command, ...args] = LIST_BGP_CONNECTIONS;
  return namesOfConnections(await namespace.run(command, args));
}

/** How many routes the host's filters have refused to import, as its BIRD counts them. */
export async function refusedImports({ namespace, stateDir }: Host): Promise<number> {
  const said = await namespace.run('birdc', ['-s', join(stateDir, 'bird.ctl'), 'show', 'protocols', 'all']);
  const counts = said.matchAll(/Import updates: +\d+ +\d+ +(\d+)/g);
  return Array.from(counts, ([, filtered]) => Number(filtered)).reduce((sum, count) => sum + count, 0);
}

/** How many packets the host has dropped for their MD5 signature (RFC 2385), or for having none. */
export async function badSignatures({ namespace }: Host): Promise<number> {
  const said = await namespace.run('nstat', ['-asz', 'TcpExtTCPMD5Failure', 'TcpExtTCPMD5NotFound']);
  const counts = said.matchAll(/^TcpExtTCPMD5\w+ +(\d+)/gm);
  return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
}

export const appears = (host: Host, destination: string): Promise<string> =>
  until(async () => (await host.route(destination)) || false, {
    what: `a route of ${host.name} to ${destination}`,
  });
export const vanishes = (host: Host, destination: string): Promise<boolean> =>
  until(async () => (await host.route(destination)) === '', {
    what: `the end of ${host.name}'s route to ${destination}`,
  });

export interface Fabric extends AsyncDisposable {
  readonly bridge: string;
}

/** The bridge that hosts are on. */
export async function createFabric(): Promise<Fabric> {
  await bringUpLoopback();
  const bridge = uniqueName('br');
  await ip(`link add ${bridge} type bridge stp_state 0 forward_delay 0`);
  await ip(`link set ${bridge} up`);
  return {
    bridge,
    async [Symbol.asyncDispose]() {
      await ip(`link delete ${bridge}`);
    },
  };
}

/** Hosts on one bridge, by their names. */
export type Lab<Name extends string> = Readonly<Record<Name, Host>> & AsyncDisposable;

/** @param numbers - the last part of each host's addresses */
export async function createLab<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
): Promise<Lab<Name>> {
  const fabric = await createFabric();
  const hosts = new Map<string, Host>();
  for (const [name, number] of Object.entries<number>(numbers))
    hosts.set(name, await createHost(fabric, name, number));
  return {
    ...(Object.fromEntries(hosts) as Record<Name, Host>),
    async [Symbol.asyncDispose]() {
      for (const host of hosts.values()) await host[Symbol.asyncDispose]();
      await fabric[Symbol.asyncDispose]();
    },
  };
}

/** Gives each host its part of a network; who is not in it leaves BGP. @throws when one refuses any of it */
export async function applyToAll(hosts: readonly Host[], network: NetworkText): Promise<void> {
  for (const host of hosts) {
    const { failures } = await host.applies(network);
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
  }
}
