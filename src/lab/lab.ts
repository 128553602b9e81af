/**
 * A whole network on one machine: namespaces, etcd, a git repository, and on every node a reconcile loop and an
 * agent, each its own process, as they would run on real hosts. Route reflectors have an agent only.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exec } from '../kernel/exec.js';
import { type CommandLine, deleteNamespace, inNamespace } from '../kernel/namespaces.js';
import { freePorts } from './free-ports.js';
import type { LabGrowth } from './lab-growth.js';
import {
  buildFabric,
  buildHost,
  buildWorkload,
  extendFabric,
  namespacesOf,
  removeHost,
  removeWorkload,
  routeFromOutside,
} from './lab-network.js';
import type { LabHost, LabPlan, LabWorkload } from './lab-plan.js';
import {
  isRunning,
  LabStartError,
  lastWords,
  processesWith,
  processStartTime,
  startProcess,
  stopProcesses,
} from './lab-processes.js';
import {
  type LabProcess,
  type LabState,
  labFolder,
  readLabState,
  removeLabState,
  writeLabState,
} from './lab-state.js';
import { seedRepository } from './repository.js';

const ETCD_PORT = 2379;
const ETCD_START_TIMEOUT_MS = 60_000;
const HEALTH_TIMEOUT_MS = 1_000;
const MOST_ROUNDS = 10;

/** How the programs of a host are started. */
export interface HostOptions {
  /** The command line that starts heddle. */
  readonly self: CommandLine;
  /** More flags for every agent and every reconcile loop. */
  readonly agentFlags?: readonly string[];
  readonly reconcileFlags?: readonly string[];
}

export interface LabOptions extends HostOptions {
  readonly plan: LabPlan;
  /** The folder that becomes the first commit, or some of it. */
  readonly seed: string;
  readonly seedOnly?: (path: string) => boolean;
  readonly exec: Exec;
  readonly signal: AbortSignal;
}

/**
 * Builds and starts everything; what an earlier run of the same name left behind goes first.
 * @throws {LabStartError} when a program does not start
 */
export async function startLab(options: LabOptions): Promise<LabState> {
  const { plan, exec } = options;
  await removeLab(exec, plan.name);
  const folder = labFolder(plan.name);
  await mkdir(join(folder, 'logs'), { recursive: true });
  let state: LabState = {
    plan,
    repository: join(folder, 'repository.git'),
    workTree: join(folder, 'work'),
    etcdInside: `http://${plan.fabric.etcdAddress}:${ETCD_PORT}`,
    etcdOutside: `http://127.0.0.1:${(await freePorts(1))[0]}`,
    processes: [],
  };
  const started = async (processes: readonly LabProcess[]) => {
    state = { ...state, processes: [...state.processes, ...processes] };
    await writeLabState(state);
  };
  // Written before anything is made: whatever a crash leaves behind can be found.
  await writeLabState(state);
  await seedRepository(exec, {
    bare: state.repository,
    workTree: state.workTree,
    from: options.seed,
    ...(options.seedOnly && { only: options.seedOnly }),
    message: 'First commit of the lab',
  });
  await buildFabric(exec, plan);
  const [etcd, ...relays] = await startEtcd(options, state);
  await started([etcd, ...relays]);
  await Promise.all(plan.hosts.map((host) => buildHost(exec, plan, host)));
  await buildWorkloads(exec, plan, plan.workloads);
  await untilHealthy(etcd, state.etcdOutside, options.signal);
  for (const host of plan.hosts) await started(await startHost(options, state, host));
  return state;
}

/** Makes what a running lab lacks, and starts it; what an earlier try that failed has left goes first. */
export async function growLab(
  exec: Exec,
  options: HostOptions,
  running: LabState,
  growth: LabGrowth,
): Promise<LabState> {
  const { plan, hosts, workloads, moved } = growth;
  const { growing: _, ...earlier } = running;
  const isOfNewHost = ({ role }: LabProcess) => hosts.some(({ name }) => role.split(' ')[1] === name);
  const settled = { ...earlier, processes: earlier.processes.filter((one) => !isOfNewHost(one)) };
  await writeLabState({ ...settled, growing: plan });
  for (const workload of [...moved, ...workloads]) {
    const host = plan.hosts.find(({ name }) => name === workload.host);
    await endProcessesIn(exec, workload.namespace);
    if (host) await removeWorkload(exec, host, workload);
  }
  for (const host of hosts) {
    await endProcessesIn(exec, host.namespace);
    await removeHost(exec, plan, host);
  }
  await extendFabric(exec, plan, growth.gateways);
  for (const host of hosts) await buildHost(exec, plan, host);
  await buildWorkloads(exec, plan, workloads);
  await routeFromOutside(exec, plan);
  let state: LabState = { ...settled, plan };
  for (const host of hosts) {
    state = { ...state, processes: [...state.processes, ...(await startHost(options, state, host))] };
    await writeLabState({ ...state, plan: running.plan, growing: plan });
  }
  await writeLabState(state);
  return state;
}

async function buildWorkloads(exec: Exec, plan: LabPlan, workloads: readonly LabWorkload[]): Promise<void> {
  for (const workload of workloads) {
    const host = plan.hosts.find(({ name }) => name === workload.host);
    if (host) await buildWorkload(exec, plan, host, workload);
  }
}

/** Ends every process of a lab and removes its namespaces and files, whatever state it is in. */
export async function removeLab(
  exec: Exec,
  name: string,
): Promise<{ readonly namespaces: readonly string[] }> {
  const state = await readLabState(name);
  // Hosts first: without etcd they would wait for it to take their leases back.
  const isInfrastructure = ({ role }: LabProcess) => role === 'etcd' || role.startsWith('relay');
  await stopProcesses((state?.processes ?? []).filter((process) => !isInfrastructure(process)));
  // One relay lives in none of our namespaces, and a crash may come between its start and its record: its argument
  // is a path of this lab's, and so is known to be ours.
  const relays = processesWith(relaySocket(name));
  await stopProcesses([...(state?.processes ?? []).filter(isInfrastructure), ...relays]);
  // Of a lab that was about to grow, those of before and of after.
  const plans = state ? [state.plan, ...(state.growing ? [state.growing] : [])] : [];
  const namespaces = [...new Set((await Promise.all(plans.map(namespacesOf))).flat())];
  for (const namespace of namespaces) {
    // BIRD outlives its agent by design, and so may what a user started inside: what lives in our namespaces goes.
    await endProcessesIn(exec, namespace);
    await deleteNamespace(exec, namespace);
  }
  await removeLabState(name);
  return { namespaces };
}

/** Reflectors have nothing but their agent: commits reach them through etcd. */
async function startHost(options: HostOptions, state: LabState, host: LabHost): Promise<LabProcess[]> {
  const agent = await startAgent(options, state, host);
  return host.kind === 'Node' ? [agent, await startReconciler(options, state, host)] : [agent];
}

/** Also starts again what a test has killed. */
export async function startAgent(options: HostOptions, state: LabState, host: LabHost): Promise<LabProcess> {
  const stateDir = join(labFolder(state.plan.name), 'hosts', host.name);
  await mkdir(stateDir, { recursive: true });
  const flags = ['--node', host.name, '--etcd', state.etcdInside, '--state-dir', stateDir];
  const metrics = ['--metrics-listen', '127.0.0.1:9091'];
  const commandLine: CommandLine = [
    ...options.self,
    'agent',
    ...flags,
    ...metrics,
    ...(options.agentFlags ?? []),
  ];
  return startProcess(inNamespace(host.namespace, commandLine), roleOf(state, `agent ${host.name}`));
}

async function startReconciler(options: HostOptions, state: LabState, host: LabHost): Promise<LabProcess> {
  const flags = ['--repo', `file://${state.repository}`, '--node', host.name, '--etcd', state.etcdInside];
  const cache = ['--cache-dir', join(labFolder(state.plan.name), 'hosts', host.name, 'git')];
  const extra = options.reconcileFlags ?? [];
  const commandLine: CommandLine = [
    ...options.self,
    'reconcile',
    ...flags,
    ...cache,
    '--interval',
    '500ms',
    ...extra,
  ];
  return startProcess(inNamespace(host.namespace, commandLine), roleOf(state, `reconcile ${host.name}`));
}

async function startEtcd(
  { self }: LabOptions,
  state: LabState,
): Promise<[etcd: LabProcess, ...relays: LabProcess[]]> {
  const { namespace, etcdAddress } = state.plan.fabric;
  const folder = labFolder(state.plan.name);
  const socket = relaySocket(state.plan.name);
  const peer = 'http://127.0.0.1:2380';
  const etcd: CommandLine = [
    'etcd',
    ...['--data-dir', join(folder, 'etcd'), '--log-level', 'warn', '--auto-compaction-retention', '1'],
    ...['--listen-client-urls', state.etcdInside, '--advertise-client-urls', state.etcdInside],
    ...[
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `default=${peer}`,
    ],
  ];
  const outside = new URL(state.etcdOutside).host;
  const inner: CommandLine = [...self, 'lab', 'relay', socket, `${etcdAddress}:${ETCD_PORT}`];
  const outer: CommandLine = [...self, 'lab', 'relay', outside, socket];
  return Promise.all([
    startProcess(inNamespace(namespace, etcd), roleOf(state, 'etcd')),
    startProcess(inNamespace(namespace, inner), roleOf(state, 'relay inside')),
    startProcess(outer, roleOf(state, 'relay outside')),
  ]);
}

/** Where the two relays to etcd meet. */
function relaySocket(name: string): string {
  return join(labFolder(name), 'etcd.sock');
}

function roleOf(state: LabState, role: string): { role: string; logFile: string } {
  return { role, logFile: join(labFolder(state.plan.name), 'logs', `${role.replaceAll(' ', '-')}.log`) };
}

/** Again while there are any: one that was about to go into the background (BIRD) is another process afterwards. */
async function endProcessesIn(exec: Exec, namespace: string): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const { stdout } = await exec('ip', ['netns', 'pids', namespace]);
    const pids = stdout.split('\n').filter((line) => line !== '');
    if (pids.length === 0) return;
    await stopProcesses(
      pids.flatMap((pid) => {
        const startTime = processStartTime(Number(pid));
        return startTime === undefined ? [] : [{ role: namespace, pid: Number(pid), startTime, logFile: '' }];
      }),
    );
  }
}

/** @throws {LabStartError} when etcd has ended, or does not answer in time; with what it said last */
async function untilHealthy(etcd: LabProcess, url: string, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + ETCD_START_TIMEOUT_MS;
  for (;;) {
    stop.throwIfAborted();
    if (await isHealthy(url)) return;
    if (!isRunning(etcd)) throw new LabStartError(`etcd ended${lastWords(etcd.logFile)}`);
    if (performance.now() > deadline)
      throw new LabStartError(
        `etcd did not answer at ${url} in ${ETCD_START_TIMEOUT_MS} ms${lastWords(etcd.logFile)}`,
      );
    await delay(50);
  }
}

/** A timer of our own: nothing else keeps the process waiting for an answer that does not come. */
async function isHealthy(etcd: string): Promise<boolean> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), HEALTH_TIMEOUT_MS);
  try {
    return (await fetch(`${etcd}/health`, { signal: limit.signal })).ok;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
