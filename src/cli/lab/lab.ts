/**
 * `heddle lab`: a whole network of a folder of manifests on this machine, with real parts only.
 */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { DatastoreError } from '../../datastore/datastore.js';
import { exec } from '../../kernel/exec.js';
import { inNamespace } from '../../kernel/namespaces.js';
import { planProbes } from '../../lab/connectivity-probes.js';
import { removeLab } from '../../lab/lab.js';
import type { LabPlan } from '../../lab/lab-plan.js';
import { isRunning } from '../../lab/lab-processes.js';
import { type LabState, labFolder, readLabState } from '../../lab/lab-state.js';
import { Prober } from '../../lab/prober.js';
import { parseRelayEnd, startRelay } from '../../lab/relay.js';
import { headOf, runAfterPush } from '../../lab/repository.js';
import { runProbes } from '../../lab/run-probes.js';
import { resourcesOf } from '../../model/resource.js';
import { readClusterStatus } from '../../reconciler/status/cluster-status.js';
import { isReached, waitForCommit } from '../../reconciler/status/wait-for-commit.js';
import { runTests } from '../../verify/connectivity-test.js';
import { networkFrom } from '../../verify/network.js';
import { flag, type Verb, verb, verbGroup } from '../command.js';
import { type CliContext, pickColors } from '../context.js';
import { openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { formatMissing } from '../format-wait.js';
import { loadFolder } from '../load-folder.js';
import { createLog } from '../log.js';
import { requireRoot } from '../require-root.js';
import { formatProbes } from './format-probes.js';
import { labDemo } from './lab-demo.js';
import { untilSessionsAreUp } from './lab-ready.js';
import { labSync } from './lab-sync.js';
import { PROBE_PROGRAM } from './probe-program.js';
import { requirePrograms } from './require-programs.js';
import {
  inLab,
  type LabOptions,
  planOrExplain,
  requireLab,
  startOrExplain,
  tellOfCleaning,
  withName,
} from './running-lab.js';

const LIVE_TIMEOUT_MS = 60_000;

export const lab: Verb = (context) => {
  const group = verbGroup('lab', 'a whole network of a folder on this machine, in network namespaces');
  for (const make of [up, status, execIn, probe, labSync, down, labDemo, relay])
    group.addCommand(make(context), hidden(make));
  return group;
};

function hidden(make: Verb): { hidden: boolean } {
  return { hidden: make === relay };
}

const up: Verb = (context) =>
  withName(context, verb(context, 'up', 'build the network of a folder and keep it running'))
    .argument('[path]', 'folder of manifests', '.')
    .addOption(
      flag(context.environment, '--replace', 'take a running lab of this name down first').default(false),
    )
    .action(async (path: string, options: LabOptions & { readonly replace: boolean }) => {
      requireRoot('heddle lab makes network namespaces');
      await requirePrograms(context);
      const { state } = await loadFolder(context, path, options);
      const plan = planOrExplain(options.name, state.values());
      await refuseRunning(options);
      const running = await start(context, plan, resolve(path));
      context.out(
        options.output === 'json' ? `${JSON.stringify(running)}\n` : describe(running, options, context),
      );
    });

const status: Verb = (context) =>
  withName(context, verb(context, 'status', 'what runs in a lab')).action(async (options: LabOptions) => {
    const state = await requireLab(options.name);
    const rows = state.processes.map((process) => ({ ...process, running: isRunning(process) }));
    if (options.output === 'json') context.out(`${JSON.stringify({ ...state, processes: rows })}\n`);
    else {
      const colors = pickColors(options.color, context);
      for (const { role, pid, running, logFile } of rows) {
        const mark = running ? colors.green('running') : colors.red('ended  ');
        context.out(`${mark}  ${role.padEnd(20)} pid ${String(pid).padEnd(8)} ${colors.dim(logFile)}\n`);
      }
    }
    if (rows.some(({ running }) => !running)) context.exitWith(EXIT.unexpected);
  });

const execIn: Verb = (context) =>
  withName(context, verb(context, 'exec', 'run a program on a host, or inside a workload'))
    .argument('<where>', 'name of a Node, RouteReflector or WorkloadEndpoint, or `fabric`')
    .argument('<command...>', 'the program and its arguments, after --')
    .action(async (where: string, command: [string, ...string[]], options: LabOptions) => {
      const { plan } = await requireLab(options.name);
      const places = [...plan.hosts, ...plan.workloads, { name: 'fabric', namespace: plan.fabric.namespace }];
      const place = places.find(({ name }) => name === where);
      if (!place) {
        const names = places.map(({ name }) => name).join(', ');
        throw new CliError(
          EXIT.invalidInput,
          `there is no "${where}" in lab "${options.name}"`,
          `there are: ${names}`,
        );
      }
      const [program, ...args] = inNamespace(place.namespace, command);
      const child = spawn(program, args, { stdio: 'inherit' });
      child.on('error', (error) => context.err(`heddle: ${error.message}\n`));
      context.exitWith(
        await new Promise<number>((done) => child.on('close', (code) => done(code ?? EXIT.unexpected))),
      );
    });

const probe: Verb = (context) =>
  withName(context, verb(context, 'probe', 'send real packets for every ConnectivityTest'))
    .argument('[path]', 'folder of manifests; default: the commit that is live in the lab')
    .action(async (path: string | undefined, options: LabOptions) => {
      const running = await requireLab(options.name);
      const ref = path === undefined ? await liveCommit(running) : undefined;
      const { state } = await loadFolder(context, path ?? running.repository, {
        ...inLab(options),
        ref,
      });
      await using prober = new Prober(PROBE_PROGRAM);
      const tests = resourcesOf(state.values(), 'ConnectivityTest');
      const report = runTests(networkFrom(state.values()), tests);
      const summary = await runProbes(exec, prober, planProbes(state, running.plan), running.plan);
      const { passed, failed } = report;
      context.out(
        options.output === 'json'
          ? `${JSON.stringify({ ...summary, ...(ref && { commit: ref }), tests: { passed, failed } })}\n`
          : formatProbes(summary, report, pickColors(options.color, context), ref),
      );
      if (summary.mismatches > 0 || failed > 0) context.exitWith(EXIT.connectivity);
    });

/** What hosts have been given; undefined where etcd does not say: then what was pushed last is as good. */
async function liveCommit({ etcdOutside }: LabState): Promise<string | undefined> {
  await using opened = await openStore({ etcd: etcdOutside, etcdPrefix: '/calico' }, createLog('silent'));
  try {
    const { sources } = await readClusterStatus(opened.store, opened.layout);
    return sources[0]?.commit || undefined;
  } catch (error) {
    if (error instanceof DatastoreError) return undefined;
    throw error;
  }
}

const down: Verb = (context) =>
  withName(context, verb(context, 'down', 'end a lab, also one that a crash left behind')).action(
    async (options: LabOptions) => {
      requireRoot('heddle lab removes network namespaces');
      const { namespaces } = await removeLab(exec, options.name);
      context.out(
        options.output === 'json'
          ? `${JSON.stringify({ name: options.name, removed: namespaces })}\n`
          : `lab ${options.name}: ${namespaces.length} namespaces removed\n`,
      );
    },
  );

const relay: Verb = (context) =>
  verb(context, 'relay', 'forward connections between network namespaces')
    .argument('<listen>', '/path/of/socket or host:port')
    .argument('<connect>', '/path/of/socket or host:port')
    .action(async (listen: string, connect: string) => {
      await startRelay(parseRelayEnd(listen), parseRelayEnd(connect), context.signal);
      await new Promise<void>((done) => context.signal.addEventListener('abort', () => done()));
    });

/** A lab that runs may hold work that nobody has pushed anywhere else. */
async function refuseRunning({ name, replace }: LabOptions & { readonly replace: boolean }): Promise<void> {
  const state = await readLabState(name);
  if (replace || !state?.processes.some(isRunning)) return;
  const hint = `heddle lab down --name ${name}, or add --replace, or take another --name`;
  throw new CliError(EXIT.invalidInput, `lab "${name}" is running, and its work tree would be lost`, hint);
}

/**
 * Starts a lab and waits until its first commit is live. One that cannot be started is taken down again; one that is not
 * live on all hosts in time is left to be looked at.
 */
async function start(context: CliContext, plan: LabPlan, seed: string): Promise<LabState> {
  const { self, signal } = context;
  tellOfCleaning(context);
  try {
    const running = await startOrExplain({ plan, seed, exec, self, signal });
    await runAfterPush(running.repository, [...self, 'lab', 'sync', '--name', plan.name]);
    await using opened = await openStore(
      { etcd: running.etcdOutside, etcdPrefix: '/calico' },
      createLog('silent'),
    );
    const commit = await headOf(exec, running.workTree);
    const { store, layout } = opened;
    const live = await waitForCommit(store, layout, { commit, share: 1, timeoutMs: LIVE_TIMEOUT_MS, signal });
    await untilSessionsAreUp(opened, signal);
    signal.throwIfAborted();
    const logs = `the logs: ${labFolder(plan.name)}/logs`;
    if (!isReached(live, 1)) {
      context.err(`heddle: live on ${live.hosts}/${live.of} hosts only; ${logs}\n`);
      context.err(live.refused === undefined ? formatMissing(live) : `  ${live.refused}\n`);
      context.exitWith(EXIT.notConverged);
    }
    return running;
  } catch (error) {
    await removeLab(exec, plan.name);
    throw error;
  }
}

function describe(state: LabState, options: LabOptions, context: CliContext): string {
  const colors = pickColors(options.color, context);
  const { plan } = state;
  const name = options.name === 'lab' ? '' : ` --name ${options.name}`;
  const anyHost = plan.hosts[0]?.name ?? 'HOST';
  return [
    `lab ${colors.bold(plan.name)}: ${plan.hosts.length} hosts, ${plan.workloads.length} workloads`,
    '',
    `  push a change    cd ${state.workTree} && $EDITOR ... && git add -A && git commit -m change && git push origin HEAD:main`,
    `  who is live      heddle status --etcd ${state.etcdOutside}`,
    `  inside a host    heddle lab exec${name} ${anyHost} -- ip route`,
    `  real packets     heddle lab probe${name}`,
    `  end it           heddle lab down${name}`,
    '',
  ].join('\n');
}
