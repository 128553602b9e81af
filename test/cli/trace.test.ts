/**
 * Who decides on a packet, where that is written and who changed it last: the command line on manifests, on a
 * work tree of git, and on a real etcd, which gives the same answer.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startEtcd } from '../helpers/etcd.js';
import { folderOf, heddle } from '../helpers/heddle.js';
import { exampleFolder } from '../helpers/lab.js';
import { makeRepository } from '../loader/sources/repository.js';
import { connectivityTest, guard, smallNetwork } from '../reconciler/manifests.js';

const EXAMPLE = exampleFolder('three-tiers');
const asJson = async (...args: string[]) => {
  const { stdout } = await heddle(['trace', ...args, '--output', 'json']);
  return JSON.parse(stdout);
};

test('trace names the tier, the policy, the rule and its place, and a denial is no error', async (t) => {
  const { code, stdout } = await heddle(['trace', '203.0.113.66', 'web-1', 'tcp/443', EXAMPLE]);
  t.is(code, 0);
  t.regex(stdout, /^DENY {2}203\.0\.113\.66 -> web-1 {2}tcp\/443 {2}IPv4$/m);
  t.regex(stdout, /tier security, policy blocklist, ingress rule 1: Deny {2}policy\/security\.yaml:20$/m);
});

test('trace --output json has the shape of the contract', async (t) => {
  const answer = await asJson('web-1', 'api-2', 'tcp/8080', EXAMPLE);
  t.like(answer, {
    src: 'web-1',
    dst: 'api-2',
    protocol: 'tcp',
    port: 8080,
    family: 4,
    managed: true,
    verdict: 'allow',
    egress: {
      verdict: 'allow',
      kind: 'GlobalNetworkPolicy',
      name: 'web',
      tier: 'default',
      rule: 1,
      action: 'Allow',
    },
  });
  t.deepEqual(answer.ingress.origin, { file: 'policy/shop.yaml', line: 28 });
});

test('a path that is written out wins over HEDDLE_ETCD, for trace, test and render', async (t) => {
  const env = { HEDDLE_ETCD: 'http://127.0.0.1:1' };
  for (const [args, line] of [
    [['trace', 'web-1', 'api-2', 'tcp/8080', EXAMPLE], /^ALLOW/m],
    [['test', EXAMPLE], /11 of 11/],
    [['render', 'routes', EXAMPLE, '--node', 'host-1'], /dev cali/],
  ] as const) {
    const { code, stdout, stderr } = await heddle(args, env);
    t.is(code, 0, stderr);
    t.regex(stdout, line);
  }
  const { code, stderr } = await heddle(['trace', 'web-1', 'api-2', 'tcp/8080'], env);
  t.is(code, 1, 'without a path the store is asked');
  t.regex(stderr, /127\.0\.0\.1:1/);
});

test('trace takes --family, and an address overrides it', async (t) => {
  t.is((await asJson('web-1', 'api-2', 'tcp/8080', EXAMPLE, '--family', '6')).family, 6);
  t.is((await asJson('192.168.1.10', 'api-2', 'tcp/8080', EXAMPLE, '--family', '6')).family, 4);
});

for (const args of [
  ['web-9', 'api-1', 'tcp/80'],
  ['web-1', 'api-1', 'tcp'],
  ['web-1', 'api-1', 'gre'],
  ['web-1', 'api-1'],
  ['192.168.1.10', 'fd80:24e2:f998:72d6::1:20', 'tcp/80'],
])
  test(`trace ${args.join(' ')} is invalid input`, async (t) => {
    const { code, stderr } = await heddle(['trace', ...args, ...(args.length > 2 ? [EXAMPLE] : [])]);
    t.is(code, 3);
    t.regex(stderr, /^heddle: .+\n {2}.+\n$/);
  });

test('trace --batch answers each line in order', async (t) => {
  const questions = [
    { src: 'web-1', dst: 'api-1', protocol: 'tcp', port: 8080 },
    { src: 'web-1', dst: 'db-1', protocol: 6, port: 5432 },
    { src: 'monitor-1', dst: 'fd80:24e2:f998:72d6::2:30', protocol: 'icmp', family: 4 },
  ];
  await using folder = await folderOf({ 'q.jsonl': questions.map((one) => JSON.stringify(one)).join('\n') });
  const { code, stdout } = await heddle(['trace', '--batch', join(folder.path, 'q.jsonl'), EXAMPLE]);
  t.is(code, 0);
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(
    answers.map(({ verdict, family, protocol }) => [verdict, family, protocol]),
    [
      ['allow', 4, 'tcp'],
      ['deny', 4, 'tcp'],
      ['allow', 6, 'icmpv6'],
    ],
  );
});

test('trace --batch names each wrong line, answers the others, and exits 3', async (t) => {
  const lines = [
    '{"src":"web-1","dst":"api-1","protocl":"tcp"}',
    '{"src":"web-1","dst":"api-1","protocol":"icmp"}',
  ];
  await using folder = await folderOf({ 'q.jsonl': lines.join('\n') });
  const { code, stdout, stderr } = await heddle(['trace', '--batch', join(folder.path, 'q.jsonl'), EXAMPLE]);
  t.is(code, 3);
  t.regex(stderr, /q\.jsonl:1: unknown key "protocl"\n {2}known keys: src/);
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.is(answers.length, 2);
  t.is(answers[1].verdict, 'deny');
});

const verdictsOf = ({ egress, ingress, ...rest }: Record<string, Record<string, unknown>>) =>
  [egress, ingress].map((side) => ({ ...rest, ...side, origin: undefined, lastChange: undefined }));

test('trace and test name the commit and the author of the last change: of the file in a work tree, of the object in etcd', async (t) => {
  const repository = makeRepository(t);
  const made = repository.push(
    { ...smallNetwork(), 'guard.yaml': guard('Deny'), 'test.yaml': connectivityTest('Allow') },
    'Begin closed',
  );
  repository.push({ 'README.md': 'other things' }, 'Say something');
  const denied = await heddle(['trace', 'w1', 'w2', 'tcp/80', repository.workTree]);
  t.regex(
    denied.stdout,
    /ingress rule 1: Deny {2}guard\.yaml:4\n +changed by .+ <.+@.+> in [0-9a-f]{7}: Begin closed$/m,
  );
  t.true(denied.stdout.includes(`in ${made.slice(0, 7)}:`));
  const report = await heddle(['test', repository.workTree, '--output', 'json']);
  t.is(report.code, 4);
  const [{ counterexample }] = JSON.parse(report.stdout).results;
  t.like(counterexample.ingress.lastChange, { commit: made, summary: 'Begin closed' });

  await using etcd = await startEtcd();
  const opened = repository.push({ 'guard.yaml': guard('Allow') }, 'Open');
  const once = [
    'reconcile',
    '--once',
    '--repo',
    repository.bare,
    '--cache-dir',
    join(repository.workTree, '.cache'),
  ];
  const applied = await heddle([...once, '--etcd', etcd.endpoint]);
  t.is(applied.code, 0, applied.stderr);
  repository.write({ 'guard.yaml': `# by hand\n${guard('Allow')}` });
  const live = await asJson('w1', 'w2', 'tcp/80', '--etcd', etcd.endpoint);
  t.like(live.ingress.lastChange, { commit: opened, summary: 'Open' });
  t.regex(live.ingress.lastChange.author, /<.+@.+>/);
  const edited = await asJson('w1', 'w2', 'tcp/80', repository.workTree);
  t.deepEqual(edited.ingress.lastChange, { commit: null, author: null, time: null, summary: null });
});

test('trace names the policies that had no rule for the packet where the end of their tier decides', async (t) => {
  await using folder = await folderOf({
    ...smallNetwork(),
    'guard.yaml': guard('Allow').replace('[{action: Allow}]', '[]'),
  });
  const { egress, ingress } = await asJson('w1', 'w2', 'tcp/80', folder.path);
  t.is(egress.considered, undefined, 'a rule decided');
  t.like(ingress, { kind: 'Default', tier: 'default', rule: null, origin: null });
  t.deepEqual(ingress.considered, [
    { kind: 'GlobalNetworkPolicy', name: 'guard', origin: { file: 'guard.yaml', line: 1 } },
  ]);
  const { stdout } = await heddle(['trace', 'w1', 'w2', 'tcp/80', folder.path]);
  t.regex(stdout, /policy guard had no rule for it {2}guard\.yaml:1$/m);
});

test('trace and test --etcd answer for the live store, with the places of the manifests', async (t) => {
  await using etcd = await startEtcd();
  await using folder = await folderOf({});
  const { code } = await heddle(['reconcile', '--once', '--repo', EXAMPLE, '--etcd', etcd.endpoint]);
  t.is(code, 0);
  const live = await asJson('web-1', 'api-2', 'tcp/8080', '--etcd', etcd.endpoint);
  const offline = await asJson('web-1', 'api-2', 'tcp/8080', EXAMPLE);
  // The store knows the line of each document, manifests that of each rule.
  t.deepEqual(live.ingress.origin, { file: 'policy/shop.yaml', line: 19 });
  t.deepEqual(verdictsOf(live), verdictsOf(offline));
  const closed = join(folder.path, 'closed.yaml');
  const tests = await readFile(join(EXAMPLE, 'tests/shop.yaml'), 'utf8');
  await writeFile(closed, (tests.split('---')[0] ?? '').replace('expect: Allow', 'expect: Deny'));
  const put = await heddle(['test', folder.path, '--etcd', etcd.endpoint]);
  t.is(put.code, 4, put.stderr);
  t.regex(put.stdout, /ALLOW {2}web-1 -> api-1 {2}tcp\/8080/);
});
