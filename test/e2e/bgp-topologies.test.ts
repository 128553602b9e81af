/** The examples of BGP topologies as whole labs: every workload reaches every other one, whoever peers with whom. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { signal } from '../../src/lab/lab-processes.js';
import type { HostReport } from '../../src/reconciler/status/cluster-status.js';
import { flood } from '../helpers/flood.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { pidIn } from '../helpers/pid-file.js';
import { until } from '../helpers/until.js';

const STORIES = [
  'mesh-of-systems',
  'peers',
  'global-peer',
  'reflecting-nodes',
  'one-reflector',
  'two-reflectors',
  'two-clusters',
];

async function startStory(story: string): Promise<TestLab> {
  const lab = await TestLab.start(exampleFolder(story));
  await lab.live(await lab.head());
  return lab;
}

/** Waits until every host has a route to every workload, in both families. */
async function untilRouted(lab: TestLab): Promise<void> {
  const wanted = lab.plan.workloads.flatMap(({ addresses }) => addresses);
  for (const { name, kind } of lab.plan.hosts) {
    if (kind === 'RouteReflector') continue;
    const missing = async () => {
      const routes = (await lab.on(name, ['ip', 'route'])) + (await lab.on(name, ['ip', '-6', 'route']));
      return wanted.filter((address) => !routes.includes(`${address} `));
    };
    await until(async () => (await missing()).length === 0, { what: `all routes of ${name}` });
  }
}

/** Which of 150 packets, 20 ms apart, are lost in each family while `during` runs. */
async function lostWhile(lab: TestLab, from: string, to: string, during: () => Promise<void>) {
  const targets = lab.plan.workloads.find(({ name }) => name === to)?.addresses ?? [];
  const floods = targets.map((target) => flood(lab.at(from), target, { count: 150, everyMs: 20 }));
  await during();
  return Promise.all(floods);
}

/** Packets go from host to host: what a reflector hears is not in its kernel. */
async function assertControlPlaneOnly(t: ExecutionContext, lab: TestLab): Promise<void> {
  for (const { name } of lab.plan.hosts.filter(({ kind }) => kind === 'RouteReflector'))
    for (const family of ['-4', '-6'])
      t.is(await lab.on(name, ['ip', family, 'route', 'show', 'proto', 'bird']), '', name);
}

for (const story of STORIES) {
  test.serial(`${story}: every workload reaches every other one, in both families`, async (t) => {
    await using lab = await startStory(story);
    await untilRouted(lab);
    for (const family of [4, 6] as const) {
      for (const { name: from } of lab.plan.workloads) {
        for (const { name: to } of lab.plan.workloads)
          if (from !== to)
            t.true(await lab.arrives(from, to, 'tcp', family), `${from} -> ${to} IPv${family}`);
      }
    }
    await assertControlPlaneOnly(t, lab);
    t.regex(await lab.probed(story), /[1-9]\d* probes, 0 mismatches/);
    if (story === 'two-reflectors')
      t.deepEqual(await lostWhile(lab, 'web-1', 'web-3', () => kill(lab, 'rr-1')), [[], []]);
  });
}

/** The agent and its BIRD, as when the power goes. */
async function kill(lab: TestLab, host: string): Promise<void> {
  const bird = await pidIn(join(lab.stateDirOf(host), 'bird/bird.pid'));
  for (const agent of lab.state.processes.filter(({ role }) => role === `agent ${host}`))
    signal(agent, 'SIGKILL');
  process.kill(bird, 'SIGKILL');
}

test.serial(
  'status --bgp shows every session of every host, status alone only how many are up',
  async (t) => {
    await using lab = await startStory('one-reflector');
    await untilRouted(lab);
    const status = async (...more: string[]) =>
      (await lab.heddle(['status', '--etcd', lab.state.etcdOutside, ...more])).stdout;
    // Each host writes its own, at most once a second.
    const counted = async () => {
      const { hosts } = JSON.parse(await status('--bgp', '--output', 'json'));
      return hosts.map(({ node, sessions = [] }: HostReport) => [node, sessions.length]);
    };
    const all = { 'host-1': 2, 'host-2': 2, 'host-3': 2, 'rr-1': 6 };
    await until(async () => isDeepStrictEqual(await counted(), Object.entries(all)), {
      what: 'all sessions',
    });
    await until(async () => /^rr-1 .* 6\/6 /m.test(await status()), { what: 'the status of rr-1' });
    for (const line of [
      /^rr-1 +Node_10_99_0_1 +host-1 +Established +\S+ +\d+ +\d+/m,
      /^host-3 +Node_fd99__101 +rr-1 +Established/m,
    ])
      await until(async () => line.test(await status('--bgp')), { what: `${line} in status --bgp` });
    t.notRegex(await status('--output', 'json'), /"sessions"/);
  },
);
