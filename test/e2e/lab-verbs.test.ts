/** `heddle lab up|status|exec|probe|down`, on a story of policies, and on the repository that `heddle init` makes. */
import { chmod, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { exec } from '../../src/kernel/exec.js';
import type { LabState } from '../../src/lab/lab-state.js';
import { commitAndPush } from '../../src/lab/repository.js';
import type { ProbeSummary } from '../../src/lab/run-probes.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';
import { LabTraces } from '../helpers/lab-traces.js';
import { until } from '../helpers/until.js';

const test = anyTest.serial as TestFn;
const NAME = `v${process.pid}`;
const STORY = exampleFolder('three-tiers');
const lab = (verb: string, ...args: string[]) => heddle(['lab', verb, '--name', NAME, ...args]);
const traces = new LabTraces(NAME);
let state: LabState;

test.before('lab up builds the network of a folder, and says what runs as JSON', async () => {
  const { code, stdout, stderr } = await lab('up', STORY, '--output', 'json');
  if (code !== 0) throw new Error(stderr);
  state = JSON.parse(stdout);
});
test.after.always('lab down', () => lab('down'));

test('lab up refuses to take the place of a lab that runs', async (t) => {
  const { code, stderr } = await lab('up', STORY);
  t.is(code, 3);
  t.regex(stderr, /is running.*\n.*lab down.*--replace/);
});

test('lab probe sends real packets for every test of the story, and none goes otherwise than predicted', async (t) => {
  const { code, stdout, stderr } = await lab('probe', '--output', 'json');
  t.is(code, 0, stderr);
  const { probes, skipped, mismatches, tests } = JSON.parse(stdout);
  t.is(mismatches, 0);
  t.deepEqual(tests, { passed: 11, failed: 0 });
  for (const probe of probes) {
    const { src, dst, protocol, port, expected, got, ok } = probe;
    t.true([src, dst, expected, got].every((one) => typeof one === 'string') && ok === true);
    t.is(typeof port, protocol === 'icmp' ? 'undefined' : 'number');
  }
  t.is(new Set(probes.map((one: { test: string }) => one.test)).size, 11);
  const of = (name: string) => probes.filter((one: { test: string }) => one.test === name);
  t.true(of('scanners-reach-nobody').every(({ src }: { src: string }) => src.startsWith('203.0.113.')));
  t.deepEqual([...new Set(of('customers-reach-web').map(({ got }: { got: string }) => got))], ['allow']);
  t.true(of('web-never-asks-db').some(({ protocol }: { protocol: string }) => protocol === 'udp'));
  t.true(skipped.every(({ what, reason }: { what: string; reason: string }) => what !== '' && reason !== ''));
});

test('lab probe of manifests that are not what the lab runs finds each packet that differs, and exits 4', async (t) => {
  await using folder = await folderOf({});
  await cp(STORY, folder.path, { recursive: true });
  const policy = join(folder.path, 'policy/shop.yaml');
  await writeFile(policy, (await readFile(policy, 'utf8')).replaceAll('8080', '8081'));
  const tests = join(folder.path, 'tests/shop.yaml');
  await writeFile(tests, (await readFile(tests, 'utf8')).replace('8080', '"8080:8081"').replace(/TCP/, '6'));
  const { code, stdout } = await lab('probe', folder.path, '--output', 'json');
  t.is(code, 4);
  const { probes, mismatches }: ProbeSummary = JSON.parse(stdout);
  const wrong = probes.filter(({ ok }) => !ok);
  t.is(wrong.length, mismatches);
  t.deepEqual(
    new Set(wrong.map(({ test, port, expected, got }) => `${test} ${port} ${expected} ${got}`)),
    new Set(['web-asks-api 8080 deny allow', 'web-asks-api 8081 allow deny']),
  );
  t.regex(
    (await lab('probe', folder.path)).stdout,
    /web-1 -> api-1 tcp\/8080 IPv4: allow, and the verifier says deny/,
  );
});

test('lab exec runs a program on a host, in a workload and on the fabric, and ends as it does', async (t) => {
  t.regex((await lab('exec', 'host-1', '--', 'ip', 'route')).stdout, /192\.168\.2\.10 via 10\.99\.0\.2/);
  t.regex((await lab('exec', 'web-1', '--', 'ip', 'addr')).stdout, /192\.168\.1\.10\/32/);
  t.is((await lab('exec', 'fabric', '--', 'sh', '-c', 'exit 7')).code, 7);
  const { code, stderr } = await lab('exec', 'web-9', '--', 'true');
  t.is(code, 3);
  t.regex(stderr, /there is no "web-9".*\n.*web-1/);
});

test('lab status lists every program, and exits 1 when one has ended', async (t) => {
  t.is((await lab('status')).code, 0);
  const victim = state.processes.find(({ role }) => role === 'reconcile host-3');
  if (!victim) throw new Error('host-3 has no reconciler');
  process.kill(victim.pid, 'SIGKILL');
  const status = await until(async () => {
    const found = await lab('status', '--output', 'json');
    return found.code === 1 ? found : undefined;
  });
  const ended = JSON.parse(status.stdout).processes.filter((one: { running: boolean }) => !one.running);
  t.deepEqual(
    ended.map(({ role }: { role: string }) => role),
    ['reconcile host-3'],
  );
});

test('a lab whose etcd does not start says what etcd said, and leaves nothing', async (t) => {
  await using folder = await folderOf({ etcd: '#!/bin/sh\necho "no space left on device"\nexit 1\n' });
  await chmod(join(folder.path, 'etcd'), 0o755);
  const name = `${NAME}e`;
  const path = `${folder.path}:${process.env.PATH}`;
  const { code, stderr } = await heddle(['lab', 'up', STORY, '--name', name], { PATH: path });
  t.is(code, 1);
  t.regex(stderr, /^heddle: etcd ended.*; it said: no space left on device$/m);
  t.notRegex(stderr, /unexpected error/);
  t.deepEqual(
    await exec('ip', ['netns', 'list']).then(({ stdout }) => stdout.match(new RegExp(`\\b${name}-`, 'g'))),
    null,
  );
});

test('lab down leaves nothing, whatever was killed before, and a second time finds nothing', async (t) => {
  t.true(traces.namespaces().length > 8);
  t.regex((await lab('down')).stdout, /10 namespaces removed/);
  t.deepEqual(traces.all(), []);
  t.regex((await lab('down')).stdout, /0 namespaces removed/);
  t.is((await lab('probe')).code, 3);
});

test('the repository that init makes comes up in a lab, its tests pass with real packets, and what is pushed to it comes up too', async (t) => {
  await using folder = await folderOf({});
  const target = join(folder.path, 'net');
  t.is((await heddle(['init', target])).code, 0);
  try {
    const { code, stdout } = await lab('up', target, '--output', 'json');
    t.is(code, 0, stdout);
    await probesPass(t);
    const { workTree, etcdOutside, plan }: LabState = JSON.parse(stdout);
    const [host = '', other = ''] = plan.hosts.map(({ name }) => name);
    const endpoints = join(workTree, 'endpoints/web.yaml');
    const moved = (await readFile(endpoints, 'utf8')).replace(`node: ${other}`, `node: ${host}`);
    await writeFile(endpoints, moved);
    await writeFile(join(workTree, 'more.yaml'), MORE);
    const commit = await commitAndPush(exec, workTree, 'more');
    const wait = ['wait', '--commit', commit, '--bgp', '--timeout', '60s', '--etcd', etcdOutside];
    t.regex((await heddle(wait)).stdout, /live on 3\/3 hosts/);
    await probesPass(t);
    t.is((await lab('exec', 'web-9', '--', 'ping', '-c1', '-W5', '192.168.2.1')).code, 0);
    t.regex((await lab('sync')).stdout, /every host and workload is there/);
    await syncIsRepeated(t, workTree);
  } finally {
    await lab('down');
  }
});

const MORE = `apiVersion: heddle/v1
kind: Node
metadata: { name: host-9 }
spec: { bgp: { ipv4Address: 10.0.0.9/24 } }
---
apiVersion: heddle/v1
kind: WorkloadEndpoint
metadata: { name: web-9, labels: { app: web } }
spec: { node: host-9, ipNetworks: [192.168.9.1], profiles: [web] }
`;

const MORE_LATER = `apiVersion: heddle/v1
kind: WorkloadEndpoint
metadata: { name: web-10, labels: { app: web } }
spec: { node: host-9, ipNetworks: [192.168.9.2], profiles: [web] }
`;

async function probesPass(t: ExecutionContext): Promise<void> {
  const { code, stdout } = await lab('probe');
  t.is(code, 0, stdout);
  t.regex(stdout, /[1-9]\d* probes, 0 mismatches/);
}

/** A push whose hook cannot make a namespace is made up for by hand. */
async function syncIsRepeated(t: ExecutionContext, workTree: string): Promise<void> {
  await using broken = await folderOf({ ip: '#!/bin/sh\nexit 1\n' });
  await chmod(join(broken.path, 'ip'), 0o755);
  const env = { PATH: `${broken.path}:${process.env.PATH}` };
  await writeFile(join(workTree, 'late.yaml'), MORE_LATER);
  await commitAndPush((command, args, options) => exec(command, args, { ...options, env }), workTree, 'late');
  t.is((await lab('exec', 'web-10', '--', 'true')).code, 3);
  t.regex((await lab('sync')).stdout, /web-10 is new/);
  t.regex((await lab('exec', 'web-10', '--', 'ip', 'route')).stdout, /^default via 169\.254\.1\.1 /);
}
