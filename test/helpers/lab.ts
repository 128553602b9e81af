/**
 * A lab of its own for one test file: real etcd, real git, real agents and reconcilers as separate processes.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { PROBE_PROGRAM } from '../../src/cli/lab/probe-program.js';
import { packageFolder } from '../../src/cli/package-folder.js';
import type { Datastore } from '../../src/datastore/datastore.js';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import { type Exec, exec } from '../../src/kernel/exec.js';
import { type CommandLine, inNamespace, runOrThrow } from '../../src/kernel/namespaces.js';
import { type LabOptions, removeLab, startLab } from '../../src/lab/lab.js';
import { type LabPlan, planLab } from '../../src/lab/lab-plan.js';
import { type LabState, labFolder } from '../../src/lab/lab-state.js';
import { ARRIVAL_TIMEOUT_MS, Prober } from '../../src/lab/prober.js';
import { commitAndPush } from '../../src/lab/repository.js';
import { createLayout } from '../../src/layout/create-layout.js';
import { loadManifests } from '../../src/loader/load.js';
import { openSource } from '../../src/loader/sources/index.js';
import { readClusterStatus } from '../../src/reconciler/status/cluster-status.js';
import { countLive, waitForCommit } from '../../src/reconciler/status/wait-for-commit.js';
import type { Namespace } from './netns.js';
import { PATIENCE, until } from './until.js';

const MAIN = fileURLToPath(new URL('dist/src/cli/main.js', packageFolder()));
export const HEDDLE: CommandLine = [execPath, MAIN];
const LIVE_TIMEOUT_MS = 60_000 * PATIENCE;
/** How long silence means that a packet was dropped. */
const PROBE_TIMEOUT_MS = 400 * PATIENCE;

let made = 0;

export class TestLab implements AsyncDisposable {
  readonly layout = createLayout();
  readonly exec: Exec = exec;

  private constructor(
    readonly options: LabOptions,
    readonly state: LabState,
    readonly store: Datastore,
    readonly prober: Prober,
  ) {}

  /**
   * Starts the network of a folder of examples/manifests, or of any folder. Without its ConnectivityTests: what a test pushes next would not pass them, and would not be applied.
   */
  static async start(
    folder: string,
    flags: Pick<LabOptions, 'agentFlags' | 'reconcileFlags'> = {},
  ): Promise<TestLab> {
    made += 1;
    const plan = await planOf(`t${process.pid}-${made}`, folder);
    const { signal } = new AbortController();
    const seed = await mkdtemp(join(tmpdir(), 'heddle-test-'));
    await cp(folder, seed, { recursive: true, filter: (path) => basename(path) !== 'tests' });
    const options: LabOptions = { plan, seed, exec, self: HEDDLE, signal, ...flags };
    const state = await startLab(options);
    await rm(seed, { recursive: true, force: true });
    const store = openEtcdDatastore({ endpoints: [state.etcdOutside] });
    return new TestLab(options, state, store, new Prober(PROBE_PROGRAM));
  }

  get plan(): LabPlan {
    return this.state.plan;
  }

  /** Commits and pushes what the test did to the work tree. */
  push(message: string): Promise<string> {
    return commitAndPush(exec, this.state.workTree, message);
  }

  /** @throws when the commit is not live on every host in time */
  async live(commit: string): Promise<void> {
    const signal = new AbortController().signal;
    const live = await waitForCommit(this.store, this.layout, {
      commit,
      share: 1,
      timeoutMs: LIVE_TIMEOUT_MS,
      signal,
    });
    if (live.hosts < live.of || live.of === 0) {
      const status = await this.heddle(['status', '--etcd', this.state.etcdOutside]);
      throw new Error(`commit ${commit} is live on ${live.hosts}/${live.of} hosts only\n${status.stdout}`);
    }
  }

  /** Waits until every node has a route to every workload: BGP takes its time, and `live` does not ask it. */
  async routed(): Promise<void> {
    const addresses = this.plan.workloads.flatMap((workload) => workload.addresses);
    for (const { name } of this.plan.hosts.filter(({ kind }) => kind === 'Node')) {
      const missing = async () => {
        const routes = (await this.on(name, ['ip', 'route'])) + (await this.on(name, ['ip', '-6', 'route']));
        const known = new Set(routes.split('\n').map((line) => line.split(' ')[0]));
        return addresses.filter((address) => !known.has(address));
      };
      await until(async () => (await missing()).length === 0, {
        what: `routes on ${name}`,
        timeoutMs: 60_000,
      });
    }
  }

  /** What the sources and the hosts say. */
  status() {
    return readClusterStatus(this.store, this.layout, { sessions: true });
  }

  countLive(commit: string) {
    return countLive(this.store, this.layout, commit);
  }

  /** The commit that was pushed last. */
  async head(): Promise<string> {
    const { stdout } = await runOrThrow(exec, ['git', '-C', this.state.workTree, 'rev-parse', 'HEAD']);
    return stdout.trim();
  }

  heddle(args: readonly string[]) {
    const [program, ...first] = HEDDLE;
    return exec(program, [...first, ...args], { timeoutMs: 120_000 * PATIENCE });
  }

  /** What `lab probe` says of the ConnectivityTests of an example, which this lab may have been started without. */
  async probed(story: string): Promise<string> {
    const { stdout, stderr } = await this.heddle([
      'lab',
      'probe',
      exampleFolder(story),
      '--name',
      this.plan.name,
    ]);
    return stdout + stderr;
  }

  /** Runs a program on a host or in a workload; what it printed. */
  async on(place: string, commandLine: CommandLine): Promise<string> {
    return (await runOrThrow(exec, inNamespace(this.namespaceOf(place), commandLine))).stdout;
  }

  /** Where programs run on a host or in a workload; a non-zero exit is a result. */
  at(place: string): Pick<Namespace, 'exec'> {
    return {
      exec: (command, args, options) => {
        const [enter, ...rest] = inNamespace(this.namespaceOf(place), [command, ...args]);
        return exec(enter, rest, options);
      },
    };
  }

  /** What an agent answers over HTTP at the port that a lab gives it, asked on its host. */
  async ask(
    host: string,
    path: '/readiness' | '/liveness' | '/metrics',
  ): Promise<{ readonly status: number; readonly body: string }> {
    const script = `fetch('http://127.0.0.1:9091${path}')
      .then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.text() })))`;
    return JSON.parse(await this.on(host, [execPath, '-e', script]));
  }

  /** As `reaches`, for what is to arrive: a busy machine is given its time. */
  arrives(from: string, to: string, protocol: 'icmp' | 'tcp', family: 4 | 6 = 4): Promise<boolean> {
    return this.reaches(from, to, protocol, family, ARRIVAL_TIMEOUT_MS * PATIENCE);
  }

  /** Whether a packet arrives soon: for what is not to. */
  async reaches(
    from: string,
    to: string,
    protocol: 'icmp' | 'tcp',
    family: 4 | 6 = 4,
    timeoutMs = PROBE_TIMEOUT_MS,
  ): Promise<boolean> {
    const target = this.plan.workloads.find(({ name }) => name === to);
    const address = target?.addresses.find((one) => one.includes(':') === (family === 6));
    if (!target || address === undefined) throw new Error(`There is no workload ${to} with IPv${family}`);
    if (protocol === 'tcp') await this.prober.listen(target.namespace, 'tcp', 80);
    const probe = { from: this.namespaceOf(from), to: address, protocol, port: 80 };
    return (await this.prober.probe(probe, timeoutMs)) === 'allow';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.prober[Symbol.asyncDispose]();
    await this.store.close();
    await removeLab(exec, this.plan.name);
  }

  /** Where the agent of a host keeps its files, those of BIRD among them. */
  stateDirOf(host: string): string {
    return join(labFolder(this.plan.name), 'hosts', host);
  }

  namespaceOf(place: string): string {
    const places = [
      ...this.plan.hosts,
      ...this.plan.workloads,
      { name: 'fabric', namespace: this.plan.fabric.namespace },
    ];
    const found = places.find(({ name }) => name === place);
    if (!found) throw new Error(`There is no ${place} in the lab`);
    return found.namespace;
  }
}

export function exampleFolder(story: string): string {
  return fileURLToPath(new URL(`examples/manifests/${story}`, packageFolder()));
}

async function planOf(name: string, folder: string): Promise<LabPlan> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'heddle-test-'));
  try {
    const tree = await openSource({ repo: folder, cacheDir }).read(new AbortController().signal);
    return planLab(name, loadManifests(tree.files).state.values());
  } finally {
    await rm(cacheDir, { recursive: true, force: true });
  }
}
