/**
 * A plan compares with what the store really holds, touches only what is ours, and says why where it must
 * not. By example, on a store in memory; plan-laws.test.ts has random ones.
 */
import test from 'ava';
import type { Resource } from '../../src/model/resource.js';
import { cidr, resource, workload } from '../helpers/build-resources.js';
import { LAYOUT, TestStore, titles } from './test-store.js';

const POOL = resource('IPPool', 'main', {
  cidr: cidr('192.168.0.0/16'),
  natOutgoing: true,
  disabled: false,
  ipipMode: 'Never',
  vxlanMode: 'Never',
  disableBGPExport: false,
});
const WEB = resource('Profile', 'web', { ingress: [], egress: [{ action: 'Allow' }], tags: ['web'] });
const W1 = workload('w1', { addresses: ['192.168.1.1'], profiles: ['web'] });
const NETWORK: readonly Resource[] = [W1, WEB, POOL];

const W1_KEY = '/calico/v1/host/host-1/workload/heddle/w1/endpoint/eth0';
const W1_ADDRESS = '/calico/v1/ipam/v4/assignment/192.168.0.0-16/192.168.1.1';
const WEB_RULES = '/calico/v1/policy/profile/web/rules';

function adopting<R extends Resource>(object: R): R {
  return { ...object, metadata: { ...object.metadata, annotations: { 'heddle/adopt': 'true' } } };
}

test('a first plan creates everything, what is referred to first', async (t) => {
  const plan = await new TestStore().plan(NETWORK);
  t.deepEqual(titles(plan), ['create IPPool/main', 'create Profile/web', 'create WorkloadEndpoint/w1']);
  t.true(
    plan.changes.every(({ writes }) => writes.every(({ compare }) => compare?.check === 'absent')),
    'nothing may be there',
  );
  const [, , endpoint] = plan.changes;
  t.deepEqual(
    endpoint?.keys.map(({ key }) => key),
    [W1_KEY, W1_ADDRESS],
  );
  t.deepEqual(
    endpoint?.diff.find(({ path }) => path === 'spec.profiles'),
    {
      path: 'spec.profiles',
      after: ['web'],
    },
  );
});

test('a plan that has been applied is empty', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  t.deepEqual((await store.plan(NETWORK)).changes, []);
});

test('moving a manifest to another file or line changes nothing', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const moved = NETWORK.map((object) => ({ ...object, origin: { file: 'other.yaml', line: 99, col: 1 } }));
  t.deepEqual((await store.plan(moved, { commit: 'c2' })).changes, []);
});

test('the same value spelled differently in the store is no drift', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const value: Record<string, unknown> = JSON.parse((await store.value(W1_KEY)) ?? '');
  await store.put(W1_KEY, JSON.stringify(Object.fromEntries(Object.entries(value).reverse()), null, 4));
  t.deepEqual((await store.plan(NETWORK)).changes, []);
});

test('a changed manifest is an update, with the fields that change and the revision that was seen', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const edited = workload('w1', { addresses: ['192.168.1.1'], profiles: ['web'], labels: { role: 'db' } });
  const plan = await store.plan([edited, WEB, POOL]);
  t.deepEqual(titles(plan), ['update WorkloadEndpoint/w1']);
  const [change] = plan.changes;
  t.deepEqual(change?.diff, [{ path: 'metadata.labels.role', after: 'db' }]);
  t.deepEqual(change?.keys, [{ key: W1_KEY, op: 'put' }]);
  t.is(change?.reason, undefined);
  t.true(change?.writes.every(({ compare }) => compare?.check === 'mod-revision'));
});

test('a value that somebody else changed is drift, and is put back', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const before = await store.network();
  await store.put(WEB_RULES, '{"inbound_rules":[{"action":"allow"}],"outbound_rules":[]}');
  const plan = await store.apply(NETWORK);
  t.deepEqual(titles(plan), ['drift Profile/web']);
  t.regex(plan.changes[0]?.reason ?? '', /profile\/web\/rules was changed by somebody else at revision \d+/);
  t.deepEqual(plan.changes[0]?.diff, [
    { path: 'spec.ingress[0]', before: { action: 'Allow' } },
    { path: 'spec.egress[0]', after: { action: 'Allow' } },
  ]);
  t.deepEqual(await store.network(), before);
});

test('a key that somebody else deleted is drift', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  await store.remove(W1_ADDRESS);
  const plan = await store.apply(NETWORK);
  t.deepEqual(titles(plan), ['drift WorkloadEndpoint/w1']);
  t.is(plan.changes[0]?.reason, `${W1_ADDRESS} was deleted by somebody else`);
  t.deepEqual(plan.changes[0]?.diff, [{ path: `${W1_ADDRESS}`, after: '' }]);
  t.is(await store.value(W1_ADDRESS), '');
});

test('a value that nobody can read is drift, shown as it stands', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  await store.put(W1_KEY, '{"state": 7, "password": "hunter2"}');
  const plan = await store.apply(NETWORK);
  t.deepEqual(titles(plan), ['drift WorkloadEndpoint/w1']);
  t.true(plan.changes[0]?.diff.some(({ path, before }) => path === `${W1_KEY}.state` && before === 7));
  t.false(JSON.stringify(plan.changes[0]?.diff).includes('hunter2'), 'secrets are not shown');
});

test('a value that is nested deeper than the stack is drift, and its secrets are not shown either', async (t) => {
  for (const foreign of [WEB_RULES, W1_KEY]) {
    const store = new TestStore();
    await store.apply(NETWORK);
    await store.put(
      foreign,
      `{"state":7,"password":"hunter2","inbound_rules":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    );
    const plan = await store.plan(NETWORK);
    t.deepEqual(
      plan.changes.map(({ action }) => action),
      ['drift'],
      foreign,
    );
    t.false(JSON.stringify(plan.changes[0]?.diff).includes('hunter2'));
    await store.apply(NETWORK);
    t.deepEqual((await store.plan(NETWORK)).changes, []);
  }
});

test('an update over a foreign change says that it overwrites it', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  await store.put(W1_KEY, '{"state":"inactive","name":"cali1"}');
  const edited = workload('w1', { addresses: ['192.168.1.1'], profiles: [] });
  const plan = await store.plan([edited, WEB, POOL]);
  t.deepEqual(titles(plan), ['update WorkloadEndpoint/w1']);
  t.regex(plan.changes[0]?.reason ?? '', /was changed by somebody else/);
});

test('what no manifest names any more is deleted, after everything else', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const plan = await store.apply([resource('Profile', 'db', {})]);
  t.deepEqual(titles(plan), [
    'create Profile/db',
    'delete WorkloadEndpoint/w1',
    'delete Profile/web',
    'delete IPPool/main',
  ]);
  t.deepEqual(plan.changes[1]?.origin, { file: 'WorkloadEndpoint.yaml', line: 1 });
  t.deepEqual(Object.keys(await store.network()), [
    '/calico/v1/policy/profile/db/rules',
    '/calico/v1/policy/profile/db/tags',
  ]);
  t.deepEqual((await store.plan([resource('Profile', 'db', {})])).changes, []);
});

test('a key that an object no longer has is deleted', async (t) => {
  const store = new TestStore();
  const labelled = resource('Profile', 'web', {
    ingress: [],
    egress: [],
    tags: [],
    labelsToApply: { a: 'b' },
  });
  await store.apply([labelled]);
  const plain = resource('Profile', 'web', { ingress: [], egress: [], tags: [] });
  const plan = await store.apply([plain]);
  t.deepEqual(titles(plan), ['update Profile/web']);
  t.deepEqual(plan.changes[0]?.keys, [{ key: '/calico/v1/policy/profile/web/labels', op: 'delete' }]);
  t.deepEqual(plan.changes[0]?.diff, [{ path: 'spec.labelsToApply', before: { a: 'b' } }]);
});

test('the address of tunl0 goes with its field: no agent writes it', async (t) => {
  const store = new TestStore();
  const node = (ends: object) =>
    resource('Node', 'host-1', { bgp: { ipv4Address: '10.0.0.1/24' as never, ...ends } });
  await store.apply([node({ ipv4IPIPTunnelAddr: '10.66.0.1' })]);
  const key = '/calico/v1/host/host-1/config/IpInIpTunnelAddr';
  t.is(await store.value(key as never), '10.66.0.1');
  const plan = await store.apply([node({})]);
  t.deepEqual(plan.changes[0]?.keys, [{ key, op: 'delete' }]);
  t.is(await store.value(key as never), undefined);
});

test('an endpoint that moves to another node leaves nothing behind', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const moved = workload('w1', { node: 'host-2', addresses: ['192.168.1.1'], profiles: ['web'] });
  const plan = await store.apply([moved, WEB, POOL]);
  t.deepEqual(titles(plan), ['update WorkloadEndpoint/w1']);
  t.deepEqual(plan.changes[0]?.diff, [{ path: 'spec.node', before: 'host-1', after: 'host-2' }]);
  t.is(await store.value(W1_KEY), undefined);
  t.not(await store.value(W1_KEY.replace('host-1', 'host-2')), undefined);
  t.is(await store.value(W1_ADDRESS), '');
});

test('a renamed manifest hands its keys over without touching them', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const before = await store.network();
  const renamed = { ...W1, metadata: { ...W1.metadata, name: 'first' } };
  const plan = await store.apply([renamed, WEB, POOL]);
  t.deepEqual(titles(plan), ['create WorkloadEndpoint/first', 'delete WorkloadEndpoint/w1']);
  t.deepEqual(
    plan.changes.flatMap(({ keys }) => keys),
    [],
  );
  t.regex(plan.changes[1]?.reason ?? '', /goes over to WorkloadEndpoint\/first/);
  t.deepEqual(await store.network(), before);
  t.deepEqual((await store.plan([renamed, WEB, POOL])).changes, []);
});

test('two endpoints may exchange their addresses in one commit', async (t) => {
  const store = new TestStore();
  const pair = (a: string, b: string) => [
    POOL,
    workload('w1', { addresses: [a] }),
    workload('w2', { addresses: [b] }),
  ];
  await store.apply(pair('192.168.1.1', '192.168.1.2'));
  const plan = await store.apply(pair('192.168.1.2', '192.168.1.1'));
  t.deepEqual(titles(plan), ['update WorkloadEndpoint/w1', 'update WorkloadEndpoint/w2']);
  t.deepEqual((await store.plan(pair('192.168.1.2', '192.168.1.1'))).changes, []);
});

test('a value that somebody else wrote before git asked for it is only recorded', async (t) => {
  const store = new TestStore();
  await store.apply(NETWORK);
  const edited = workload('w1', { addresses: ['192.168.1.1'], profiles: [] });
  const elsewhere = new TestStore();
  await elsewhere.apply([edited, WEB, POOL]);
  await store.put(W1_KEY, (await elsewhere.value(W1_KEY)) ?? '');
  const plan = await store.apply([edited, WEB, POOL]);
  t.deepEqual(titles(plan), ['update WorkloadEndpoint/w1']);
  t.deepEqual(plan.changes[0]?.keys, []);
  t.regex(plan.changes[0]?.reason ?? '', /holds this already/);
  t.deepEqual((await store.plan([edited, WEB, POOL])).changes, []);
});

test('a key in no inventory blocks the object, and the reason says how to go on', async (t) => {
  const store = new TestStore();
  await store.put(WEB_RULES, '{"inbound_rules":[],"outbound_rules":[]}');
  const plan = await store.plan(NETWORK);
  t.deepEqual(
    titles(plan).filter((title) => title.startsWith('blocked')),
    ['blocked Profile/web'],
  );
  const blocked = plan.changes.find(({ action }) => action === 'blocked');
  t.true(blocked?.reason?.includes(WEB_RULES));
  t.true(blocked?.reason?.includes('heddle/adopt: "true"'));
  t.deepEqual(blocked?.writes, []);
});

test('heddle/adopt takes over an object as a whole, surplus keys included', async (t) => {
  const store = new TestStore();
  await store.put(WEB_RULES, '{"inbound_rules":[],"outbound_rules":[]}');
  await store.put('/calico/v1/policy/profile/web/labels', '{"a":"b"}');
  const plan = await store.apply([adopting(WEB)]);
  t.deepEqual(titles(plan), ['adopt Profile/web']);
  t.regex(plan.changes[0]?.reason ?? '', /takes over .*web\/rules.*web\/labels/);
  t.is(await store.value('/calico/v1/policy/profile/web/labels'), undefined);
  t.deepEqual((await store.plan([adopting(WEB)])).changes, []);
  t.deepEqual((await store.plan([WEB])).changes, [], 'the annotation is needed once');
});

test('a key of another source blocks the object, adopted or not', async (t) => {
  const store = new TestStore();
  await store.apply([WEB], { source: 'team-a' });
  const plan = await store.plan([adopting(WEB)], { source: 'team-b' });
  t.deepEqual(titles(plan), ['blocked Profile/web']);
  t.regex(plan.changes[0]?.reason ?? '', /belongs to Profile\/web of source team-a/);
});

test('an address that a foreign endpoint holds blocks, adopted or not, and the holder is named', async (t) => {
  const store = new TestStore();
  const holder = '/calico/v1/host/host-9/workload/cni/pod-1/endpoint/eth0';
  await store.put(W1_ADDRESS, '');
  await store.put(holder, '{"state":"active","name":"cali9","ipv4_nets":["192.168.1.1/32"]}');
  for (const endpoint of [W1, adopting(W1)]) {
    const plan = await store.plan([POOL, WEB, endpoint]);
    const blocked = plan.changes.find(({ action }) => action === 'blocked');
    t.is(blocked?.name, 'w1');
    t.true(blocked?.reason?.includes(`192.168.1.1 is held by ${holder}`), blocked?.reason);
  }
});

test('an address without a holder may be adopted', async (t) => {
  const store = new TestStore();
  await store.put(W1_ADDRESS, '');
  t.true(titles(await store.plan(NETWORK)).includes('blocked WorkloadEndpoint/w1'));
  const plan = await store.apply([POOL, WEB, adopting(W1)]);
  t.true(titles(plan).includes('adopt WorkloadEndpoint/w1'));
});

const NODE = { metadata: '/calico/v1/host/host-1/metadata', ip: '/calico/bgp/v1/host/host-1/ip_addr_v4' };
const registered = async (): Promise<TestStore> => {
  const store = new TestStore();
  await store.put(NODE.metadata, '{}');
  await store.put('/calico/v1/host/host-1/bird_ip', '10.0.0.1');
  await store.put(NODE.ip, '10.0.0.1');
  await store.put('/calico/bgp/v1/host/host-1/network_v4', '10.0.0.0/24');
  return store;
};

test("the registration of a node becomes git's when the manifest has the address, and goes back when not", async (t) => {
  const store = await registered();
  const bare = resource('Node', 'host-1', {});
  const first = await store.apply([bare]);
  t.deepEqual(titles(first), ['adopt Node/host-1'], 'its existence');
  t.is(await store.value(NODE.ip), '10.0.0.1');

  const addressed = resource('Node', 'host-1', { bgp: { ipv4Address: '10.0.0.2/24' as never } });
  const second = await store.apply([addressed]);
  t.deepEqual(titles(second), ['adopt Node/host-1']);
  t.is(await store.value(NODE.ip), '10.0.0.2');

  const third = await store.apply([bare]);
  t.deepEqual(titles(third), ['release Node/host-1']);
  t.regex(third.changes[0]?.reason ?? '', /leaves .* to the agent of the node/);
  t.is(await store.value(NODE.ip), '10.0.0.2', 'the agent goes on from there');
  t.deepEqual((await store.plan([bare])).changes, []);
});

test('a node that is deleted takes along what its agent has registered, and nothing of others', async (t) => {
  const store = await registered();
  await store.put('/calico/bgp/v1/host/host-2/ip_addr_v4', '10.0.0.2');
  await store.apply([resource('Node', 'host-1', {})]);
  const plan = await store.plan([]);
  const [change] = plan.changes;
  t.is(change?.action, 'delete');
  t.deepEqual(change?.keys.map(({ key }) => key).sort(), [
    '/calico/bgp/v1/host/host-1/ip_addr_v4',
    '/calico/bgp/v1/host/host-1/network_v4',
    '/calico/v1/host/host-1/bird_ip',
    '/calico/v1/host/host-1/metadata',
  ]);
});

test('what is in no inventory is listed and survives; what runtimes write is not even listed', async (t) => {
  const store = await registered();
  const foreign = {
    '/calico/v1/policy/profile/docker/tags': '["docker"]',
    '/calico/v1/host/host-9/workload/cni/pod-1/endpoint/eth0': '{"state":"active","name":"cali9"}',
    '/calico/ipam/v2/config': '{}',
    '/calico/v1/policy/profile/web/labels': '{"planted":"yes"}',
  };
  for (const [key, value] of Object.entries(foreign)) await store.put(key, value);
  const plan = await store.apply(NETWORK);
  const unmanaged = plan.changes.filter(({ action }) => action === 'unmanaged');
  t.deepEqual(
    unmanaged.map(({ kind, name }) => `${kind}/${name}`),
    ['Profile/docker', 'Profile/web'],
  );
  t.regex(unmanaged[1]?.reason ?? '', /beside the keys of Profile\/web/);
  await store.apply([resource('Profile', 'other', {})]);
  for (const [key, value] of Object.entries(foreign)) t.is(await store.value(key), value);
});

test('an inventory record that cannot be read blocks what it was for', async (t) => {
  const store = new TestStore();
  await store.apply([WEB, resource('Profile', 'old', {})]);
  await store.put(LAYOUT.keys.inventory('default', 'Profile', 'web'), 'torn');
  await store.put(LAYOUT.keys.inventory('default', 'Profile', 'old'), 'torn');
  const plan = await store.plan([WEB]);
  t.deepEqual(
    titles(plan).filter((title) => title.startsWith('blocked')),
    ['blocked Profile/old', 'blocked Profile/web'],
  );
  t.true(plan.changes[0]?.reason?.includes('/inventory/Profile/old cannot be read'));
});

test('two sources plan side by side without seeing each other', async (t) => {
  const store = new TestStore();
  await store.apply([WEB], { source: 'team-a' });
  await store.apply([POOL], { source: 'team-b' });
  t.deepEqual((await store.plan([WEB], { source: 'team-a' })).changes, []);
  t.deepEqual((await store.plan([POOL], { source: 'team-b' })).changes, []);
  const gone = await store.plan([resource('Profile', 'x', {})], { source: 'team-b' });
  t.deepEqual(titles(gone), ['create Profile/x', 'delete IPPool/main']);
});
