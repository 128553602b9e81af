/** `trace --etcd` and `test --etcd` judge by what agents enforce of a store, bad values and unenforced kinds included. */
import test from 'ava';
import { createLayout } from '../../src/layout/create-layout.js';
import type { Snapshot, StoreKey } from '../../src/model/store.js';
import { networkOfSnapshot } from '../../src/reconciler/stored-network.js';
import { networkFrom } from '../../src/verify/network.js';
import { trace } from '../../src/verify/trace.js';

const layout = createLayout();

function stored(values: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(values).map(([path, value], index) => {
    const revisions = { createRevision: index + 1, modRevision: index + 1, version: 1 };
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return [`/calico${path}` as StoreKey, { value: text, ...revisions }] as const;
  });
  return networkOfSnapshot({ revision: 100, entries: new Map(entries) } as unknown as Snapshot, layout);
}

const WEB = {
  '/v1/host/h1/metadata': {},
  '/bgp/v1/host/h1/ip_addr_v4': '10.0.0.1',
  '/v1/host/h1/workload/heddle/web/endpoint/eth0': {
    state: 'active',
    name: 'cali1',
    mac: null,
    profile_ids: [],
    ipv4_nets: ['192.168.0.1/32'],
    ipv6_nets: [],
    labels: {},
  },
};
const ALLOW = { selector: 'all()', order: 10, types: ['ingress'], inbound_rules: [{ action: 'allow' }] };

function verdictOf(values: Readonly<Record<string, unknown>>, dst = '192.168.0.1') {
  const { resources, unreadable } = stored({ ...WEB, ...values });
  const answer = trace(networkFrom(resources), { src: '192.0.2.1', dst, protocol: 6, port: 80 });
  if (!answer.ok) throw new TypeError(answer.error.message);
  return {
    verdict: answer.value.verdict,
    unreadable: unreadable.map(({ kind, name }) => `${kind}/${name}`),
  };
}

test('without bad values the policy of the store decides', (t) => {
  t.deepEqual(verdictOf({ '/v1/policy/tier/default/policy/allow': ALLOW }), {
    verdict: 'allow',
    unreadable: [],
  });
});

for (const deny of [
  { selector: 'all()', order: 1, types: ['ingress'], inbound_rules: [{ action: 'deny', foo: 1 }] },
  { selector: 'all()', order: 'one', types: ['ingress'], inbound_rules: [{ action: 'deny' }] },
  'no JSON',
])
  test(`a policy that cannot be read denies before one that allows: ${JSON.stringify(deny)}`, (t) => {
    const policies = {
      '/v1/policy/tier/default/policy/allow': ALLOW,
      '/v1/policy/tier/default/policy/deny': deny,
    };
    t.deepEqual(verdictOf(policies), { verdict: 'deny', unreadable: ['GlobalNetworkPolicy/deny'] });
  });

test('a tier that cannot be read, or is not there, denies what its policies pick', (t) => {
  const policies = {
    '/v1/policy/tier/default/policy/allow': ALLOW,
    '/v1/policy/tier/sec/policy/allow': ALLOW,
  };
  t.is(verdictOf(policies).verdict, 'deny');
  t.deepEqual(verdictOf({ ...policies, '/v1/policy/tier/sec/metadata': { order: 'five' } }), {
    verdict: 'deny',
    unreadable: ['Tier/sec'],
  });
  t.is(verdictOf({ ...policies, '/v1/policy/tier/sec/metadata': { order: 5 } }).verdict, 'allow');
});

test('a network set with a network that is none still denies the others', (t) => {
  const deny = {
    ...{ selector: 'all()', order: 1, types: ['ingress'] },
    inbound_rules: [{ action: 'deny', src_selector: "list == 'bad'" }],
  };
  const values = {
    '/v1/policy/tier/default/policy/allow': ALLOW,
    '/v1/policy/tier/default/policy/deny': deny,
    '/v1/netset/bad': { nets: ['192.0.2.0/24', '10.0.0.0/33'], labels: { list: 'bad' } },
  };
  t.deepEqual(verdictOf(values), { verdict: 'deny', unreadable: ['GlobalNetworkSet/bad'] });
});

test('a host endpoint, which no agent enforces, closes nothing, and is named', (t) => {
  const endpoint = { name: 'eth0', expected_ipv4_addrs: ['10.0.0.1'], profile_ids: [], labels: {} };
  t.deepEqual(verdictOf({ '/v1/host/h1/endpoint/eth0': endpoint }, '10.0.0.1'), {
    verdict: 'allow',
    unreadable: ['HostEndpoint/eth0'],
  });
});
