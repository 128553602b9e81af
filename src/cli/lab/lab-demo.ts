/**
 * `heddle lab demo`: the life of a network's documents, told with real commits, real routes and real packets.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec } from '../../kernel/exec.js';
import { CHAPTERS, type Chapter, DEMO_PORT, type Files } from '../../lab/demo-story.js';
import { removeLab } from '../../lab/lab.js';
import { type LabPlan, planLab } from '../../lab/lab-plan.js';
import { isRunning } from '../../lab/lab-processes.js';
import { type LabState, readLabState, writeLabState } from '../../lab/lab-state.js';
import { formatMatrix, probeMatrix } from '../../lab/probe-matrix.js';
import { Prober } from '../../lab/prober.js';
import { commit, push } from '../../lab/repository.js';
import { waitForCommit } from '../../reconciler/status/wait-for-commit.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { type CliContext, type Colors, pickColors } from '../context.js';
import { type OpenStore, openStore } from '../etcd-options.js';
import { CliError, EXIT } from '../exit-codes.js';
import { loadFolder } from '../load-folder.js';
import { createLog } from '../log.js';
import { packageFolder } from '../package-folder.js';
import { requireRoot } from '../require-root.js';
import { showKeys, showNeighbor, showNoRoutes, showRoutes, showSessions } from './demo-views.js';
import { labName } from './lab-name.js';
import { untilRouted, untilSessionsAreUp } from './lab-ready.js';
import { PROBE_PROGRAM } from './probe-program.js';
import { requirePrograms } from './require-programs.js';
import { startOrExplain, tellOfCleaning } from './running-lab.js';

interface DemoOptions extends CommonOptions {
  readonly keep: boolean;
  readonly name: string;
}

interface Stage {
  readonly context: CliContext;
  readonly colors: Colors;
  readonly lab: LabState;
  readonly prober: Prober;
  readonly opened: OpenStore;
}

const EXAMPLE = 'examples/manifests/three-hosts/';
const LIVE_TIMEOUT_MS = 30_000;

export const labDemo: Verb = (context) =>
  verb(context, 'demo', 'the life of a network, from an empty store to a removed endpoint')
    .addOption(flag(context.environment, '--keep', 'leave the network up at the end').default(false))
    .addOption(labName(context, 'demo'))
    .action(async (options: DemoOptions) => {
      requireRoot('the demo makes network namespaces');
      await requirePrograms(context);
      await refuseKept(options.name);
      let done = false;
      tellOfCleaning(context);
      try {
        await tell(context, options);
        done = true;
      } finally {
        if (!done || !options.keep) await removeLab(exec, options.name);
      }
    });

/** What was left up to look around in may hold somebody's work; what a crash left behind does not. */
async function refuseKept(name: string): Promise<void> {
  const earlier = await readLabState(name);
  if (!earlier?.kept || !earlier.processes.some(isRunning)) return;
  throw new CliError(
    EXIT.invalidInput,
    `the demo "${name}" is up, because it was kept`,
    `heddle lab down --name ${name} ends it, work tree and all`,
  );
}

async function tell(context: CliContext, options: DemoOptions): Promise<void> {
  const colors = pickColors(options.color, context);
  const folder = fileURLToPath(new URL(EXAMPLE, packageFolder()));
  const { state } = await loadFolder(context, folder, options);
  const example = await readFiles(folder);
  const plan = planLab(options.name, state.values());

  context.out(`${colors.bold('heddle demo')}  ${describePlan(plan)}\n`);
  const started = performance.now();
  // The lab starts with hosts, daemons and a README: the story begins from nothing.
  const { self, signal } = context;
  const seedOnly = (path: string) => path === 'README.md';
  const lab = await startOrExplain({ plan, seed: folder, seedOnly, exec, self, signal });
  context.out(
    colors.dim(`  up in ${seconds(started)} s: etcd, a git repository, and on each host a reconcile loop,\n`),
  );
  context.out(
    colors.dim('  an agent and BIRD, each a process of its own in a network namespace of its own;\n'),
  );
  context.out(colors.dim('  the first commit of the repository holds a README and nothing else\n'));

  await using prober = new Prober(PROBE_PROGRAM);
  await using opened = await openStore({ etcd: lab.etcdOutside, etcdPrefix: '/calico' }, createLog('error'));
  const stage: Stage = { context, colors, lab, prober, opened };
  let files = example;
  let mismatches = 0;
  for (const [index, chapter] of CHAPTERS.entries()) {
    files = chapter.edit(files, example);
    mismatches += await play(stage, chapter, index, files);
    await showAfter(stage, index, chapter);
  }
  context.out(`\n${colors.bold('The end')}: ${CHAPTERS.length} commits in ${seconds(started)} s. `);
  if (mismatches > 0) {
    context.out('\n');
    throw new CliError(EXIT.connectivity, `${mismatches} probes went otherwise than the story says`);
  }
  if (options.keep) await writeLabState({ ...lab, kept: true });
  context.out(`Every probe went as the story says.\n${options.keep ? lookAround(lab) : ''}`);
}

async function play(stage: Stage, chapter: Chapter, index: number, files: Files): Promise<number> {
  const { context, colors, lab, opened } = stage;
  context.signal.throwIfAborted();
  context.out(
    `\n${colors.bold(`${index + 1}/${CHAPTERS.length}  ${chapter.title}`)}\n     ${chapter.story}\n\n`,
  );
  await writeFiles(lab.workTree, files);
  const id = await commit(exec, lab.workTree, chapter.title);

  context.out(`  ${colors.cyan('$ heddle reconcile --dry-run')}\n`);
  context.out(indent(await dryRun(stage)));
  context.out(`  ${colors.cyan('$ git push')}\n`);
  await push(exec, lab.workTree);
  const pushed = performance.now();
  const live = await waitForCommit(opened.store, opened.layout, {
    commit: id,
    share: 1,
    timeoutMs: LIVE_TIMEOUT_MS,
    signal: context.signal,
  });
  const took = Math.round(performance.now() - pushed);
  const verdict = `commit ${id.slice(0, 7)} live on ${live.hosts}/${live.of} hosts in ${took} ms`;
  if (live.hosts < live.of)
    throw new CliError(EXIT.notConverged, verdict, `look at the logs: heddle lab status`);
  context.out(`  ${colors.green(verdict)}\n`);
  await untilLearned(stage, chapter, index);
  context.out('\n');
  return probeAll(stage, chapter);
}

/** What a host knows of the others comes by BGP, a moment after the commit is live. */
async function untilLearned(stage: Stage, { gone = [] }: Chapter, index: number): Promise<void> {
  const { context, colors, lab, opened } = stage;
  const { signal } = context;
  const started = performance.now();
  const addressesOf = (wanted: (name: string) => boolean) =>
    lab.plan.workloads.filter(({ name }) => wanted(name)).flatMap(({ addresses }) => addresses);
  const isThere = await untilRouted(
    lab.plan,
    addressesOf((name) => !gone.includes(name)),
    'to all',
    signal,
  );
  const isGone = await untilRouted(
    lab.plan,
    addressesOf((name) => gone.includes(name)),
    'to none',
    signal,
  );
  if (!isThere || !isGone)
    throw new CliError(
      EXIT.notConverged,
      'the hosts have not learned the routes in time',
      `heddle lab status`,
    );
  if (index > 0) return;
  const { established, configured } = await untilSessionsAreUp(opened, signal);
  const took = `${established} of ${configured} BGP sessions up, all routes on all hosts, ${seconds(started)} s later`;
  context.out(`  ${colors.green(took)}\n`);
}

async function dryRun({ context, colors, lab }: Stage): Promise<string> {
  const [program, ...args] = context.self;
  const color = colors.isColorSupported ? 'always' : 'never';
  const flags = [
    '--dry-run',
    '--repo',
    lab.workTree,
    '--ref',
    'main',
    '--etcd',
    lab.etcdOutside,
    '--color',
    color,
  ];
  const result = await exec(program, [...args, 'reconcile', ...flags, '--log-level', 'error']);
  if (result.code !== 0)
    throw new CliError(EXIT.unexpected, `the dry run ended with ${result.code}: ${result.stderr}`);
  return result.stdout;
}

async function probeAll({ context, colors, lab, prober }: Stage, chapter: Chapter): Promise<number> {
  const { workloads } = lab.plan;
  const probes = await probeMatrix(prober, { workloads, port: DEMO_PORT, expect: chapter.allowed });
  const style = { arrives: colors.green, dropped: colors.dim, wrong: colors.red, heading: colors.bold };
  const names = workloads.map(({ name }) => name);
  context.out(indent(`${formatMatrix(probes, names, style).join('\n')}\n`));
  const wrong = probes.filter(({ expected, got }) => expected !== got);
  const arrived = probes.filter(({ got }) => got).length;
  const legend = `${arrived} of ${probes.length} probes arrived (● yes, · no): ping IPv4, ping IPv6, TCP IPv4, TCP IPv6`;
  context.out(
    `  ${colors.dim(legend)}${wrong.length === 0 ? '' : colors.red(`; ${wrong.length} not as told`)}\n`,
  );
  return wrong.length;
}

async function showAfter(stage: Stage, chapter: number, { gone = [] }: Chapter): Promise<void> {
  const { context, colors, lab, opened } = stage;
  const print = (title: string, text: string) =>
    context.out(`\n  ${colors.cyan(title)}\n${indent(text.endsWith('\n') ? text : `${text}\n`)}`);
  if (chapter === 0) {
    await showRoutes(lab, 'host-1', print);
    await showKeys(opened, 'WorkloadEndpoint', 'web-1', print);
  }
  if (chapter === 2) {
    await showKeys(opened, 'Profile', 'web', print);
    await showNeighbor(lab, 'web-1', print);
    await showSessions(lab, 'host-1', print);
  }
  for (const name of gone) await showNoRoutes(lab, name, print);
}

async function readFiles(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')] as const),
    ),
  );
}

/** Makes a work tree hold just these files. */
async function writeFiles(workTree: string, files: Files): Promise<void> {
  for (const entry of await readdir(workTree)) {
    if (entry !== '.git') await rm(join(workTree, entry), { recursive: true });
  }
  for (const [path, text] of files) {
    await mkdir(dirname(join(workTree, path)), { recursive: true });
    await writeFile(join(workTree, path), text);
  }
}

function describePlan(plan: LabPlan): string {
  return `${plan.hosts.length} hosts, ${plan.workloads.length} workloads, IPv4 and IPv6, BGP full mesh`;
}

function lookAround(lab: LabState): string {
  const name = lab.plan.name;
  return [
    '',
    '  npm link                  # once, for heddle on the path',
    `  heddle status --etcd ${lab.etcdOutside}`,
    `  heddle lab exec --name ${name} host-1 -- iptables-nft-save -t filter`,
    `  heddle lab exec --name ${name} web-1 -- ping -c1 192.168.2.10`,
    `  cd ${lab.workTree} && $EDITOR ... && git add -A && git commit -m change && git push origin HEAD:main`,
    `  heddle lab down --name ${name}`,
    '',
  ].join('\n');
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '    ');
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
