/** Whose keys are whose, and what needs a person's word: through the command line, on a real etcd. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startEtcd } from '../helpers/etcd.js';
import { folderOf, heddle } from '../helpers/heddle.js';

const POOL = 'apiVersion: heddle/v1\nkind: IPPool\nmetadata: {name: pool}\nspec: {cidr: 10.65.0.0/16}\n';
const profile = (name: string, annotations = '') =>
  `apiVersion: heddle/v1\nkind: Profile\nmetadata: {name: ${name}${annotations}}\nspec: {}\n`;
const ADOPTED = ', annotations: {heddle/adopt: "true"}';
const node = (spec: string, annotations = '') =>
  `apiVersion: heddle/v1\nkind: Node\nmetadata: {name: host-1${annotations}}\nspec: ${spec}\n`;
const endpoint = (annotations = '') =>
  `apiVersion: heddle/v1\nkind: WorkloadEndpoint\nmetadata: {name: w1${annotations}}\nspec: {node: host-1, ipNetworks: [10.65.1.1/32]}\n`;

interface Change {
  readonly action: string;
  readonly kind: string;
  readonly name: string;
  readonly reason?: string;
}

async function scene() {
  const etcd = await startEtcd();
  const folder = await folderOf({});
  const value = async (key: string) => (await etcd.ctl('get', '--print-value-only', key)).trim();
  /** Reconciles once with these files, and no others. */
  const once = async (files: Readonly<Record<string, string>>, ...flags: string[]) => {
    const repo = join(folder.path, 'net');
    await rm(repo, { recursive: true, force: true });
    await mkdir(repo);
    for (const [name, text] of Object.entries(files)) await writeFile(join(repo, name), text);
    const { code, stdout, stderr } = await heddle([
      ...['reconcile', '--once', '--output', 'json', '--repo', repo],
      ...['--cache-dir', folder.path, '--etcd', etcd.endpoint, ...flags],
    ]);
    const plan = JSON.parse(stdout);
    const changes: readonly Change[] = plan.changes ?? [];
    const told = (action: string) => changes.find((change) => change.action === action);
    const guards: readonly { code: string; message: string; approve: string }[] = plan.guards ?? [];
    return { code, stderr, guards, told, changes };
  };
  return {
    ...{ etcd, value, once },
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
      await etcd.close();
    },
  };
}

test('guards: an emptied source and a prune over budget exit 5, say how to approve, and pass when approved', async (t) => {
  await using net = await scene();
  const many = Object.fromEntries('abcdefgh'.split('').map((name) => [`${name}.yaml`, profile(name)]));
  t.is((await net.once(many)).code, 0);
  const emptied = await net.once({});
  t.is(emptied.code, 5);
  t.deepEqual(
    emptied.guards.map(({ code }) => code),
    ['empty-source', 'prune-budget'],
  );
  t.regex(emptied.guards[0]?.message ?? '', /would delete all 8/);
  const pruned = await net.once({ 'a.yaml': profile('a') });
  t.is(pruned.code, 5);
  t.regex(pruned.guards[0]?.message ?? '', /7 of 8 Profile objects would be deleted, 5 at most/);
  t.regex(pruned.guards[0]?.approve ?? '', /"Prune-Approved: yes".* or pass --approve-prune/);
  t.not(await net.value('/calico/v1/policy/profile/b/rules'), '', 'nothing was deleted');
  t.is((await net.once({ 'a.yaml': profile('a') }, '--approve-prune')).code, 0);
  t.is(await net.value('/calico/v1/policy/profile/b/rules'), '');
});

test('guards: a pool with an allocated IPAM block exits 5 and names the block, until approved', async (t) => {
  await using net = await scene();
  const files = { 'p.yaml': POOL, 'a.yaml': profile('a') };
  t.is((await net.once(files)).code, 0);
  const block = '/calico/ipam/v2/assignment/ipv4/block/10.65.3.0-26';
  await net.etcd.ctl(
    'put',
    block,
    '{"cidr":"10.65.3.0/26","affinity":"host:x","allocations":[0,null],"attributes":[{}]}',
  );
  const refused = await net.once({ 'a.yaml': profile('a') });
  t.is(refused.code, 5);
  t.is(refused.guards[0]?.code, 'pool-in-use');
  t.true(refused.guards[0]?.message.includes(`${block} (1 address)`));
  t.regex(refused.guards[0]?.approve ?? '', /set disabled: true on the pool/);
  t.is((await net.once({ 'a.yaml': profile('a') }, '--approve-prune')).code, 0);
  t.not(await net.value(block), '', 'the block is not ours');
});

test('ownership: a key that somebody else wrote blocks until the manifest adopts it; then it is pruned like ours', async (t) => {
  await using net = await scene();
  const key = '/calico/v1/policy/profile/web/rules';
  await net.etcd.ctl('put', key, '{"inbound_rules":[],"outbound_rules":[]}');
  const blocked = await net.once({ 'a.yaml': profile('a'), 'web.yaml': profile('web') });
  t.is(blocked.code, 5);
  t.true(blocked.told('blocked')?.reason?.includes(`${key} exists and is in no inventory`));
  t.true(blocked.told('blocked')?.reason?.includes('add the annotation heddle/adopt: "true"'));
  t.is(await net.value('/calico/v1/policy/profile/a/rules'), '', 'nothing of the commit was written');
  const adopted = await net.once({ 'a.yaml': profile('a'), 'web.yaml': profile('web', ADOPTED) });
  t.is(adopted.code, 0, adopted.stderr);
  t.like(adopted.told('adopt'), { kind: 'Profile', name: 'web' });
  t.is((await net.once({ 'a.yaml': profile('a') })).code, 0);
  t.is(await net.value(key), '');
});

test('ownership: a key of another source blocks, adopted or not, and each source prunes its own only', async (t) => {
  await using net = await scene();
  t.is((await net.once({ 'web.yaml': profile('web') }, '--source', 'team-a')).code, 0);
  const other = await net.once({ 'web.yaml': profile('web', ADOPTED) }, '--source', 'team-b');
  t.is(other.code, 5);
  t.regex(
    other.told('blocked')?.reason ?? '',
    /belongs to Profile\/web of source team-a: take it out of one/,
  );
  t.is((await net.once({ 'db.yaml': profile('db') }, '--source', 'team-b')).code, 0);
  t.is((await net.once({ 'x.yaml': profile('x') }, '--source', 'team-a')).code, 0);
  t.is(await net.value('/calico/v1/policy/profile/web/rules'), '');
  t.not(await net.value('/calico/v1/policy/profile/db/rules'), '');
});

test('ownership: the address of a node goes from its agent to git and back, and nothing is lost on the way', async (t) => {
  await using net = await scene();
  const key = '/calico/bgp/v1/host/host-1/ip_addr_v4';
  await net.etcd.ctl('put', key, '10.0.0.1');
  t.is((await net.once({ 'n.yaml': node('{}') })).code, 0);
  t.is(await net.value(key), '10.0.0.1', 'registered by the agent, and left to it');
  const taken = await net.once({ 'n.yaml': node('{bgp: {ipv4Address: 10.0.0.2/24}}') });
  t.is(taken.code, 0, taken.stderr);
  t.is(taken.told('adopt')?.name, 'host-1');
  t.is(await net.value(key), '10.0.0.2');
  const given = await net.once({ 'n.yaml': node('{}') });
  t.is(given.code, 0);
  t.regex(given.told('release')?.reason ?? '', /leaves .*ip_addr_v4.* to the agent of the node/);
  t.is(await net.value(key), '10.0.0.2');
});

test('ownership: an address that a foreign endpoint holds blocks and names the holder, adopted or not', async (t) => {
  await using net = await scene();
  const holder = '/calico/v1/host/host-9/workload/cni/pod-1/endpoint/eth0';
  await net.etcd.ctl('put', holder, '{"state":"active","name":"cali9","ipv4_nets":["10.65.1.1/32"]}');
  await net.etcd.ctl('put', '/calico/v1/ipam/v4/assignment/10.65.0.0-16/10.65.1.1', '{}');
  const base = { 'p.yaml': POOL, 'n.yaml': node('{bgp: {ipv4Address: 10.0.0.2/24}}') };
  for (const annotations of ['', ADOPTED]) {
    const blocked = await net.once({ ...base, 'w.yaml': endpoint(annotations) });
    t.is(blocked.code, 5, blocked.stderr);
    t.true(blocked.told('blocked')?.reason?.includes(`address 10.65.1.1 is held by ${holder}`));
    t.regex(blocked.told('blocked')?.reason ?? '', /choose another address, or remove that endpoint/);
  }
  t.is(await net.value('/calico/v1/ipam/v4/pool/10.65.0.0-16'), '', 'nothing of the commit was written');
});
