/**
 * BGP on running agents, from what others write into etcd: blocks of addresses, values that BIRD would refuse; and a
 * BIRD that refuses, sessions that go down. One lab of three hosts goes through all of it.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execPath } from 'node:process';
import test from 'ava';
import type { SessionRecord } from '../../src/layout/records.js';
import type { HostReport } from '../../src/reconciler/status/cluster-status.js';
import { LIST_BGP_CONNECTIONS, namesOfConnections } from '../helpers/bgp-connections.js';
import { exampleFolder, TestLab } from '../helpers/lab.js';
import { until } from '../helpers/until.js';

/** Of host-1, with both of its workloads in each. */
const BLOCKS = [
  { family: 'ipv4', cidr: '192.168.1.0/26', workload: '192.168.1.10', via: 'via 10.99.0.1 ' },
  {
    family: 'ipv6',
    cidr: 'fd80:24e2:f998:72d6::1:0/122',
    workload: 'fd80:24e2:f998:72d6::1:10',
    via: 'via fd99::1 ',
  },
] as const;

let lab: TestLab;
/** Holds a `bird` that refuses every configuration while there is a file `refuse`. */
let programs: string;

test.before('three hosts that are live', async () => {
  programs = await mkdtemp(join(tmpdir(), 'heddle-bird-'));
  const bird = join(programs, 'bird');
  await writeFile(
    bird,
    `#!/bin/sh
if [ "$1" = -p ] && [ -e ${programs}/refuse ]; then echo "bird: $3:1:1 refused by the test" >&2; exit 1; fi
PATH="\${PATH#${programs}:}" exec bird "$@"
`,
  );
  await chmod(bird, 0o755);
  process.env.PATH = `${programs}${delimiter}${process.env.PATH}`;
  lab = await TestLab.start(exampleFolder('three-hosts'));
  await lab.live(await lab.head());
  await lab.routed();
});

test.after.always('nothing is left', async () => {
  await lab?.[Symbol.asyncDispose]();
  if (programs) await rm(programs, { recursive: true });
});

async function etcdctl(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await lab.exec('etcdctl', [`--endpoints=${lab.state.etcdOutside}`, ...args], {
    env: { ETCDCTL_API: '3' },
  });
  if (code !== 0) throw new Error(stderr);
}

const claimKey = (host: string, { family, cidr }: { family: string; cidr: string }): string =>
  `/calico/ipam/v2/host/${host}/${family}/block/${cidr.replace('/', '-')}`;
const route = async (host: string, destination: string): Promise<string> =>
  (await lab.on(host, ['ip', destination.includes(':') ? '-6' : '-4', 'route', 'show', destination])).trim();
const gone = (host: string, destination: string): Promise<boolean> =>
  until(async () => (await route(host, destination)) === '', {
    what: `the end of ${destination} on ${host}`,
  });

/** Waits until a host says this of itself. */
async function untilHost(node: string, says: (report: HostReport) => boolean): Promise<HostReport> {
  let last: HostReport | undefined;
  return until(
    async () => {
      last = (await lab.status()).hosts.find((host) => host.node === node);
      return last && says(last) ? last : undefined;
    },
    { timeoutMs: 20_000, what: `the right status of ${node}` },
  ).catch((error: Error) => {
    throw new Error(`${error.message}; it says ${JSON.stringify(last)}`);
  });
}

/** The kernel's own names of a host's BGP connections: one that is made anew has another. */
async function connections(host: string): Promise<readonly string[]> {
  return namesOfConnections(await lab.on(host, LIST_BGP_CONNECTIONS));
}

/** The sessions of a host that are up, as its BIRD says. */
async function established(host: string): Promise<readonly string[]> {
  const socket = join(lab.stateDirOf(host), 'bird/bird.ctl');
  const said = await lab.on(host, ['birdc', '-s', socket, 'show', 'protocols', '"Mesh_*"']);
  return said.split('\n').filter((line) => /^Mesh_.*Established/.test(line));
}

test.serial('a block that somebody writes into etcd is routed as a whole on the other hosts', async (t) => {
  t.is((await established('host-2')).length, 4);
  const before = await connections('host-2');
  t.is(before.length, 4);
  // In two of the historic spellings, and with the block itself beside the claim.
  await etcdctl('put', claimKey('host-1', BLOCKS[0]), '');
  await etcdctl('put', claimKey('host-1', BLOCKS[1]), '{"state":"confirmed","deleted":false}');
  await etcdctl(
    'put',
    '/calico/ipam/v2/assignment/ipv4/block/192.168.1.0-26',
    '{"cidr":"192.168.1.0/26","affinity":"host:host-1","strictAffinity":false,"allocations":[null],"unallocated":[0],"attributes":[]}',
  );
  for (const { cidr, workload, via } of BLOCKS) {
    for (const host of ['host-2', 'host-3']) {
      await until(async () => (await route(host, cidr)).includes(via), { what: `${cidr} on ${host}` });
      await gone(host, workload);
    }
    t.regex(await route('host-1', cidr), /^blackhole .*proto bird/);
  }
  for (const family of [4, 6] as const)
    t.true(await lab.arrives('web-2', 'web-1', 'tcp', family), `web-2 -> web-1 over IPv${family}`);
  t.deepEqual(await connections('host-2'), before, 'no session was touched');
});

test.serial(
  'what others write of blocks is in no plan, and render shows what the host was given',
  async (t) => {
    const etcd = ['--etcd', lab.state.etcdOutside];
    const plan = await lab.heddle([
      ...['reconcile', '--dry-run', '--detailed-exitcode', '--output', 'json'],
      ...['--repo', lab.state.workTree, ...etcd],
    ]);
    t.is(plan.code, 0, plan.stdout + plan.stderr);
    t.deepEqual(JSON.parse(plan.stdout).changes, []);
    const rendered = await lab.heddle(['render', 'bird', '--node', 'host-1', ...etcd]);
    for (const { cidr } of BLOCKS) t.regex(rendered.stdout, new RegExp(`^  route ${cidr} blackhole;$`, 'm'));
    const other = await lab.heddle(['render', 'bird', '--node', 'host-2', ...etcd]);
    t.notRegex(other.stdout, /blackhole/);
  },
);

test.serial('a block that is to be deleted gives way to its addresses, and goes with its key', async (t) => {
  for (const block of BLOCKS)
    await etcdctl('put', claimKey('host-1', block), '{"state":"pendingDeletion","deleted":false}');
  for (const { cidr, workload, via } of BLOCKS) {
    await until(async () => (await route('host-2', workload)).includes(via), { what: workload });
    await gone('host-2', cidr);
    t.regex(await route('host-1', cidr), /^blackhole/);
  }
  await etcdctl('del', '--prefix', '/calico/ipam/v2/');
  for (const { cidr } of BLOCKS) await gone('host-1', cidr);
});

test.serial('a value that BIRD would refuse degrades the host by name, and BGP goes on', async (t) => {
  const before = await connections('host-2');
  const key = '/calico/heddle/v1/resources/bgpfilters/bad';
  await etcdctl(
    'put',
    key,
    '{"spec":{"importV4":[{"action":"Accept","communities":{"values":["99999:1"]}}]}}',
  );
  const { error = '', bgp } = await untilHost('host-2', ({ state }) => state === 'degraded');
  t.regex(error, /bgpfilters\/bad: .*expected a BGP community.* found "99999:1"/);
  t.deepEqual(bgp, { configured: 4, established: 4 });
  // What comes after it is loaded all the same.
  await etcdctl('put', claimKey('host-1', BLOCKS[0]), '{}');
  await until(async () => (await route('host-2', BLOCKS[0].cidr)).includes(BLOCKS[0].via), {
    what: 'the block',
  });
  t.deepEqual(await connections('host-2'), before);
  await etcdctl('del', key);
  await untilHost('host-2', ({ state }) => state === 'live');
});

test.serial('a configuration that BIRD refuses leaves the old one, and the status says why', async (t) => {
  const before = await connections('host-2');
  await writeFile(join(programs, 'refuse'), '');
  const block = { family: 'ipv4', cidr: '192.168.2.0/26' };
  await etcdctl('put', claimKey('host-2', block), '');
  const { error = '' } = await untilHost('host-2', ({ state }) => state === 'failed');
  t.regex(error, /does not pass bird -p, the old one stays: .*refused by the test/);
  t.deepEqual(await connections('host-2'), before);
  t.is(await route('host-2', block.cidr), '');
  t.true(await lab.arrives('web-1', 'web-2', 'tcp'));
  await rm(join(programs, 'refuse'));
  await untilHost('host-2', ({ state }) => state === 'live');
  t.regex(await route('host-2', block.cidr), /^blackhole/);
  t.deepEqual(await connections('host-2'), before);
});

/** What the agent of a host answers over HTTP, asked on its host. */
async function ask(host: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const script = `fetch('http://127.0.0.1:9091${path}')
    .then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.text() })))`;
  return JSON.parse(await lab.on(host, [execPath, '-e', script]));
}

test.serial('sessions that go down are seen in status --bgp, in the health and in the metrics', async (t) => {
  t.is((await ask('host-1', '/readiness')).status, 200);
  const agent = lab.state.processes.find(({ role }) => role === 'agent host-3');
  if (!agent) throw new Error('host-3 has no agent');
  process.kill(agent.pid, 'SIGKILL');
  await lab.on('host-3', ['birdc', '-s', join(lab.stateDirOf('host-3'), 'bird/bird.ctl'), 'down']);
  const down = ({ sessions = [] }: HostReport): SessionRecord[] =>
    sessions.filter(({ peer, state }) => peer === 'host-3' && state !== 'Established');
  const report = await untilHost('host-1', (host) => down(host).length === 2 && host.bgp.established === 2);
  for (const { lastError = '' } of down(report))
    t.regex(lastError, /Administrative shutdown|Connection refused/);
  const { stdout } = await lab.heddle(['status', '--bgp', '--etcd', lab.state.etcdOutside]);
  t.regex(stdout, /^host-1 +Mesh_10_99_0_3 +host-3 +\w+ .*(shutdown|refused)/m);
  t.regex(stdout, /^host-1 +Mesh_10_99_0_2 +host-2 +Established/m);
  const { status, body } = await ask('host-1', '/readiness');
  t.is(status, 503);
  t.regex(body, /"code":"bgp-session-down","message":"Mesh_10_99_0_3 \(host-3\) is /);
  const metrics = (await ask('host-1', '/metrics')).body;
  const labels = (peer: string, number: number) =>
    `session="Mesh_10_99_0_${number}",peer="${peer}",family="4"`;
  t.true(metrics.includes(`heddle_bgp_session_established{${labels('host-3', 3)}} 0`));
  t.true(metrics.includes(`heddle_bgp_session_established{${labels('host-2', 2)}} 1`));
  t.regex(metrics, new RegExp(`heddle_bgp_session_routes\\{${labels('host-2', 2)},direction="out"\\} [1-9]`));
});
