/** What a plan says of connectivity, in all its forms, against a real etcd that others write to as well. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openEtcdDatastore } from '../../src/datastore/etcd/etcd-datastore.js';
import type { StoreKey } from '../../src/model/store.js';
import { startEtcd, type TestEtcd } from '../helpers/etcd.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { connectivityTest, guard, smallNetwork } from '../reconciler/manifests.js';

/** An endpoint that an orchestrator made, and a policy by which it comes in nowhere. */
const POD = {
  key: '/calico/v1/host/host-2/workload/k8s/pod-1/endpoint/eth0' as StoreKey,
  value: JSON.stringify({
    state: 'active',
    name: 'cali0123456789a',
    mac: 'ee:ee:ee:ee:ee:ee',
    profile_ids: ['web'],
    ipv4_nets: ['192.168.7.7/32'],
    ipv6_nets: [],
    labels: { app: 'pod' },
  }),
};
const NAME = 'host-2/k8s/pod-1/eth0';
const THEIRS = {
  key: '/calico/v1/policy/tier/default/policy/theirs' as StoreKey,
  value: JSON.stringify({
    order: 10,
    selector: 'all()',
    types: ['ingress'],
    inbound_rules: [{ action: 'deny', src_selector: "app == 'pod'" }],
    outbound_rules: [],
  }),
};

async function putForeign(etcd: TestEtcd, ...entries: readonly (typeof POD)[]): Promise<void> {
  await using store = openEtcdDatastore(etcd.options);
  const writes = entries.map((entry) => ({ write: { op: 'put' as const, ...entry } }));
  await store.transact({ guards: [], writes });
}

test('a plan against etcd counts endpoints made at run time and policy that nobody manages, in every form', async (t) => {
  await using etcd = await startEtcd();
  await putForeign(etcd, POD, THEIRS);
  await using folder = await folderOf({
    ...smallNetwork(),
    'guard.yaml': guard('Deny'),
    'test.yaml': connectivityTest('Deny'),
  });
  const store = ['--repo', folder.path, '--etcd', etcd.endpoint];
  const first = await heddle(['reconcile', '--once', ...store]);
  t.is(first.code, 0, first.stderr + first.stdout);
  t.regex(first.stdout, /1 of 1 connectivity tests hold \(on the store with this plan\)/);

  await writeFile(join(folder.path, 'guard.yaml'), guard('Allow'));
  await writeFile(join(folder.path, 'test.yaml'), connectivityTest('Allow'));
  const out = join(folder.path, 'plan.json');
  const human = await heddle(['reconcile', '--dry-run', '--out', out, ...store]);
  t.is(human.code, 0, human.stderr);
  const opened = [
    '  with addresses outside',
    '  \\+ outside and all other hosts -> all endpoints  all protocols  \\(6 pairs\\)',
    '        .*policy guard, ingress rule 1: Allow  guard.yaml:4',
    '  between endpoints and hosts',
    "  \\+ app != 'pod' -> all endpoints  all protocols  \\(4 pairs\\)",
  ];
  t.regex(human.stdout, new RegExp(`^${opened.join('\\n')}$`, 'm'));
  const json = await heddle(['reconcile', '--dry-run', '--output', 'json', ...store]);
  const plan = JSON.parse(json.stdout);
  t.deepEqual(plan.tests, { passed: 1, failed: 0, on: 'store', results: [] });
  const [, inside] = plan.connectivity.gained;
  t.deepEqual(inside.from, {
    text: "app != 'pod'",
    count: 2,
    outside: false,
    selector: "app != 'pod'",
    members: ['w1', 'w2'],
  });
  t.deepEqual(inside.to.members, [NAME, 'w1', 'w2'], 'the endpoint that no manifest has');
  t.deepEqual(Object.keys(plan.connectivity.gained[0]), [
    'from',
    'to',
    'connections',
    'families',
    'pairs',
    'sample',
  ]);
  const saved = JSON.parse(await readFile(out, 'utf8'));
  t.deepEqual(saved.connectivity, plan.connectivity, 'what was said is what was saved');
  t.deepEqual(saved.tests, plan.tests);
  const markdown = await heddle(['reconcile', '--dry-run', '--output', 'markdown', ...store]);
  t.regex(markdown.stdout, /> \[!WARNING\]\n> Opens to addresses outside/);
  t.regex(markdown.stdout, /```diff\n# with addresses outside\n\+ outside and all other hosts -> /);

  const denied = await heddle(['apply', out, '--deny-widening', '--etcd', etcd.endpoint]);
  t.is(denied.code, 4);
  t.regex(denied.stderr, /--deny-widening forbids what this opens: /);
  const applied = await heddle(['apply', out, '--etcd', etcd.endpoint]);
  t.is(applied.code, 0, applied.stderr);
});

test('a plan against etcd puts its tests to endpoints made at run time: manifests alone would pass', async (t) => {
  await using etcd = await startEtcd();
  await putForeign(etcd, POD);
  const isolated = `apiVersion: heddle/v1
kind: ConnectivityTest
metadata: {name: pods-stay-out}
spec: {from: {cidr: 192.168.7.0/24}, to: {endpoint: w1}, expect: Deny}
`;
  const rule = guard('Allow').replace('{action: Allow}', "{action: Allow, source: {selector: app == 'pod'}}");
  await using folder = await folderOf({ ...smallNetwork(), 'guard.yaml': rule, 'test.yaml': isolated });
  const alone = await heddle(['reconcile', '--dry-run', '--repo', folder.path, '--output', 'json']);
  t.deepEqual(JSON.parse(alone.stdout).tests, { passed: 1, failed: 0, on: 'manifests', results: [] });
  const once = await heddle([
    'reconcile',
    '--once',
    '--repo',
    folder.path,
    '--etcd',
    etcd.endpoint,
    '--output',
    'json',
  ]);
  t.is(once.code, 4);
  const { tests, applied } = JSON.parse(once.stdout);
  t.is(applied, undefined);
  t.like(tests, { passed: 0, failed: 1, on: 'store' });
  t.like(tests.results[0], { name: 'pods-stay-out', ok: false, counterexample: { src: NAME, dst: 'w1' } });
  const markdown = await heddle([
    'reconcile',
    '--dry-run',
    '--repo',
    folder.path,
    '--etcd',
    etcd.endpoint,
    '--output',
    'markdown',
  ]);
  t.regex(markdown.stdout, /\*\*0 of 1 connectivity tests hold[^\n]*\n\n```diff\n- FAILS {2}pods-stay-out/);
  t.true(
    markdown.stdout.indexOf('FAILS') < markdown.stdout.indexOf('Who could then talk'),
    'first what fails',
  );
});
